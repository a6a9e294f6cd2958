using System.Globalization;
using Xunit;
using Xunit.Abstractions;

namespace ConfCluster.Cluster.Tests.Processes;

/// <summary>The journal of a cluster is down for a while: no call ends, nobody new comes in, who leaves has left, and all of it is stored afterwards.</summary>
[Collection("clusters")]
public sealed class JournalOutageTests(ITestOutputHelper output)
{
    private static readonly double[] Tones = [440, 1000, 1500];

    /// <summary>Seconds; the script of failures makes it 30.</summary>
    private static readonly int Outage = int.Parse(Environment.GetEnvironmentVariable("CONFCLUSTER_OUTAGE") ?? "14", CultureInfo.InvariantCulture);

    [SkippableFact]
    public async Task Calls_go_on_without_the_journal_and_everything_else_is_there_again_after_it()
    {
        await using var cluster = await ProcessCluster.MakeAsync(output, "", "");
        await cluster.WatchAsync(async () =>
        {
            for (var node = 1; node <= 2; node++) cluster.Start(node, more: ["--set", "confcluster.sip.focus-timeout=10s"]);
            for (var node = 1; node <= 2; node++) await cluster[node].UntilReadyAsync();
            var stay = $"{Outage + 22}s";
            var calls = new[] { cluster.CallAsync("kept", 1, Tones[0], stay, "--mki"), cluster.CallAsync("kept", 2, Tones[1], stay) };
            var leaver = cluster.CallAsync("kept", 1, Tones[2], "10s", "--mki");
            await cluster.UntilTalkingAsync(1, "kept", 3);
            await cluster.Postgres.CutAsync();
            var outage = Task.Delay(TimeSpan.FromSeconds(Outage));

            // Their joins cannot be stored; after confcluster.sip.focus-timeout they are told to come again.
            foreach (var refused in await Task.WhenAll(cluster.CallAsync("kept", 1, 2000, "2s"), cluster.CallAsync("another", 2, 2100, "2s")))
                Assert.Equal(503, refused.Status);
            var left = await leaver;
            Assert.True(left.WasKept, $"{left}");
            await outage;
            Assert.Null(await cluster.Postgres.StartAgainAsync(CancellationToken.None));
            var wait = await cluster.UntilJoinedAsync("kept", 2, 2000, TimeSpan.FromSeconds(30));
            output.WriteLine($"somebody new was in {wait.TotalSeconds:0.0} s after the journal was back");
            foreach (var call in calls)
            {
                var report = await call;
                Assert.True(report.WasKept, $"{report}");
                Assert.Equal(0UL, report.Undecryptable);
                Assert.InRange(report.LongestGap, 0, 1000);
            }

            await cluster.UntilGoneAsync(1, "kept");
            await cluster.AuditIsCleanAsync(1);
            await cluster.AuditIsCleanAsync(2);

            // Whoever came left, also who left while that could not be stored.
            var (_, timeline) = await cluster.VerbAsync(1, "audit", "show", "kept");
            var (joined, gone) = (timeline.Split(" joined: ").Length - 1, timeline.Split(" left: ").Length - 1);
            Assert.True(joined >= 4 && joined == gone, timeline);
        });
    }
}
