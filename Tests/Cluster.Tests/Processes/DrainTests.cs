using System.Net;
using System.Text.Json;
using ConfCluster.Host.Trial;
using ConfCluster.Support.Audio;
using Xunit;
using Xunit.Abstractions;

namespace ConfCluster.Cluster.Tests.Processes;

/// <summary>A node that is emptied before it stops: its calls go on elsewhere and hardly notice.</summary>
[Collection("clusters")]
public sealed class DrainTests(ITestOutputHelper output)
{
    private static readonly double[] Tones = [440, 1000];

    /// <summary>In milliseconds; the target on a quiet machine is 200, and this one is not.</summary>
    private const double LongestGap = 600;

    [SkippableFact]
    public async Task A_node_with_a_mixer_and_a_conference_hands_them_over_before_it_stops()
    {
        await using var cluster = await ProcessCluster.StartAsync(output, "sip kms", "sip focus media", "sip focus media");
        await cluster.WatchAsync(async () =>
        {
            await using var packets = await cluster.WatchPacketsAsync();
            var calls = new[] { CallAsync(cluster, Tones[0], "--mki"), CallAsync(cluster, Tones[1]) };
            // One that says nothing, and will not answer for a while: as long as it does not, the node is not empty.
            using var sleeper = new PhoneProcess(cluster.Uri("moved", 1), tone: 0, "22s", "--mki");
            await cluster[1].UntilAsync(async () => await HearingAsync(cluster, 1) == 3, "three participants that hear something");
            // A mixer that was taken for lost while the nodes were still slow may be there beside its successor.
            await cluster[1].UntilAsync(async () => (await cluster.ShardsAsync("mixer", 1)).Values.Sum(s => s.Entities) == 1, "one mixer");
            var home = await cluster.HomeAsync("mixer", 1) ?? throw new InvalidOperationException("nobody has the mixer");
            var left = home == 2 ? 3 : 2;
            sleeper.Freeze();
            var drain = NodeProcess.RunAsync(TimeSpan.FromMinutes(1), "drain", "--url", cluster[home].Http.BaseAddress!.ToString());
            await RefusesNewCallsAsync(cluster, home);
            sleeper.Thaw();
            var (exit, said) = await drain;
            output.WriteLine(said);
            Assert.True(exit == 0, said);
            Assert.Equal(0, await cluster[home].EndAsync());
            Assert.Contains("1 mixers are on other nodes", cluster[home].Log, StringComparison.Ordinal);

            // Both live on the node that is left, and somebody new gets in.
            foreach (var kind in (string[])["mixer", "conference"])
                await cluster[1].UntilAsync(async () => await cluster.HomeAsync(kind, 1) == left, $"the {kind} on n{left}");
            await cluster[1].UntilAsync(async () => await HearingAsync(cluster, 1) == 3, "three participants at the new mixer");
            var third = await NodeProcess.RunAsync("call", cluster.Uri("moved", 1), "--mki", "--for", "2s", "--json");
            Assert.True(third.ExitCode == 0, third.Output);
            var asleep = await sleeper.ReportAsync();
            Assert.True(asleep.WasKept, $"{asleep}");
            var heard = asleep.PacketsReceived;
            foreach (var (report, i) in (await Task.WhenAll(calls)).Select((r, i) => (r.RootElement, i)))
            {
                output.WriteLine($"{report}");
                Assert.True(report.GetProperty("succeeded").GetBoolean(), $"{report}");
                Assert.Equal("us", report.GetProperty("endedBy").GetString());
                Assert.Equal(0, report.GetProperty("undecryptable").GetInt32());
                // Both mixers were sending for a moment, and the epoch changed at each move.
                Assert.Equal(0, report.GetProperty("replays").GetInt32());
                heard += report.GetProperty("packetsReceived").GetUInt64();
                Assert.InRange(report.GetProperty("longestGapMilliseconds").GetDouble(), 0, LongestGap);
                var tones = ToneAnalysis.Of(Recording(cluster, Tones[i]), Tones);
                Assert.True(tones.Seconds.Skip(2).SkipLast(2).Count(s => !s.Contains(Tones[1 - i])) <= 1, $"phone {i} heard {tones}");
            }

            output.WriteLine(await packets.NoIndexIsUsedTwiceAsync(heard));
        });
    }

