using System.Diagnostics;
using System.Text.Json;
using ConfCluster.Actors.Nodes;
using ConfCluster.Support.Audio;
using Xunit;
using Xunit.Abstractions;

namespace ConfCluster.Cluster.Tests.Processes;

/// <summary>Nodes with different roles are one conference server, and only nodes of the cluster are in it.</summary>
[Collection("clusters")]
public sealed class ManyNodesTests(ITestOutputHelper output)
{
    private static readonly double[] Tones = [440, 1000];
    private static readonly TimeSpan TakeOver = TimeSpan.FromSeconds(40);

    [SkippableFact]
    public Task Phones_at_two_nodes_of_three_with_all_roles_share_a_conference() => ShareAsync(["", "", ""], 1, 2);

    [SkippableFact]
    public Task Phones_at_a_cluster_whose_roles_are_apart_share_a_conference() => ShareAsync(["sip kms", "sip focus", "media"], 1, 2);

    [SkippableFact]
    public async Task Calls_and_their_media_outlive_the_node_of_their_conference()
    {
        await using var cluster = await ProcessCluster.StartAsync(output, "sip kms", "focus", "focus", "media");
        await cluster.WatchAsync(async () =>
        {
            // The focus dies six seconds after both are in; until somebody new is in again a take-over goes by.
            var first = CallAsync(cluster, "kept", 1, Tones[0], "50s");
            var second = CallAsync(cluster, "kept", 1, Tones[1], "50s");
            using var text = new TextCaller(cluster.Plan.Ports.Sip, "kept");
            Assert.Equal("SIP/2.0 200 OK", await text.InviteAsync());
            await UntilInAsync(cluster, 1, "kept", 3);
            var focus = await cluster.HomeAsync("conference", 1) ?? throw new InvalidOperationException("nobody has the conference");
            await Task.Delay(TimeSpan.FromSeconds(6));
            await cluster[focus].KillAsync();
            var since = Stopwatch.StartNew();
            JsonDocument? third = null;
            while (third is null && since.Elapsed < TakeOver)
            {
                var attempt = await TryCallAsync(cluster, "kept", 1, 1500, "4s");
                if (attempt.RootElement.GetProperty("status").GetInt32() == 200) third = attempt;
            }

            output.WriteLine($"the call of somebody new was over {since.Elapsed.TotalSeconds:0.0} s after the kill: {third?.RootElement}");
            Assert.NotNull(third);
            await UntilInAsync(cluster, 1, "kept", 3);

            // Their participants are back with their legs: a new key reaches the phones, which move to it, and an offer of a phone is answered.
            using var reason = new StringContent("""{"reason":"after the take-over"}""", System.Text.Encoding.UTF8, "application/json");
            var rekeyed = await cluster[1].Http.PostAsync(new Uri("/api/v1/conferences/kept/rekey", UriKind.Relative), reason);
            Assert.True(rekeyed.IsSuccessStatusCode, await rekeyed.Content.ReadAsStringAsync());
            await cluster[1].UntilAsync(async () => await UnderNewestAsync(cluster, 1, "kept") == Tones.Length, "both phones under the newest group key");
            Assert.Equal("SIP/2.0 200 OK", await text.InviteAsync("sendonly"));
            Assert.Contains("a=recvonly", text.Answer, StringComparison.Ordinal);
            Assert.Equal("SIP/2.0 200 OK", await text.ByeAsync());
            foreach (var (report, file, other) in new[] { await first, await second }.Select((r, i) => (r, Recording(cluster, "kept", Tones[i]), Tones[1 - i])))
            {
                Assert.True(report.RootElement.GetProperty("succeeded").GetBoolean(), $"{report.RootElement}");
                Assert.True(report.RootElement.GetProperty("talkSeconds").GetDouble() > 48, $"{report.RootElement}");
                var longest = report.RootElement.GetProperty("longestGapMilliseconds").GetDouble();
                Assert.True(longest < 1000, $"media stopped for {longest} ms\n{report.RootElement}");
                var heard = ToneAnalysis.Of(file, [.. Tones, 1500]);
                Assert.True(heard.Seconds.Count(s => s.Contains(other)) >= 44, $"heard {heard}");
            }

            await UntilGoneAsync(cluster, 1, "kept");
            foreach (var asked in new[] { 1, focus == 2 ? 3 : 2 })
            {
                var (exit, said) = await cluster.VerbAsync(asked, "audit", "verify");
                Assert.True(exit == 0, said);
            }

            var (_, timeline) = await cluster.VerbAsync(1, "audit", "show", "kept");
            Assert.Contains("focusRecovered", timeline.Replace(" ", "", StringComparison.Ordinal), StringComparison.OrdinalIgnoreCase);
        });
    }

    [SkippableFact]
    public async Task A_node_with_a_certificate_of_another_root_or_none_never_joins()
    {
        await using var cluster = await ProcessCluster.MakeAsync(output, "sip focus media", "sip focus media");
        await cluster.WatchAsync(async () =>
        {
            var foreign = new ClusterAuthority(Path.Combine(cluster.Directory, "foreign"), TimeProvider.System);
            foreign.Make(["127.0.0.2", "127.0.0.3"]);
            cluster.Start(1);
            await cluster[1].UntilReadyAsync();
            var stranger = cluster.Start(2, foreign);
            await cluster[1].UntilLoggedAsync("is no node of this cluster: it does not lead to a root of the cluster");
            await stranger.UntilLoggedAsync("has taken this one in yet");
            Assert.Equal(["127.0.0.1"], await MembersAsync(cluster, 1));
            Assert.False((await stranger.Http.GetAsync(new Uri("/readyz", UriKind.Relative))).IsSuccessStatusCode);
            Assert.Equal(1, await stranger.StopAsync());

            // Without TLS it refuses to start at all.
            var bareSettings = cluster.Plan.Arguments(2, []).Where(a => a != "--set" && !a.Contains("cluster.tls.", StringComparison.Ordinal));
            var bare = await NodeProcess.RunAsync(["run", .. bareSettings.SelectMany(a => new[] { "--set", a })]);
            Assert.Equal(1, bare.ExitCode);
            Assert.Contains("cluster.tls.certificate", bare.Output, StringComparison.Ordinal);

            cluster.Start(2);
            await cluster[2].UntilReadyAsync();
            Assert.Equal(["127.0.0.1", "127.0.0.2"], await MembersAsync(cluster, 1));
        });
    }

