using ConfCluster.Support.Audio;
using Xunit;

namespace ConfCluster.Interop.Tests;

/// <summary>A node with the certificate that it makes itself, and phones that were given it as their root.</summary>
[Collection("node")]
public sealed class TlsTests(NodeUnderTest node) : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("confcluster-tls-").FullName;

    private string Certificate => Path.Combine(node.DataDirectory, "tls", "certificate.pem");

    [SkippableFact]
    public async Task Baresip_and_the_softphone_verify_the_node_and_hear_each_other()
    {
        double[] tones = [440, 770];
        using var phone = Baresip.Start(_directory, "tls", NodeUnderTest.FreePort(), NodeUnderTest.FreePort(), 31800, tones[0], Certificate);
        await phone.CommandAsync("dial", $"sip:secure@127.0.0.1:{node.TlsPort};transport=tls");
        await node.UntilParticipants("secure", 1);
        var heard = Path.Combine(_directory, "heard.wav");
        using var softphone = NodeUnderTest.Call(
            [$"sips:secure@127.0.0.1:{node.TlsPort}", "--tls-trust", Certificate, "--tone", "770", "--record", heard, "--for", "6s", "--json"], _directory);
        await softphone.WaitAsync(TimeSpan.FromSeconds(40));
        Assert.True(softphone.ExitCode == 0, $"{softphone.Output}\n{phone.Output}\n{node.Log}");
        await phone.HangUpAsync();
        await node.UntilParticipants("secure", 0);
        Assert.True(ToneAnalysis.Of(heard, tones).SteadyTones() is [440], $"{ToneAnalysis.Of(heard, tones)}\n{node.Log}");
    }

    [SkippableTheory]
    [InlineData("--tls-trust", "other.pem", "Untrusted")]
    [InlineData("--tls-trust", "none.pem", "none.pem")]
    public async Task A_softphone_with_another_root_does_not_say_a_word(string option, string file, string reason)
    {
        if (file == "other.pem")
        {
            using var made = await ChildProcess.RunAsync(
                Peers.Require("openssl", "openssl"),
                [
                    "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", Path.Combine(_directory, "other.key"),
                    "-out", Path.Combine(_directory, file), "-subj", "/CN=other",
                ],
                TimeSpan.FromSeconds(30));
        }

        using var phone = NodeUnderTest.Call([$"sip:alone@127.0.0.1:{node.TlsPort};transport=tls", option, Path.Combine(_directory, file), "--json"], _directory);
        await phone.WaitAsync(TimeSpan.FromSeconds(40));
        Assert.Equal(1, phone.ExitCode);
        Assert.Contains(reason, phone.Output, StringComparison.Ordinal);
    }

    [SkippableTheory]
    [InlineData("-tls1_1", false)]
    [InlineData("-tls1_2", true)]
    [InlineData("-tls1_3", true)]
    public async Task TLS_below_1_2_is_refused(string version, bool spoken)
    {
        using var client = await ChildProcess.RunAsync(
            "timeout",
            [
                "20", Peers.Require("openssl", "openssl"), "s_client", "-connect", $"127.0.0.1:{node.TlsPort}", version, "-cipher", "ALL:@SECLEVEL=0",
                "-CAfile", Certificate, "-verify_ip", "127.0.0.1", "-verify_return_error", "-brief", "-no_ign_eof",
            ],
            TimeSpan.FromSeconds(30));
        Assert.True(client.Output.Contains("Verification: OK", StringComparison.Ordinal) == spoken, client.Output);
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);
}
