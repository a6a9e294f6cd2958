using System.Globalization;
using ConfCluster.Cluster.Tests.Processes;
using Xunit;
using Xunit.Abstractions;

namespace ConfCluster.Cluster.Tests.Failures;

/// <summary>
/// Nodes that cannot hear each other for a while or hear each other late, and the end of all of them at once. Runs with the matrix: only when <c>CONFCLUSTER_FAILURES</c> names a file,
/// to which each case adds a row.
/// </summary>
[Collection("clusters")]
public sealed class PartitionTests(ITestOutputHelper output)
{
    private const string Room = "room";

    /// <summary>All have all roles; the last ones are cut off for 25 s, phones of both sides are in one conference.</summary>
    [SkippableTheory]
    [InlineData(3, 1)]
    [InlineData(5, 2)]
    public async Task The_side_with_fewer_nodes_ends_itself_and_the_other_goes_on(int nodes, int fewer)
    {
        var file = File();
        await using var cluster = await ProcessCluster.MakeAsync(output, [.. Enumerable.Repeat("", nodes)]);
        await cluster.WatchAsync(async () =>
        {
            var links = cluster.PutLinksBetween();
            for (var i = 1; i <= nodes; i++) cluster.Start(i);
            for (var i = 1; i <= nodes; i++) await cluster[i].UntilReadyAsync();
            using var majority = new PhoneProcess(cluster.Uri(Room, 1), 440, "60s", "--mki");
            using var minority = new PhoneProcess(cluster.Uri(Room, nodes), 1000, "60s", "--mki");
            await cluster.UntilTalkingAsync(1, Room, 2);
            links.Part([.. Enumerable.Range(1, nodes - fewer)], [.. Enumerable.Range(nodes - fewer + 1, fewer)]);
            for (var i = nodes - fewer + 1; i <= nodes; i++) Assert.NotEqual(0, await cluster[i].EndAsync());
            var wait = await cluster.UntilJoinedAsync(Room, 1, 1500, TimeSpan.FromSeconds(50));
            links.Heal();

            // What an operator's supervisor does.
            for (var i = nodes - fewer + 1; i <= nodes; i++) cluster.Start(i);
            for (var i = nodes - fewer + 1; i <= nodes; i++) await cluster[i].UntilReadyAsync();
            var reports = new[] { await majority.ReportAsync(), await minority.ReportAsync() };
            foreach (var report in reports) output.WriteLine($"{report}");
            await cluster.UntilGoneAsync(1, Room);
            await cluster.AuditIsCleanAsync(nodes);
            var (kept, undecryptable) = (reports.Count(r => r.WasKept), reports.Aggregate(0UL, (s, r) => s + r.Undecryptable));
            await AddAsync(
                file,
                $"| {nodes - fewer} + {fewer} nodes | partition | {kept} of 2 | {reports[0].LongestGap:0} | {undecryptable} | {wait.TotalSeconds:0.0} | clean |\n");
            Assert.True(reports.All(r => r.Undecryptable == 0), "nobody was sent what it could not read");
        });
    }

    /// <summary>Nothing is lost and nobody is taken for dead: joins and rekeyings just take longer.</summary>
    [SkippableTheory]
    [InlineData(100)]
    [InlineData(300)]
    public async Task A_node_that_hears_the_others_late_goes_on(int milliseconds)
    {
        var file = File();
        await using var cluster = await ProcessCluster.MakeAsync(output, "", "", "");
        await cluster.WatchAsync(async () =>
        {
            var links = cluster.PutLinksBetween();
            for (var i = 1; i <= 3; i++) cluster.Start(i);
            for (var i = 1; i <= 3; i++) await cluster[i].UntilReadyAsync();
            using var one = new PhoneProcess(cluster.Uri(Room, 1), 440, "40s", "--mki");
            await cluster.UntilTalkingAsync(1, Room, 1);
            var home = await cluster.HomeAsync("conference", 1);
            links.Slow(TimeSpan.FromMilliseconds(milliseconds), home!.Value);
            using var other = new PhoneProcess(cluster.Uri(Room, home == 3 ? 2 : 3), 1000, "30s", "--mki");
            await cluster.UntilTalkingAsync(1, Room, 2);
            var (exit, said) = await NodeProcess.RunAsync("conference", "rekey", Room, "--reason", "a test", "--url", cluster[1].Http.BaseAddress!.ToString());
            Assert.True(exit == 0, said);
            var wait = await cluster.UntilJoinedAsync(Room, 2, 1500, TimeSpan.FromSeconds(30));
            var reports = new[] { await one.ReportAsync(), await other.ReportAsync() };
            foreach (var report in reports) output.WriteLine($"{report}");
            Assert.All(Enumerable.Range(1, 3), i => Assert.False(cluster[i].HasEnded));
            await cluster.UntilGoneAsync(1, Room);
            await cluster.AuditIsCleanAsync(1);
            var (kept, undecryptable) = (reports.Count(r => r.WasKept), reports.Aggregate(0UL, (s, r) => s + r.Undecryptable));
            await AddAsync(
                file, $"| the conference's node of 3 | {milliseconds} ms late each way | {kept} of 2 | {reports[0].LongestGap:0} | {undecryptable} | {wait.TotalSeconds:0.0} | clean |\n");
            Assert.Equal((2, 0UL), (kept, undecryptable));
        });
    }

    [SkippableFact]
    public async Task After_the_end_of_everything_at_once_all_that_was_stored_is_there_and_calls_come_in_again()
    {
        var file = File();
        await using var cluster = await ProcessCluster.StartAsync(output, "", "", "");
        await cluster.WatchAsync(async () =>
        {
            using var one = new PhoneProcess(cluster.Uri(Room, 1), 440, "20s", "--mki");
            using var other = new PhoneProcess(cluster.Uri(Room, 2), 1000, "20s", "--mki");
            await cluster.UntilTalkingAsync(1, Room, 2);
            await cluster.Postgres.CutAsync();
            for (var i = 1; i <= 3; i++) await cluster[i].KillAsync();
            Assert.Null(await cluster.Postgres.StartAgainAsync(CancellationToken.None));
            for (var i = 1; i <= 3; i++) cluster.Start(i);
            for (var i = 1; i <= 3; i++) await cluster[i].UntilReadyAsync();
            var wait = await cluster.UntilJoinedAsync(Room, 2, 1500, TimeSpan.FromSeconds(50));
            await cluster.UntilGoneAsync(1, Room);
            for (var i = 1; i <= 3; i++) await cluster.AuditIsCleanAsync(i);
            await AddAsync(file, $"| 3 nodes and the journal | all killed, all started again | 0 of 2 | | 0 | {wait.TotalSeconds:0.0} | clean |\n");
        });
    }

    private static string File()
    {
        var file = Environment.GetEnvironmentVariable("CONFCLUSTER_FAILURES");
        Skip.If(string.IsNullOrEmpty(file), "takes two minutes each; Tests/Benchmarks/failures.sh runs all");
        return file!;
    }

    private static Task AddAsync(string file, FormattableString row) =>
        System.IO.File.AppendAllTextAsync($"{file}.partitions", row.ToString(CultureInfo.InvariantCulture));
}
