using Xunit;
using Xunit.Abstractions;

namespace ConfCluster.Cluster.Tests.Processes;

/// <summary>A node with lanes is killed: its mixers begin on another at once, and the calls go there.</summary>
[Collection("clusters")]
public sealed class MediaFailoverTests(ITestOutputHelper output)
{
    private static readonly double[] Tones = [440, 1000];

    /// <summary>
    /// The node that dies is the oldest with lanes, so it also had who gives homes to mixers: for ten seconds nobody does. One phone's sequence numbers have wrapped
    /// (RFC 3711 §3.3.1), the other takes changes by re-INVITE only.
    /// </summary>
    [SkippableFact]
    public async Task Calls_outlive_the_node_of_their_mixer()
    {
        await using var cluster = await ProcessCluster.MakeAsync(output, "sip focus", "media", "media");
        await cluster.WatchAsync(async () =>
        {
            cluster.Start(1);
            cluster.Start(2);
            await cluster[1].UntilReadyAsync();
            await using var packets = await cluster.WatchPacketsAsync();
            var calls = new[]
            {
                cluster.CallAsync("media", 1, Tones[0], "42s", "--mki", "--first-sequence", "65350"),
                cluster.CallAsync("media", 1, Tones[1], "42s", "--no-update"),
            };
            await cluster.UntilTalkingAsync(1, "media", 2);
            Assert.Equal(2, await cluster.HomeAsync("mixer", 1));
            cluster.Start(3);
            await cluster[3].UntilReadyAsync();
            await cluster.UntilSpreadAsync(1, 3);
            await cluster[2].KillAsync();
            await cluster.UntilShownAsync(1, "media", c => c.GetProperty("mixerLoss").GetString() == "silent", "another mixer");
            var reports = await Task.WhenAll(calls);
            foreach (var report in reports) output.WriteLine($"{report.LongestGap} ms: {report}");
            for (var i = 0; i < calls.Length; i++)
            {
                Assert.True(reports[i].WasKept, $"{reports[i]}");
                Assert.InRange(reports[i].LongestGap, 0, 5000);
                Assert.Equal(0UL, reports[i].Undecryptable);
                Assert.Equal(0UL, reports[i].Replays);
                var heard = cluster.SecondsOf("media", Tones[i], Tones[1 - i]);
                Assert.True(heard >= 29, $"phone {i} heard the other for {heard} s");
            }

            output.WriteLine(await packets.NoIndexIsUsedTwiceAsync(reports.Aggregate(0UL, (sum, r) => sum + r.PacketsReceived)));
            await cluster.UntilGoneAsync(1, "media");
            await cluster.AuditIsCleanAsync(1);
        });
    }
}
