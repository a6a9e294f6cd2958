using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Microsoft.Data.Sqlite;
using Xunit;

namespace ConfCluster.Cluster.Tests.Processes;

/// <summary>A phone and a focus that prove themselves to their KMS with certificates (RFC 6043 §4.2.1.3).</summary>
[Collection("processes")]
public sealed class MikeyCertificateTests : IDisposable
{
    private readonly TemporaryDirectory _kms = new();
    private readonly TemporaryDirectory _data = new();
    private readonly RSA _rootKey = RSA.Create(2048);
    private readonly X509Certificate2 _root;

    public MikeyCertificateTests()
    {
        var request = new CertificateRequest("CN=root", _rootKey, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        _root = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        File.WriteAllText(In("root.pem"), _root.ExportCertificatePem());
    }

    public void Dispose()
    {
        SqliteConnection.ClearAllPools();
        _root.Dispose();
        _rootKey.Dispose();
        _kms.Dispose();
        _data.Dispose();
    }

    [Fact]
    public async Task A_phone_with_a_certificate_gets_a_ticket_that_a_focus_with_one_resolves()
    {
        Issue("kms", "sip:kms@localhost");
        Issue("alice", "sip:alice@example.com");
        Issue("focus", "sip:focus@localhost");
        await AddAsync("sip:alice@example.com");
        await AddAsync("sip:focus@localhost", "--answers", "sip:*@127.0.0.1");
        await using var kms = NodeProcess.Start(
            _kms, "--set", "confcluster.kms.enabled=on", "--set", $"confcluster.kms.certificate-file={In("kms.pem")}",
            "--set", $"confcluster.kms.certificate-key-file={In("kms.key")}", "--set", $"confcluster.kms.trust-file={In("root.pem")}");
        await kms.UntilReadyAsync();
        await using var node = NodeProcess.Start(
            _data, "--set", $"confcluster.kms-user.url=http://127.0.0.1:{kms.HttpPort.ToString(CultureInfo.InvariantCulture)}/mikey",
            "--set", $"confcluster.kms-user.certificate-file={In("focus.pem")}", "--set", $"confcluster.kms-user.certificate-key-file={In("focus.key")}",
            "--set", $"confcluster.kms-user.kms-certificate-file={In("kms.pem")}");
        await node.UntilReadyAsync();
        var (exit, report) = await CallAsync(node, kms, "alice", "sip:alice@example.com");
        Assert.True(exit == 0, $"{report}\n{node.Log}\n{kms.Log}");
        Assert.Equal((0, true), (report.GetProperty("undecryptable").GetInt32(), report.GetProperty("mki").GetBoolean()));

        // Alice's certificate, and another name.
        (exit, report) = await CallAsync(node, kms, "alice", "sip:focus@localhost");
        Assert.Equal(1, exit);
        Assert.Contains("KMS", report.GetProperty("problem").GetString(), StringComparison.Ordinal);
        var audit = await File.ReadAllLinesAsync(Path.Combine(_kms.Path, "kms", "audit.jsonl"));
        Assert.Equal(["None", "None", "BadCertificate"], audit.Select(line => JsonDocument.Parse(line).RootElement.GetProperty("Result").GetString()));
        Assert.DoesNotContain("PRIVATE", kms.Log + node.Log, StringComparison.Ordinal);
    }

    private string In(string name) => Path.Combine(_kms.Path, name);

    private void Issue(string name, string uri)
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var names = new SubjectAlternativeNameBuilder();
        names.AddUri(new Uri(uri));
        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.Create(_root, DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddHours(1), RandomNumberGenerator.GetBytes(8));
        File.WriteAllText(In($"{name}.pem"), certificate.ExportCertificatePem());
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using var file = new StreamWriter(In($"{name}.key"), options);
        file.Write(key.ExportPkcs8PrivateKeyPem());
    }

    private async Task AddAsync(string name, params string[] more)
    {
        var (exit, output) = await NodeProcess.RunAsync(["kms", "user", "add", name, "--certificate", "--set", $"confcluster.data-dir={_kms.Path}", .. more]);
        Assert.True(exit == 0, output);
    }

    private async Task<(int Exit, JsonElement Report)> CallAsync(NodeProcess node, NodeProcess kms, string certificate, string user)
    {
        var (exit, output) = await NodeProcess.RunAsync(
            "call", $"sip:mixed@127.0.0.1:{node.SipPort}", "--tone", "440", "--for", "2s", "--json", "--srtp", "mikey", "--kms", $"{kms.Http.BaseAddress}mikey",
            "--user", user, "--certificate", In($"{certificate}.pem"), "--certificate-key", In($"{certificate}.key"), "--kms-certificate", In("kms.pem"));
        Assert.True(output.Contains('{'), output);
        return (exit, JsonDocument.Parse(output[output.IndexOf('{')..]).RootElement);
    }
}
