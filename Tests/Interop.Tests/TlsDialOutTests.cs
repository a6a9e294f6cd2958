using ConfCluster.Support.Audio;
using Xunit;

namespace ConfCluster.Interop.Tests;

/// <summary>The focus calls a baresip over TLS: its certificate must lead to the root that the node was given, and name where it is called.</summary>
public sealed class TlsDialOutTests(TlsDiallingNode node) : IClassFixture<TlsDiallingNode>, IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("confcluster-tls-out-").FullName;

    [SkippableFact]
    public async Task A_baresip_that_is_called_over_TLS_hears_and_is_heard_when_its_certificate_is_right()
    {
        using var host = await HostAsync("right", 440, out var heardByHost);
        var phone = Start("right", TlsDiallingNode.Right);
        try
        {
            var (exit, output) = await InviteAsync("right", phone);
            Assert.True(exit == 0, $"{output}\n{phone.Output}\n{node.Log}");
            Assert.Contains("has joined", output, StringComparison.Ordinal);
            await node.UntilParticipants("right", 2);
            await Task.Delay(TimeSpan.FromSeconds(6));
            await phone.HangUpAsync();
            await node.UntilParticipants("right", 1);
        }
        finally
        {
            phone.Dispose();
        }

        await EndAsync(host);
        Assert.True(ToneAnalysis.Of(phone.Heard, [440, 770]).SteadyTones() is [440], $"{ToneAnalysis.Of(phone.Heard, [440, 770])}\n{node.Log}");
        Assert.True(ToneAnalysis.Of(heardByHost, [440, 770]).SteadyTones() is [770], $"{ToneAnalysis.Of(heardByHost, [440, 770])}\n{node.Log}");
    }

    [SkippableTheory]
    [InlineData(TlsDiallingNode.OtherRoot, "leads to no root")]
    [InlineData(TlsDiallingNode.OtherName, "does not have this name")]
    public async Task Nothing_is_said_to_a_phone_with_a_wrong_certificate(string certificate, string why)
    {
        using var host = await HostAsync(certificate, 440, out _);
        using var phone = Start(certificate, certificate);
        var (exit, output) = await InviteAsync(certificate, phone);
        Assert.True(exit == 1, $"{output}\n{phone.Output}\n{node.Log}");
        Assert.True(node.Log.Contains(why, StringComparison.Ordinal), $"{output}\n{node.Log}");
        Assert.DoesNotContain("INVITE", phone.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("Incoming call", phone.Output, StringComparison.Ordinal);
        Assert.Equal(1, await node.ParticipantsAsync(certificate));
        await EndAsync(host);
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    private Task<ChildProcess> HostAsync(string room, int tone, out string heard)
    {
        heard = Path.Combine(_directory, $"{room}.wav");
        return JoinedAsync(room, NodeUnderTest.Call(
            [$"sip:{room}@127.0.0.1:{node.SipPort}", "--tone", $"{tone}", "--record", heard, "--for", "120s"], _directory));
    }

    private async Task<ChildProcess> JoinedAsync(string room, ChildProcess host)
    {
        await node.UntilParticipants(room, 1);
        return host;
    }

    private static async Task EndAsync(ChildProcess host)
    {
        host.Signal(15);
        await host.WaitAsync(TimeSpan.FromSeconds(30));
    }

    private Baresip Start(string name, string certificate) => Baresip.Start(
        _directory, name, NodeUnderTest.FreePort(), NodeUnderTest.FreePort(), 33200, 770, certificate: Path.Combine(node.CertificateDirectory, certificate));

    /// <summary>baresip listens for TLS at its SIP port + 1.</summary>
    private async Task<(int Exit, string Output)> InviteAsync(string room, Baresip phone)
    {
        await phone.CommandAsync("about");
        return await node.InviteAsync(room, $"sip:{room}@127.0.0.1:{phone.SipPort + 1};transport=tls", "--wait");
    }
}

/// <summary>A node that believes one root, and certificates of that root and of another.</summary>
public sealed class TlsDiallingNode : DiallingNode
{
    public const string Right = "right.pem";
    public const string OtherRoot = "other-root.pem";
    public const string OtherName = "other-name.pem";

    public string CertificateDirectory => Path.Combine(DataDirectory, "certificates");

    protected override IEnumerable<string> Settings => [.. base.Settings, $"sip.tls.trust={Path.Combine(CertificateDirectory, "root.pem")}"];

    protected override async Task PrepareAsync()
    {
        Directory.CreateDirectory(CertificateDirectory);
        await RootAsync("root");
        await RootAsync("stranger");
        await CertificateAsync(Right, "root", "IP:127.0.0.1");
        await CertificateAsync(OtherRoot, "stranger", "IP:127.0.0.1");
        await CertificateAsync(OtherName, "root", "DNS:elsewhere.example");
    }

    private Task RootAsync(string name) => OpenSslAsync(
        "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", $"{name}.key", "-out", $"{name}.pem",
        "-subj", $"/CN={name}", "-addext", "keyUsage=keyCertSign");

    /// <summary>One file with certificate and key.</summary>
    private async Task CertificateAsync(string file, string root, string name)
    {
        await OpenSslAsync(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", $"{file}.key", "-out", file, "-subj", "/CN=phone",
            "-addext", $"subjectAltName={name}", "-addext", "basicConstraints=critical,CA:FALSE", "-CA", $"{root}.pem", "-CAkey", $"{root}.key");
        await File.AppendAllTextAsync(Path.Combine(CertificateDirectory, file), await File.ReadAllTextAsync(Path.Combine(CertificateDirectory, $"{file}.key")));
    }

    private async Task OpenSslAsync(params string[] arguments)
    {
        using var made = await ChildProcess.RunAsync(Peers.Require("openssl", "openssl"), arguments, TimeSpan.FromSeconds(30), CertificateDirectory);
        Assert.True(made.ExitCode == 0, made.Output);
    }
}
