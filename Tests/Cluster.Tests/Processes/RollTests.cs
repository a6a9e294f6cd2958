using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using ConfCluster.Cluster.Tests.Wire;
using Xunit;
using Xunit.Abstractions;

namespace ConfCluster.Cluster.Tests.Processes;

/// <summary>
/// A rolling upgrade: one node after the other is told to stop, ends when its calls are elsewhere, and begins again, while phones are in conferences that live
/// on all of them. The long run is Tests/Benchmarks/roll.sh.
/// </summary>
[Collection("clusters")]
public sealed class RollTests(ITestOutputHelper output)
{
    /// <summary>In milliseconds; what is aimed at is 200, on a machine that does nothing else.</summary>
    private const double LongestGap = 1000;

    /// <summary>Above it the logs tell why.</summary>
    private const double LongGap = 400;

    [SkippableFact]
    public async Task A_node_of_three_is_rolled_and_no_call_is_lost()
    {
        foreach (var load in await RollAsync(nodes: 3, rolled: [2], conferences: 3, phones: 3))
        {
            Assert.InRange(load.GetProperty("longestGapMilliseconds").GetDouble(), 0, LongestGap);
        }
    }

    /// <summary>CONFCLUSTER_ROLL=NODES,CONFERENCES,PHONES (of each): every node is rolled; the figures are for RESULTS.md.</summary>
    [SkippableFact]
    public async Task By_hand_every_node_is_rolled()
    {
        var asked = Environment.GetEnvironmentVariable("CONFCLUSTER_ROLL")?.Split(',').Select(n => int.Parse(n, CultureInfo.InvariantCulture)).ToArray();
        Skip.If(asked is not [_, _, _], "a long run by hand: Tests/Benchmarks/roll.sh");
        await RollAsync(asked[0], [.. Enumerable.Range(1, asked[0])], asked[1], asked[2]);
    }

    /// <summary>CONFCLUSTER_DRAIN=CONFERENCES,PHONES (of each): one node has all their mixers and is emptied, another has just come.</summary>
    [SkippableFact]
    public async Task By_hand_a_node_with_all_mixers_is_emptied()
    {
        var asked = Environment.GetEnvironmentVariable("CONFCLUSTER_DRAIN")?.Split(',').Select(n => int.Parse(n, CultureInfo.InvariantCulture)).ToArray();
        Skip.If(asked is not [_, _], "a long run by hand: Tests/Benchmarks/roll.sh");
        await using var cluster = await ProcessCluster.MakeAsync(output, "sip kms focus", "media", "media");
        await cluster.WatchAsync(async () =>
        {
            foreach (var first in new[] { 1, 2 }) cluster.Start(first);
            foreach (var first in new[] { 1, 2 }) await cluster[first].UntilReadyAsync();
            var load = Load(cluster, 1, asked[0], asked[1], TimeSpan.FromSeconds(35));
            await cluster[1].UntilAsync(async () => await CallsAsync(cluster, 1) == asked[0] * asked[1], "all calls");
            cluster.Start(3);
            await cluster[3].UntilReadyAsync();
            var before = await CountsAsync(cluster, 1, 2);
            await using var packets = await cluster.WatchPacketsAsync();
            // What a second without any change looks like belongs to the figures.
            await Task.Delay(TimeSpan.FromSeconds(3));
            var clock = Stopwatch.StartNew();
            Assert.Equal(0, await cluster[2].StopAsync());
            var took = clock.Elapsed.TotalSeconds;
            var seen = ReceiverGaps.Of(await packets.StopAsync(), cluster.MediaPorts);
            output.WriteLine($"n2: {before}; ended after {took:0.0} s; {cluster[2].Log.Split('\n').First(l => l.Contains("Emptied in", StringComparison.Ordinal))}");
            output.WriteLine($"n2: on the wire: {seen}");
            foreach (var line in cluster[2].Log.Split('\n').Concat(cluster[3].Log.Split('\n')).Where(l => l.Contains("WARN", StringComparison.Ordinal))) output.WriteLine($"n2/n3: {line}");
            Tell(JsonDocument.Parse((await load).Output).RootElement);
        });
    }

    private void Tell(JsonElement report) => output.WriteLine(
        $"{report.GetProperty("conference")}: joined {report.GetProperty("joined")} of {report.GetProperty("calls")}, failures {JsonSerializer.Serialize(report.GetProperty("failures"))}, " +
        $"longest gap {report.GetProperty("longestGapMilliseconds")} ms (p50 {report.GetProperty("medianGapMilliseconds")}, p99 {report.GetProperty("p99GapMilliseconds")}), lost {report.GetProperty("packetsLost")} of {report.GetProperty("packetsReceived")}, " +
        $"undecryptable {report.GetProperty("undecryptable")}, load late {report.GetProperty("clockLateMilliseconds")} ms");