    /// <summary>Their connections end with the node. They know another server, as phones that hold to RFC 5626 §4.1 do.</summary>
    [SkippableFact]
    public async Task Phones_whose_connections_end_with_a_node_that_is_emptied_keep_their_calls()
    {
        await using var cluster = await ProcessCluster.StartAsync(output, "sip", "sip", "focus media");
        await cluster.WatchAsync(async () =>
        {
            var (tcp, tls) = (cluster.Plan.Ports.Sip, cluster.Plan.Ports.SipTls);
            var calls = new[]
            {
                cluster.CallAsync("ways", $"sip:ways@127.0.0.1:{tcp}", Tones[0], "60s", "--mki", "--transport", "tcp", "--also", $"127.0.0.2:{tcp}"),
                cluster.CallAsync("ways", $"sip:ways@127.0.0.1:{tls}", Tones[1], "60s", "--mki", "--transport", "tls", "--tls-insecure", "--also", $"127.0.0.2:{tls}"),
            };
            await cluster.UntilTalkingAsync(3, "ways", calls.Length);
            Assert.Equal(0, await cluster[1].StopAsync());

            // Who can be told a key can be reached.
            var before = Epochs((await cluster.ShowAsync(3, "ways"))!.Value).Max();
            var url = cluster[3].Http.BaseAddress!.ToString();
            var (exit, said) = await NodeProcess.RunAsync("conference", "rekey", "ways", "--reason", "a test", "--url", url);
            Assert.True(exit == 0, said);
            await cluster.UntilShownAsync(3, "ways", c => Epochs(c).ToArray() is [var one, var other] && one > before && other > before, "both under the next key");
            (exit, said) = await NodeProcess.RunAsync("conference", "end", "ways", "--url", url);
            Assert.True(exit == 0, said);
            foreach (var report in await Task.WhenAll(calls))
            {
                output.WriteLine($"{report}");
                Assert.Equal((200, "peer", 1), (report.Status, report.EndedBy, report.Report.GetProperty("reroutes").GetInt32()));
                Assert.Equal(0UL, report.Undecryptable);
                Assert.InRange(report.LongestGap, 0, LongestGap);
            }
        });
    }

    private static IEnumerable<long> Epochs(JsonElement conference) => conference.GetProperty("participants").EnumerateArray().Select(
        p => p.GetProperty("key").TryGetProperty("epoch", out var epoch) && epoch.ValueKind == JsonValueKind.Number ? epoch.GetInt64() : 0);

    /// <summary>It says that it is being emptied, and tells whoever begins something to ask another one.</summary>
    private static async Task RefusesNewCallsAsync(ProcessCluster cluster, int home)
    {
        var address = $"127.0.0.{home}:";
        await cluster[1].UntilAsync(async () =>
        {
            using var status = JsonDocument.Parse(await cluster[1].Http.GetStringAsync(new Uri("/api/v1/cluster", UriKind.Relative)));
            return status.RootElement.GetProperty("nodes").EnumerateArray().Any(n =>
                n.GetProperty("node").GetString()!.StartsWith(address, StringComparison.Ordinal) && n.GetProperty("status").GetString() == "draining");
        }, $"n{home} to be draining");
        var call = cluster.CallAsync("moved", home, Tones[0], "2s");
        var (exit, table) = await NodeProcess.RunAsync("status", "--url", cluster[1].Http.BaseAddress!.ToString());
        Assert.True(exit == 0, table);
        Assert.Contains(table.Split('\n'), line => line.Contains(address, StringComparison.Ordinal) && line.Contains("draining", StringComparison.Ordinal));
        using var proxy = new TextCaller(SipOf(cluster, home), "moved");
        Assert.StartsWith("SIP/2.0 503 ", await proxy.OptionsAsync(), StringComparison.Ordinal);
        Assert.Contains("\r\nRetry-After: ", proxy.Answer, StringComparison.OrdinalIgnoreCase);
        Assert.Equal(503, (await call).Status);
        // It is not gone meanwhile, and others take calls as before.
        Assert.False(cluster[home].HasEnded);
        using var other = new TextCaller(SipOf(cluster, 1), "moved");
        Assert.StartsWith("SIP/2.0 200", await other.OptionsAsync(), StringComparison.Ordinal);
    }

    private static IPEndPoint SipOf(ProcessCluster cluster, int number) => new(IPAddress.Parse(TrialCluster.AddressOf(number)), cluster.Plan.Ports.Sip);

    private static string Recording(ProcessCluster cluster, double tone) => Path.Combine(cluster.Directory, $"moved-{tone}.wav");

    private static async Task<JsonDocument> CallAsync(ProcessCluster cluster, double tone, params string[] more)
    {
        string[] call = ["call", cluster.Uri("moved", 1), "--tone", $"{tone}", "--record", Recording(cluster, tone), "--for", "28s", "--json", .. more];
        var (_, report) = await NodeProcess.RunAsync(TimeSpan.FromMinutes(2), call);
        return JsonDocument.Parse(report);
    }

    /// <summary>How many participants have been sent so much that they must hear.</summary>
    private static async Task<int> HearingAsync(ProcessCluster cluster, int asked)
    {
        var answer = await cluster[asked].Http.GetAsync(new Uri("/api/v1/conferences/moved", UriKind.Relative));
        if (!answer.IsSuccessStatusCode) return 0;
        using var details = JsonDocument.Parse(await answer.Content.ReadAsStringAsync());
        return details.RootElement.GetProperty("participants").EnumerateArray().Count(
            p => p.GetProperty("media") is { ValueKind: JsonValueKind.Object } media && media.GetProperty("packetsSent").GetUInt64() > 50);
    }
}