    private async Task ShareAsync(string[] roles, int one, int other)
    {
        await using var cluster = await ProcessCluster.StartAsync(output, roles);
        await cluster.WatchAsync(async () =>
        {
            var calls = new[] { CallAsync(cluster, "shared", one, Tones[0], "9s"), CallAsync(cluster, "shared", other, Tones[1], "9s") };
            await UntilInAsync(cluster, 3, "shared", 2);
            var (exit, table) = await NodeProcess.RunAsync("status", "--url", cluster[3].Http.BaseAddress!.ToString());
            Assert.True(exit == 0, table);
            Assert.Contains("127.0.0.2:", table, StringComparison.Ordinal);
            foreach (var call in calls) Assert.True((await call).RootElement.GetProperty("succeeded").GetBoolean(), $"{(await call).RootElement}");
            for (var i = 0; i < Tones.Length; i++)
            {
                var heard = ToneAnalysis.Of(Recording(cluster, "shared", Tones[i]), Tones);
                Assert.True(heard.Seconds.Count(s => s.SequenceEqual([Tones[1 - i]])) >= 5, $"phone {i} heard {heard}");
                Assert.True(heard.Seconds.All(s => !s.Contains(Tones[i])), $"phone {i} heard itself: {heard}");
            }

            await UntilGoneAsync(cluster, 3, "shared");
            for (var i = 1; i <= roles.Length; i++)
            {
                var (code, said) = await cluster.VerbAsync(i, "audit", "verify");
                Assert.True(code == 0, said);
                Assert.Contains("shared", (await cluster.VerbAsync(i, "audit", "verify", "--json")).Output, StringComparison.Ordinal);
            }
        });
    }

    private static string Recording(ProcessCluster cluster, string conference, double tone) => Path.Combine(cluster.Directory, $"{conference}-{tone}.wav");

    private static async Task<JsonDocument> CallAsync(ProcessCluster cluster, string conference, int node, double tone, string time)
    {
        var (_, report) = await NodeProcess.RunAsync(
            TimeSpan.FromMinutes(2),
            "call", cluster.Uri(conference, node), "--mki", "--tone", $"{tone}", "--record", Recording(cluster, conference, tone), "--for", time, "--json");
        return JsonDocument.Parse(report);
    }

    /// <summary>Gives up soon when nobody answers.</summary>
    private static async Task<JsonDocument> TryCallAsync(ProcessCluster cluster, string conference, int node, double tone, string time)
    {
        var (_, report) = await NodeProcess.RunAsync("call", cluster.Uri(conference, node), "--mki", "--tone", $"{tone}", "--for", time, "--json");
        return JsonDocument.Parse(report);
    }

    /// <summary>How many participants hear the group key that was made last for the reason "asked".</summary>
    private static async Task<int> UnderNewestAsync(ProcessCluster cluster, int asked, string conference)
    {
        using var details = JsonDocument.Parse(await cluster[asked].Http.GetStringAsync(new Uri($"/api/v1/conferences/{conference}", UriKind.Relative)));
        var newest = details.RootElement.GetProperty("epochs").EnumerateArray().LastOrDefault();
        if (newest.ValueKind == JsonValueKind.Undefined || newest.GetProperty("reason").GetString() != "asked") return 0;
        var epoch = newest.GetProperty("epoch").GetUInt32();
        return details.RootElement.GetProperty("participants").EnumerateArray().Count(
            p => p.GetProperty("key") is { ValueKind: JsonValueKind.Object } key && key.GetProperty("epoch") is { ValueKind: JsonValueKind.Number } used && used.GetUInt32() == epoch);
    }

    private static Task UntilInAsync(ProcessCluster cluster, int asked, string conference, int participants) => cluster[asked].UntilAsync(
        async () =>
        {
            var answer = await cluster[asked].Http.GetAsync(new Uri($"/api/v1/conferences/{conference}", UriKind.Relative));
            if (!answer.IsSuccessStatusCode) return false;
            using var details = JsonDocument.Parse(await answer.Content.ReadAsStringAsync());
            return details.RootElement.GetProperty("participants").GetArrayLength() == participants;
        },
        $"{participants} participants in {conference}");

    private static Task UntilGoneAsync(ProcessCluster cluster, int asked, string conference) => cluster[asked].UntilAsync(
        async () => !(await cluster[asked].Http.GetAsync(new Uri($"/api/v1/conferences/{conference}", UriKind.Relative))).IsSuccessStatusCode,
        $"the end of {conference}");

    private static async Task<string[]> MembersAsync(ProcessCluster cluster, int asked)
    {
        using var status = JsonDocument.Parse(await cluster[asked].Http.GetStringAsync(new Uri("/api/v1/cluster", UriKind.Relative)));
        return [.. status.RootElement.GetProperty("nodes").EnumerateArray().Select(n => n.GetProperty("node").GetString()!.Split(':')[0]).Order(StringComparer.Ordinal)];
    }
}