    private async Task<List<JsonElement>> RollAsync(int nodes, int[] rolled, int conferences, int phones)
    {
        await using var cluster = await ProcessCluster.StartAsync(output, [.. Enumerable.Repeat("", nodes)]);
        var reports = new List<JsonElement>();
        await cluster.WatchAsync(async () =>
        {
            var all = conferences * phones;
            await using var packets = await cluster.WatchPacketsAsync();
            // The nodes take turns; what a node needs beside its rolling is generous, and the phones stay until the last one is back.
            var loads = Enumerable.Range(0, nodes).Select(i => (Node: 1 + i, Conferences: (conferences + nodes - 1 - i) / nodes)).Where(l => l.Conferences > 0)
                .Select(l => Load(cluster, l.Node, l.Conferences, phones, TimeSpan.FromSeconds(12 + 20 * rolled.Length))).ToList();
            var other = rolled.Contains(1) ? nodes : 1;
            try
            {
                await cluster[other].UntilAsync(async () => await CallsAsync(cluster, other) == all, $"{all} calls");
                // Whoever is in may not have been answered yet, and an INVITE under way is no call that could be kept.
                foreach (var conference in await ConferencesAsync(cluster, other)) await cluster.UntilTalkingAsync(other, conference, phones);
            }
            catch (TimeoutException)
            {
                foreach (var conference in await ConferencesAsync(cluster, other)) output.WriteLine($"{conference}: {await cluster.ShowAsync(other, conference)}");
                output.WriteLine($"{await CallsAsync(cluster, other)} calls; {await LeavesAsync(cluster)}");
                foreach (var load in loads) Tell(JsonDocument.Parse((await load).Output).RootElement);
                throw;
            }

            foreach (var number in rolled)
            {
                var asked = number == 1 ? 2 : 1;
                var before = await CountsAsync(cluster, asked, number);
                var clock = Stopwatch.StartNew();
                Assert.Equal(0, await cluster[number].StopAsync());
                var stopped = clock.Elapsed;
                cluster.Start(number);
                await cluster[number].UntilReadyAsync();
                var (ready, calls) = (clock.Elapsed, await CallsAsync(cluster, asked));
                output.WriteLine($"n{number}: {before}; ended after {stopped.TotalSeconds:0.0} s, ready again after {ready.TotalSeconds:0.0} s, calls {calls} of {all}");
                Assert.Equal(all, calls);
            }

            foreach (var load in loads)
            {
                var (_, text) = await load;
                var report = JsonDocument.Parse(text).RootElement;
                reports.Add(report);
                Tell(report);
            }

            var seen = await packets.StopAsync();
            output.WriteLine($"on the wire: {ReceiverGaps.Of(seen, cluster.MediaPorts)}");
            output.WriteLine(ClusterScene.NoIndexIsUsedTwice(seen, reports.Aggregate(0UL, (sum, r) => sum + r.GetProperty("packetsReceived").GetUInt64())));
            if (reports.Exists(r => r.GetProperty("longestGapMilliseconds").GetDouble() > LongGap)) cluster.TellLogs();
            if (reports.Exists(r => r.GetProperty("packetsLost").GetInt64() > 0 || r.GetProperty("failures").EnumerateObject().Any()))
                output.WriteLine(await LeavesAsync(cluster));
            // None has ended by itself meanwhile.
            for (var number = 1; number <= nodes; number++) await cluster[number].UntilReadyAsync();
            foreach (var report in reports)
            {
                Assert.Equal(report.GetProperty("calls").GetInt32(), report.GetProperty("joined").GetInt32());
                Assert.Empty(report.GetProperty("failures").EnumerateObject());
            }
        });
        return reports;
    }

    /// <summary>One process: with one for each conference, their compilers are what is measured.</summary>
    /// <param name="phones">In each conference.</param>
    private static Task<(int ExitCode, string Output)> Load(ProcessCluster cluster, int node, int conferences, int phones, TimeSpan time) => NodeProcess.RunAsync(
        time + TimeSpan.FromMinutes(1),
        "load", "--conference", $"rolled-by-{node}", "--conferences", $"{conferences}", "--sip", cluster.Uri("", node)[5..], "--url", cluster[node].Http.BaseAddress!.ToString(), "--mki",
        "--phones", $"{conferences * phones}", "--talkers", "1", "--canaries", "0", "--join-rate", $"{10 * conferences}", "--for", $"{time.TotalSeconds}s", "--json");

    private static async Task<int> CallsAsync(ProcessCluster cluster, int asked)
    {
        using var all = JsonDocument.Parse(await cluster[asked].Http.GetStringAsync(new Uri("/api/v1/conferences", UriKind.Relative)));
        return all.RootElement.EnumerateArray().Sum(c => c.GetProperty("participants").GetInt32());
    }

    private static async Task<IReadOnlyList<string>> ConferencesAsync(ProcessCluster cluster, int asked)
    {
        using var all = JsonDocument.Parse(await cluster[asked].Http.GetStringAsync(new Uri("/api/v1/conferences", UriKind.Relative)));
        return [.. all.RootElement.EnumerateArray().Select(c => c.GetProperty("name").GetString()!)];
    }

    /// <summary>Why participants left, as the journal has it.</summary>
    private static async Task<string> LeavesAsync(ProcessCluster cluster)
    {
        var text = new StringBuilder();
        foreach (var conference in await ConferencesAsync(cluster, 1))
        {
            using var events = JsonDocument.Parse(await cluster[1].Http.GetStringAsync(new Uri($"/api/v1/conferences/{conference}/events", UriKind.Relative)));
            var left = events.RootElement.EnumerateArray().Where(e => e.GetProperty("event").GetString()!.Contains("Left", StringComparison.OrdinalIgnoreCase));
            text.Append(CultureInfo.InvariantCulture, $"{conference}: {string.Join("; ", left.Select(e => $"{e.GetProperty("at")} {e.GetProperty("detail")}"))}\n");
        }

        return text.ToString();
    }

    /// <summary>What lives on a node.</summary>
    private static async Task<string> CountsAsync(ProcessCluster cluster, int asked, int number)
    {
        using var status = JsonDocument.Parse(await cluster[asked].Http.GetStringAsync(new Uri("/api/v1/cluster", UriKind.Relative)));
        var node = status.RootElement.GetProperty("nodes").EnumerateArray().Single(n => n.GetProperty("node").GetString()!.StartsWith($"127.0.0.{number}:", StringComparison.Ordinal));
        return string.Join(", ", node.GetProperty("shards").EnumerateObject().Select(s => $"{s.Value.GetProperty("entities")} {s.Name}s"));
    }
}
