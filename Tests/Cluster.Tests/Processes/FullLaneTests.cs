using System.Text.Json;
using Xunit;
using Xunit.Abstractions;

namespace ConfCluster.Cluster.Tests.Processes;

/// <summary>Three media nodes with room for two legs each.</summary>
[Collection("clusters")]
public sealed class FullLaneTests(ITestOutputHelper output)
{
    private static readonly double[] Tones = [440, 700, 1000, 1300, 1700, 2100];

    /// <summary>
    /// Six phones fill all three nodes through one mixer that has room for two, and the seventh is refused. Then two leave, one at each of two nodes, and the third
    /// node is killed: its two phones find room in two places, of which the first that is looked for has only one.
    /// </summary>
    [SkippableFact]
    public async Task Who_finds_its_lane_full_is_let_in_elsewhere_and_comes_back_elsewhere()
    {
        await using var cluster = await ProcessCluster.MakeAsync(output, "sip focus", "media", "media", "media");
        await cluster.WatchAsync(async () =>
        {
            string[] settings = ["--set", "confcluster.media.max-legs-per-lane=2", "--set", "confcluster.conference.keys.rekey.min-interval=1s"];
            for (var i = 1; i <= 4; i++) cluster.Start(i, null, settings);
            for (var i = 1; i <= 4; i++) await cluster[i].UntilReadyAsync();
            await cluster.UntilSpreadAsync(1, 2, 3, 4);
            await using var packets = await cluster.WatchPacketsAsync();
            var calls = new List<Task<PhoneResult>>();
            for (var i = 0; i < Tones.Length; i++)
            {
                calls.Add(cluster.CallAsync("full", 1, Tones[i], "60s", "--mki", "--suite", "AES_CM_128_HMAC_SHA1_80"));
                var legs = i + 1;
                await cluster.UntilShownAsync(1, "full", c => Legs(c).Sum() == legs, $"{legs} legs");
            }

            await cluster.UntilTalkingAsync(1, "full", Tones.Length);
            Assert.True(Legs((await cluster.ShowAsync(1, "full"))!.Value) is [2, 2, 2]);
            Assert.Equal(503, (await cluster.CallAsync("full", 1, 600, "1s")).Status);

            await cluster.UntilShownAsync(1, "full", c => c.GetProperty("mixers").EnumerateArray().All(m => NodeOf(m) > 0), "mixers that say where they are");
            var shown = (await cluster.ShowAsync(1, "full"))!.Value;
            var node = NodeOf(shown.GetProperty("mixers")[0]);
            foreach (var who in new[] { 3, 5 })
            {
                var id = shown.GetProperty("participants")[who].GetProperty("id").GetString();
                using var evicted = await cluster[1].Http.PostAsync(new Uri($"/api/v1/conferences/full/participants/{id}/evict", UriKind.Relative), null);
                Assert.True(evicted.IsSuccessStatusCode, $"{evicted}");
            }

            await cluster.UntilShownAsync(1, "full", c => Legs(c) is [2, 1, 1], "one phone less at two mixers");
            await cluster[node].KillAsync();
            await cluster.UntilShownAsync(1, "full", c => c.GetProperty("mixers").EnumerateArray().All(m => NodeOf(m) != node), "another mixer for the lost one");
            await cluster.UntilShownAsync(
                1, "full", c => c.GetProperty("participants").EnumerateArray().All(p => !p.GetProperty("moving").GetBoolean()), "no leg on its way");
            await cluster.UntilTalkingAsync(1, "full", 4);
            var (exit, said) = await NodeProcess.RunAsync("conference", "end", "full", "--url", cluster[1].Http.BaseAddress!.ToString());
            Assert.True(exit == 0, said);
            var reports = await Task.WhenAll(calls);
            foreach (var line in cluster[1].Log.Split('\n').Where(l => l.Contains("Mixer full/", StringComparison.Ordinal))) output.WriteLine(line);
            foreach (var (report, i) in reports.Select((r, i) => (r, i)))
            {
                output.WriteLine($"{Tones[i]} Hz: {report.LongestGap} ms\n{report}");
                Assert.Equal((200, "peer", 0UL, 0UL), (report.Status, report.EndedBy, report.Undecryptable, report.Replays));
            }

            foreach (var i in new[] { 0, 1, 2, 4 })
                Assert.All(Tones.Where(t => t != Tones[i]), t => Assert.InRange(cluster.SecondsOf("full", Tones[i], t), 1, int.MaxValue));
            output.WriteLine(await packets.NoIndexIsUsedTwiceAsync(reports.Aggregate(0UL, (sum, r) => sum + r.PacketsReceived)));
            await cluster.AuditIsCleanAsync(1);
        });
    }

    /// <summary>A mixer that was placed in vain has none.</summary>
    private static int[] Legs(JsonElement conference) =>
        [.. conference.GetProperty("mixers").EnumerateArray().Select(m => m.GetProperty("legs").GetInt32()).Where(l => l > 0)];

    /// <summary>0: it has not said.</summary>
    private static int NodeOf(JsonElement mixer) =>
        mixer.GetProperty("trunk") is { ValueKind: JsonValueKind.Object } trunk && trunk.GetProperty("address").GetString() is { Length: > 0 } address
            ? int.Parse(address.Split(':')[0].Split('.')[3], System.Globalization.CultureInfo.InvariantCulture)
            : 0;
}
