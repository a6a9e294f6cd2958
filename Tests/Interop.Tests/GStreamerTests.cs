using System.Diagnostics;
using ConfCluster.Support.Audio;
using Xunit;

namespace ConfCluster.Interop.Tests;

[Collection("node")]
public sealed class GStreamerTests(NodeUnderTest node) : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("confcluster-gst-").FullName;

    [SkippableFact]
    public async Task GStreamer_decrypts_what_we_send_and_we_what_it_sends()
    {
        var python = Peers.Require("python3", "python3-gi");
        python = File.Exists("/usr/bin/python3") ? "/usr/bin/python3" : python;
        using (var probe = await ChildProcess.RunAsync(python,
            ["-c", "import gi; gi.require_version('Gst','1.0'); from gi.repository import Gst; Gst.init(None); assert Gst.ElementFactory.find('srtpdec')"],
            TimeSpan.FromSeconds(60)))
            Peers.RequireThat(probe.ExitCode == 0, $"GStreamer with srtp is not installed (gstreamer1.0-plugins-bad, python3-gi): {probe.Output}");

        using var softphone = NodeUnderTest.Call(
            [$"sip:gst@127.0.0.1:{node.SipPort}", "--tone", "440", "--record", "soft.wav", "--for", "12s", "--json"], _directory);
        await node.UntilParticipants("gst", 1);
        using var caller = new RawCaller(node.SipPort, "gst");
        const int port = 31500;
        await caller.InviteAsync(port);
        var heard = Path.Combine(_directory, "gst.wav");
        var start = new ProcessStartInfo(python) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in new[] { Path.Combine(AppContext.BaseDirectory, "GStreamer", "srtp_peer.py"), $"{port}", $"{caller.RemotePort}", "1200", "6", heard })
            start.ArgumentList.Add(argument);
        start.Environment["SEND_KEY"] = caller.SendKey;
        start.Environment["RECV_KEY"] = caller.ReceiveKey;
        using var gst = Process.Start(start)!;
        var output = gst.StandardOutput.ReadToEndAsync();
        var errors = gst.StandardError.ReadToEndAsync();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(40));
        await gst.WaitForExitAsync(limit.Token);
        await caller.ByeAsync();
        await softphone.WaitAsync(TimeSpan.FromSeconds(30));

        double[] tones = [440, 1200];
        var peer = ToneAnalysis.Of(heard, tones);
        Assert.True(peer.SteadyTones() is [440.0], $"GStreamer heard {peer}\n{await output}{await errors}\n{node.Log}");
        var ours = ToneAnalysis.Of(Path.Combine(_directory, "soft.wav"), tones);
        Assert.True(ours.SteadyTones() is [1200.0], $"the softphone heard {ours}\n{softphone.Output}");
        Assert.Equal(0, softphone.ExitCode);
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);
}
