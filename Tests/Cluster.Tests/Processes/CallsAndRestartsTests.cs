using System.Net;
using System.Text.Json;
using Xunit;

namespace ConfCluster.Cluster.Tests.Processes;

[Collection("processes")]
public sealed class CallsAndRestartsTests : IDisposable
{
    private readonly TemporaryDirectory _data = new();

    public void Dispose() => _data.Dispose();

    [Fact]
    public async Task A_node_that_stops_hangs_up_on_its_callers_and_stores_it()
    {
        await using var node = NodeProcess.Start(_data);
        await node.UntilReadyAsync();
        using var caller = new TextCaller(node.SipPort, "farewell");
        Assert.Equal("SIP/2.0 200 OK", await caller.InviteAsync());
        await UntilParticipantsAsync(node, "farewell", 1);

        var bye = caller.UntilByeAsync();
        var stopped = node.StopAsync();
        await bye;
        Assert.Equal(0, await stopped);
        Assert.Contains("Goodbye.", node.Log, StringComparison.Ordinal);

        await using var next = NodeProcess.Start(_data);
        await next.UntilReadyAsync();
        await next.UntilLoggedAsync("Stop ");
        Assert.DoesNotContain("cut off", next.Log, StringComparison.Ordinal);
        Assert.Equal(("ended", "nodeShutdown"), (await HistoryAsync(next, "farewell"))[^1]);
    }

    [Fact]
    public async Task A_node_that_was_killed_tells_on_its_return_which_calls_it_lost()
    {
        await using (var node = NodeProcess.Start(_data))
        {
            await node.UntilReadyAsync();
            using var first = new TextCaller(node.SipPort, "cut");
            using var second = new TextCaller(node.SipPort, "cut");
            Assert.Equal("SIP/2.0 200 OK", await first.InviteAsync());
            Assert.Equal("SIP/2.0 200 OK", await second.InviteAsync());
            await UntilParticipantsAsync(node, "cut", 2);
            await node.KillAsync();
        }

        await using var next = NodeProcess.Start(_data);
        await next.UntilReadyAsync();
        await next.UntilLoggedAsync("Note      the last run was cut off");
        await next.UntilLoggedAsync("conference cut: the last run was cut off with 2 calls in it");
        var history = await HistoryAsync(next, "cut");
        Assert.Equal(2, history.Count(h => h == ("participantLeft", "nodeLost")));
        Assert.Equal(("ended", "nodeLost"), history[^1]);
        Assert.Equal(HttpStatusCode.NotFound, (await next.Http.GetAsync(Path("cut"))).StatusCode);

        var (exitCode, output) = await NodeProcess.RunAsync("conference", "show", "cut", "--url", next.Http.BaseAddress!.ToString());
        Assert.Equal(0, exitCode);
        Assert.Contains("cut is not active.", output, StringComparison.Ordinal);
        Assert.Contains("nodeLost", output, StringComparison.Ordinal);

        using var again = new TextCaller(next.SipPort, "cut");
        Assert.Equal("SIP/2.0 200 OK", await again.InviteAsync());
        await UntilParticipantsAsync(next, "cut", 1);
    }

    [Fact]
    public async Task A_conference_that_an_operator_ends_hangs_up_on_everybody()
    {
        await using var node = NodeProcess.Start(_data);
        await node.UntilReadyAsync();
        using var caller = new TextCaller(node.SipPort, "over");
        await caller.InviteAsync();
        await UntilParticipantsAsync(node, "over", 1);

        var bye = caller.UntilByeAsync();
        var (exitCode, _) = await NodeProcess.RunAsync("conference", "end", "over", "--url", node.Http.BaseAddress!.ToString());
        await bye;
        Assert.Equal(0, exitCode);
        await node.UntilAsync(async () => (await node.Http.GetAsync(Path("over"))).StatusCode == HttpStatusCode.NotFound, "the conference to end");
        Assert.Equal(("ended", "operator"), (await HistoryAsync(node, "over"))[^1]);
        var (refused, sentence) = await NodeProcess.RunAsync("conference", "end", "over", "--url", node.Http.BaseAddress!.ToString());
        Assert.Equal((1, "There is no active conference over."), (refused, sentence.Trim()));
    }

    [Fact]
    public async Task What_happens_is_counted_for_Prometheus()
    {
        await using var node = NodeProcess.Start(_data);
        await node.UntilReadyAsync();
        using var caller = new TextCaller(node.SipPort, "counted");
        await caller.InviteAsync();
        foreach (var figure in (string[])
            ["confcluster_sip_requests_total{", "confcluster_conferences{", "confcluster_media_ticks_total{", "confcluster_media_tick_lateness_seconds{"])
        {
            await node.UntilAsync(
                async () => (await node.Http.GetStringAsync(new Uri("/metrics", UriKind.Relative))).Contains(figure, StringComparison.Ordinal), figure);
        }

        await node.UntilAsync(
            async () => (await node.Http.GetStringAsync(new Uri("/metrics", UriKind.Relative))).Split('\n')
                .Any(l => l.StartsWith("confcluster_participants{", StringComparison.Ordinal) && l.EndsWith(" 1", StringComparison.Ordinal)),
            "the participant to be counted");
    }

    private static Uri Path(string conference) => new($"/api/v1/conferences/{conference}", UriKind.Relative);

    private static Task UntilParticipantsAsync(NodeProcess node, string conference, int count) => node.UntilAsync(
        async () =>
        {
            using var answer = await node.Http.GetAsync(Path(conference));
            if (!answer.IsSuccessStatusCode) return false;
            using var json = JsonDocument.Parse(await answer.Content.ReadAsStringAsync());
            return json.RootElement.GetProperty("participants").GetArrayLength() == count;
        },
        $"{count} participants in {conference}");

    private static async Task<List<(string? Event, string? Detail)>> HistoryAsync(NodeProcess node, string conference)
    {
        using var json = JsonDocument.Parse(await node.Http.GetStringAsync(new Uri($"{Path(conference)}/events", UriKind.Relative)));
        return [.. json.RootElement.EnumerateArray().Select(e => (e.GetProperty("event").GetString(), e.GetProperty("detail").GetString()))];
    }
}
