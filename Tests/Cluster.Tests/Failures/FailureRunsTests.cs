using System.Globalization;
using ConfCluster.Cluster.Tests.Processes;
using ConfCluster.Cluster.Tests.Wire;
using Xunit;
using Xunit.Abstractions;

namespace ConfCluster.Cluster.Tests.Failures;

/// <summary>
/// The same death again and again in one cluster, for distributions: a conference begins, the node that has its mixer or its focus is killed, somebody new is let in, the
/// node starts again. All packets are judged for K6. Runs only when <c>CONFCLUSTER_RUNS</c> says how often; each adds a row to the file that <c>CONFCLUSTER_FAILURES</c> names.
/// </summary>
[Collection("clusters")]
public sealed class FailureRunsTests(ITestOutputHelper output)
{
    private const int SipNode = 1;

    /// <summary>Milliseconds without media after which what was logged so far is told.</summary>
    private const double Unusual = 2000;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(50);
    private static readonly string[] Roles = ["sip", "focus", "focus", "media", "media"];

    [SkippableTheory]
    [InlineData(FailureRole.Media, "mixer", 18)]
    [InlineData(FailureRole.Focus, "conference", 18)]
    public async Task A_node_dies_again_and_again(FailureRole role, string kind, int seconds)
    {
        var (runs, file) = Asked();
        await using var cluster = await ProcessCluster.StartAsync(output, Roles);
        await cluster.WatchAsync(async () =>
        {
            for (var run = 1; run <= runs; run++)
            {
                var row = await RunAsync(cluster, $"run{run}", kind, $"{seconds}s");
                output.WriteLine($"{run}: {row}");
                await File.AppendAllTextAsync(file, $"| {role} | {row} |\n");
            }

            await cluster.AuditIsCleanAsync(2);
        });
    }

    /// <summary>Nodes with conferences and mixers both; the one that has the mixer dies, with participants of its and now and then with the conference.</summary>
    [SkippableFact]
    public async Task A_node_of_several_roles_dies_again_and_again()
    {
        var (runs, file) = Asked();
        await using var cluster = await ProcessCluster.MakeAsync(output, SharedNodeScene.Roles);
        using var scene = new SharedNodeScene(cluster);
        await cluster.WatchAsync(async () =>
        {
            await scene.StartAsync();
            for (var run = 1; run <= runs; run++)
            {
                await cluster.UntilSpreadAsync(2, 2, 3, 4);
                await using var packets = await cluster.WatchPacketsAsync();
                var (victim, hadConference) = await scene.BeginAsync(null, "25s");
                var (joined, reports) = await scene.KillAsync(victim);
                var seen = await packets.StopAsync();
                ClusterScene.NoIndexIsUsedTwice(seen, 1);
                await scene.StartAgainAsync(victim);
                var row = Row(joined, reports, ReceiverGaps.Of(seen, cluster.MediaPorts));
                output.WriteLine($"{run}: {row}, conference on it: {hadConference}");
                if (reports.Any(r => r.LongestGap > Unusual || r.Undecryptable > 0)) Tell(cluster, reports);
                await File.AppendAllTextAsync(file, $"| {(hadConference ? "All" : "Mixer")} | {row} |\n");
            }

            await cluster.AuditIsCleanAsync(2);
        });
    }

    private void Tell(ProcessCluster cluster, PhoneResult[] reports)
    {
        foreach (var report in reports) output.WriteLine($"{report}");
        cluster.TellLogs();
    }

    private static (int Runs, string File) Asked()
    {
        Skip.IfNot(int.TryParse(Environment.GetEnvironmentVariable("CONFCLUSTER_RUNS"), out var runs), "half an hour; Tests/Benchmarks/failures.sh --runs N");
        return (runs, Environment.GetEnvironmentVariable("CONFCLUSTER_FAILURES")!);
    }

    private static async Task<string> RunAsync(ProcessCluster cluster, string room, string kind, string time)
    {
        await cluster.UntilSpreadAsync(2, 4, 5);
        await using var packets = await cluster.WatchPacketsAsync();
        using var one = new PhoneProcess(cluster.Uri(room, SipNode), 440, time, "--mki");
        using var other = new PhoneProcess(cluster.Uri(room, SipNode), 1000, time, "--mki", "--no-update");
        await cluster.UntilTalkingAsync(2, room, 2);
        var victim = await cluster.OnlyHomeAsync(kind, SipNode);
        var asked = victim == 2 ? 3 : 2;
        await cluster[victim].KillAsync();
        var newcomer = await cluster.UntilJoinedAsync(room, SipNode, 1500, Patience);
        var reports = await Task.WhenAll(one.ReportAsync(), other.ReportAsync());
        await cluster.UntilGoneAsync(asked, room);
        var seen = await packets.StopAsync();
        ClusterScene.NoIndexIsUsedTwice(seen, reports.Aggregate(0UL, (sum, r) => sum + r.PacketsReceived));
        cluster.Start(victim);
        await cluster[victim].UntilReadyAsync();
        return Row(newcomer, reports, ReceiverGaps.Of(seen, cluster.MediaPorts));
    }

    /// <param name="wire">Whatever the phones' processes were late themselves.</param>
    private static string Row(TimeSpan joined, PhoneResult[] reports, ReceiverGaps wire)
    {
        var (kept, gap) = (reports.Count(r => r.WasKept), reports.Max(r => r.LongestGap));
        var (lost, again) = (reports.Aggregate(0UL, (sum, r) => sum + r.Undecryptable), reports.Aggregate(0UL, (sum, r) => sum + r.Replays));
        return string.Create(CultureInfo.InvariantCulture, $"{kept} of {reports.Length} | {gap:0} | {lost} | {again} | {joined.TotalSeconds:0.0} | {wire.Longest[^1].TotalMilliseconds:0}");
    }
}
