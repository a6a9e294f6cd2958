using System.Text.Json;
using Xunit;
using Xunit.Abstractions;

namespace ConfCluster.Cluster.Tests.Processes;

/// <summary>A conference has its legs at mixers on several nodes, and one of these nodes is killed.</summary>
[Collection("clusters")]
public sealed class MixerNodeFailoverTests(ITestOutputHelper output)
{
    private static readonly double[] Tones = [440, 700, 1000, 1300];

    /// <summary>
    /// Two phones at each of two mixers. Those whose mixer lives hear each other all the time; the others come back at a third node and everybody hears everybody
    /// again. Nobody's key, SSRC and index come twice (K6), trunks included by their keys, which are each mixer's own.
    /// </summary>
    [SkippableFact]
    public async Task The_other_mixers_go_on_and_the_lost_one_comes_back_elsewhere_joined_to_them()
    {
        await using var cluster = await ProcessCluster.MakeAsync(output, "sip focus", "media", "media", "media");
        string[] settings = ["--set", "confcluster.conference.legs-per-mixer=2", "--set", "confcluster.conference.keys.rekey.min-interval=1s"];
        await cluster.WatchAsync(async () =>
        {
            for (var i = 1; i <= 4; i++) cluster.Start(i, null, settings);
            for (var i = 1; i <= 4; i++) await cluster[i].UntilReadyAsync();
            await cluster.UntilSpreadAsync(1, 2, 3, 4);
            await using var packets = await cluster.WatchPacketsAsync();
            var calls = new List<Task<PhoneResult>>();
            for (var i = 0; i < Tones.Length; i++)
            {
                calls.Add(cluster.CallAsync("many", 1, Tones[i], "60s", "--mki", "--suite", "AES_CM_128_HMAC_SHA1_80"));
                var legs = i + 1;
                await cluster.UntilShownAsync(1, "many", c => Mixers(c).Sum(m => m.GetProperty("legs").GetInt32()) == legs, $"{legs} legs");
            }

            await cluster.UntilTalkingAsync(1, "many", Tones.Length);
            await cluster.UntilShownAsync(1, "many", c => Mixers(c).Length == 2 && Mixers(c).All(m => Trunk(m) > 100), "two mixers that hear each other");
            var before = Mixers((await cluster.ShowAsync(1, "many"))!.Value).Select(NodeOf).ToArray();
            Assert.Equal(2, before.Distinct().Count());
            output.WriteLine($"the mixers are on nodes {string.Join(" and ", before)}");

            // That of the last two phones.
            await cluster[before[1]].KillAsync();
            await cluster.UntilShownAsync(
                1, "many", c => Mixers(c) is [var one, var two] && NodeOf(one) == before[0] && NodeOf(two) is var now && now != 0 && now != before[1],
                "another mixer for the lost one");
            await cluster.UntilShownAsync(
                1, "many", c => Mixers(c).All(m => m.GetProperty("legs").GetInt32() == 2 && Trunk(m) > 200), "mixers that hear each other again");
            var after = Mixers((await cluster.ShowAsync(1, "many"))!.Value).Select(NodeOf).ToArray();
            output.WriteLine($"the mixers are on nodes {string.Join(" and ", after)}");
            var (exit, said) = await NodeProcess.RunAsync("conference", "end", "many", "--url", cluster[1].Http.BaseAddress!.ToString());
            Assert.True(exit == 0, said);
            var reports = await Task.WhenAll(calls);
            for (var i = 0; i < reports.Length; i++)
            {
                var heard = Tones.Select(t => t == Tones[i] ? 0 : cluster.SecondsOf("many", Tones[i], t)).ToArray();
                output.WriteLine($"{Tones[i]} Hz: {reports[i].LongestGap} ms, seconds of each other {string.Join(", ", heard)}\n{reports[i]}");
                for (var other = 0; other < heard.Length; other++)
                    Assert.True(other == i || heard[other] >= 3, $"{Tones[i]} Hz heard {Tones[other]} Hz for {heard[other]} s");
                Assert.Equal((200, "peer", 0UL, 0UL), (reports[i].Status, reports[i].EndedBy, reports[i].Undecryptable, reports[i].Replays));
                Assert.InRange(reports[i].LongestGap, 0, i < 2 ? 1000 : 5000);
            }

            output.WriteLine(await packets.NoIndexIsUsedTwiceAsync(reports.Aggregate(0UL, (sum, r) => sum + r.PacketsReceived)));
            await cluster.AuditIsCleanAsync(1);
        });
    }

    private static JsonElement[] Mixers(JsonElement conference) => [.. conference.GetProperty("mixers").EnumerateArray()];

    /// <summary>0: it has not said.</summary>
    private static int NodeOf(JsonElement mixer) =>
        mixer.GetProperty("trunk") is { ValueKind: JsonValueKind.Object } trunk && trunk.GetProperty("address").GetString() is { Length: > 0 } address
            ? int.Parse(address.Split(':')[0].Split('.')[3], System.Globalization.CultureInfo.InvariantCulture)
            : 0;

    private static long Trunk(JsonElement mixer) =>
        mixer.GetProperty("trunk") is { ValueKind: JsonValueKind.Object } trunk ? trunk.GetProperty("received").GetInt64() : -1;
}
