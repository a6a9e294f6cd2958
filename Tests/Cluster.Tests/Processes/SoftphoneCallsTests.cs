using System.Diagnostics;
using System.Text.Json;
using ConfCluster.Support.Audio;
using Xunit;

namespace ConfCluster.Cluster.Tests.Processes;

/// <summary>The program as a tester first meets it: a node, and phones of the same program in processes of their own.</summary>
[Collection("processes")]
public sealed class SoftphoneCallsTests : IDisposable
{
    private static readonly double[] Tones = [440, 770, 1200];
    private readonly TemporaryDirectory _data = new();

    public void Dispose() => _data.Dispose();

    [Fact]
    public async Task Three_phones_hear_exactly_the_other_two()
    {
        await using var node = NodeProcess.Start(_data);
        await node.UntilReadyAsync();
        string[][] ways = [[], ["--transport", "tcp", "--suite", "AES_CM_128_HMAC_SHA1_32"], ["--mki"]];
        var calls = Tones.Select((tone, i) => CallAsync(
            [$"sip:Three@127.0.0.1:{node.SipPort}", "--tone", $"{tone}", "--record", Recording(i), "--for", "8s", .. ways[i]])).ToArray();
        var reports = await Task.WhenAll(calls);

        for (var i = 0; i < Tones.Length; i++)
        {
            using var report = reports[i];
            Assert.True(report.RootElement.GetProperty("succeeded").GetBoolean(), $"{report.RootElement}\n{node.Log}");
            Assert.Equal(0, report.RootElement.GetProperty("authFailures").GetInt32());
            var heard = ToneAnalysis.Of(Recording(i), Tones);
            Assert.True(heard.Seconds.Any(s => s.SequenceEqual(Tones.Where(t => t != Tones[i]))), $"phone {i} heard {heard}\n{node.Log}");
            Assert.True(heard.Seconds.All(s => !s.Contains(Tones[i])), $"phone {i} heard itself: {heard}");
        }
    }

    [Fact]
    public async Task A_call_without_keys_is_refused_with_488()
    {
        await using var node = NodeProcess.Start(_data);
        await node.UntilReadyAsync();
        using var report = await CallAsync([$"sip:open@127.0.0.1:{node.SipPort}", "--srtp", "none", "--for", "1s"], exitCode: 1);
        Assert.Equal(488, report.RootElement.GetProperty("status").GetInt32());
    }

    [Fact]
    public async Task A_phone_that_the_conference_calls_is_in_it_like_one_that_called()
    {
        await using var node = NodeProcess.Start(_data);
        await node.UntilReadyAsync();
        var port = NodeProcess.FreePort();
        var answering = NodeProcess.RunAsync(
            "answer", "--at", $"127.0.0.1:{port}", "--tone", "770", "--record", Recording(1), "--for", "5s", "--wait", "30s", "--json");
        var calling = CallAsync([$"sip:Dialled@127.0.0.1:{node.SipPort}", "--tone", "440", "--record", Recording(0), "--for", "12s"]);
        await node.UntilAsync(
            async () => (await node.Http.GetAsync(new Uri("/api/v1/conferences/dialled", UriKind.Relative))).IsSuccessStatusCode, "the first to be in");
        var (exit, output) = await NodeProcess.RunAsync(
            "conference", "invite", "dialled", $"sip:phone@127.0.0.1:{port}", "--wait", "--url", $"http://127.0.0.1:{node.HttpPort}");
        Assert.True(exit == 0, $"{output}\n{node.Log}");

        var (code, answered) = await answering;
        Assert.True(code == 0, $"{answered}\n{node.Log}");
        using var report = await calling;
        Assert.True(report.RootElement.GetProperty("succeeded").GetBoolean(), $"{report.RootElement}\n{node.Log}");
        var (first, second) = (ToneAnalysis.Of(Recording(0), Tones), ToneAnalysis.Of(Recording(1), Tones));
        Assert.True(second.Seconds.Any(s => s.SequenceEqual([440.0])) && second.Seconds.All(s => !s.Contains(770)), $"the dialled one heard {second}");
        Assert.True(first.Seconds.Any(s => s.SequenceEqual([770.0])) && first.Seconds.All(s => !s.Contains(440)), $"the caller heard {first}");
    }

    private string Recording(int phone) => Path.Combine(_data.Path, $"phone{phone}.wav");

    private static async Task<JsonDocument> CallAsync(string[] arguments, int exitCode = 0)
    {
        var (code, output) = await NodeProcess.RunAsync(["call", .. arguments, "--json"]);
        Assert.True(code == exitCode, output);
        return JsonDocument.Parse(output);
    }
}
