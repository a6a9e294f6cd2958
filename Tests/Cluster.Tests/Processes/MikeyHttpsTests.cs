using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Microsoft.Data.Sqlite;
using Xunit;

namespace ConfCluster.Cluster.Tests.Processes;

/// <summary>A KMS that is asked over HTTPS, by a phone and by a focus.</summary>
[Collection("processes")]
public sealed class MikeyHttpsTests : IDisposable
{
    private readonly TemporaryDirectory _kms = new();
    private readonly TemporaryDirectory _data = new();
    private readonly int _port = NodeProcess.FreePort();

    public void Dispose()
    {
        SqliteConnection.ClearAllPools();
        _kms.Dispose();
        _data.Dispose();
    }

    [Fact]
    public async Task Phone_and_focus_ask_a_KMS_that_made_its_certificate_and_nobody_else_is_believed()
    {
        await AddAsync("alice", "sip:alice@example.com");
        await AddAsync("focus", "sip:focus@localhost", "--answers", "sip:*@127.0.0.1");
        await using var kms = Kms();
        await kms.UntilReadyAsync();
        var trust = In(Path.Combine("kms", "tls", "certificate.pem"));
        await using var node = NodeProcess.Start(
            _data, "--set", $"confcluster.kms-user.url={Url("localhost")}", "--set", $"confcluster.kms-user.psk-file={In("focus.psk")}", "--set",
            $"confcluster.kms-user.tls-trust-file={trust}");
        await node.UntilReadyAsync();

        var (exit, report) = await CallAsync(node, "127.0.0.1", trust);
        Assert.True(exit == 0, $"{report}\n{node.Log}\n{kms.Log}");
        Assert.Equal((0, true), (report.GetProperty("undecryptable").GetInt32(), report.GetProperty("mki").GetBoolean()));
        var audit = await File.ReadAllLinesAsync(In(Path.Combine("kms", "audit.jsonl")));
        Assert.Equal(["None", "None"], audit.Select(line => JsonDocument.Parse(line).RootElement.GetProperty("Result").GetString()));

        (exit, report) = await CallAsync(node, "127.0.0.1", null);
        Assert.Equal(1, exit);
        Assert.Contains("certificate is refused: Untrusted", report.GetProperty("problem").GetString(), StringComparison.Ordinal);
        Assert.Equal(2, (await File.ReadAllLinesAsync(In(Path.Combine("kms", "audit.jsonl")))).Length);
    }

    [Fact]
    public async Task A_certificate_for_another_name_is_refused()
    {
        await AddAsync("alice", "sip:alice@example.com");
        Issue("kms.example.com");
        await using var kms = Kms("--set", $"confcluster.kms.https.certificate={In("other.pem")}", "--set", $"confcluster.kms.https.key={In("other.key")}");
        await kms.UntilReadyAsync();
        var (exit, report) = await CallAsync(kms, "127.0.0.1", In("other.pem"));
        Assert.Equal(1, exit);
        Assert.Contains("certificate is refused: WrongName", report.GetProperty("problem").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nothing_but_the_KMS_is_where_HTTPS_is()
    {
        await using var kms = Kms();
        await kms.UntilReadyAsync();
        using var made = X509CertificateLoader.LoadCertificateFromFile(In(Path.Combine("kms", "tls", "certificate.pem")));
        var ssl = new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = (_, shown, _, _) => made.Equals(shown) };
        using var http = new HttpClient(new SocketsHttpHandler { SslOptions = ssl });
        foreach (var path in (string[])["/metrics", "/readyz", "/api/v1/conferences", "/mikey/", "/"])
            Assert.Equal(HttpStatusCode.NotFound, (await http.GetAsync(new Uri($"https://127.0.0.1:{_port}{path}"))).StatusCode);
        using var nothing = new ByteArrayContent([]);
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, (await http.PostAsync(new Uri(Url("127.0.0.1")), nothing)).StatusCode);
        Assert.Contains($"https://127.0.0.1:{_port}/mikey (self-made certificate", kms.Log, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("http://192.0.2.1/mikey")]
    [InlineData("http://127.0.0.1.example.com/mikey")]
    [InlineData("ftp://127.0.0.1/mikey")]
    public async Task A_phone_asks_no_KMS_elsewhere_in_the_clear(string url)
    {
        var (exit, output) = await NodeProcess.RunAsync(
            "call", "sip:x@127.0.0.1:9", "--srtp", "mikey", "--kms", url, "--user", "sip:alice@example.com", "--psk-file", "nowhere");
        Assert.True(exit == 2, output);
        Assert.Contains("--kms", output, StringComparison.Ordinal);
    }

    private NodeProcess Kms(params string[] more) => NodeProcess.Start(
        _kms, ["--set", "confcluster.kms.enabled=on", "--set", "confcluster.kms.https.enabled=on", "--set", $"confcluster.kms.https.port={_port}", .. more]);

    private string In(string name) => Path.Combine(_kms.Path, name);

    private string Url(string host) => $"https://{host}:{_port}/mikey";

    /// <summary>A certificate that signs itself, for that host.</summary>
    private void Issue(string host)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={host}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(host);
        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddHours(1));
        File.WriteAllText(In("other.pem"), certificate.ExportCertificatePem());
        File.WriteAllText(In("other.key"), key.ExportPkcs8PrivateKeyPem());
    }

    private async Task AddAsync(string name, params string[] more)
    {
        var (exit, output) = await NodeProcess.RunAsync(["kms", "user", "add", "--psk-file", In($"{name}.psk"), "--set", $"confcluster.data-dir={_kms.Path}", .. more]);
        Assert.True(exit == 0, output);
    }

    private async Task<(int Exit, JsonElement Report)> CallAsync(NodeProcess node, string kms, string? trust)
    {
        string[] roots = trust is null ? [] : ["--kms-trust", trust];
        var (exit, output) = await NodeProcess.RunAsync(
        [
            "call", $"sip:mixed@127.0.0.1:{node.SipPort}", "--tone", "440", "--for", "2s", "--json", "--srtp", "mikey", "--kms", Url(kms), "--user",
            "sip:alice@example.com", "--psk-file", In("alice.psk"), .. roots,
        ]);
        Assert.True(output.Contains('{'), output);
        return (exit, JsonDocument.Parse(output[output.IndexOf('{')..]).RootElement);
    }
}
