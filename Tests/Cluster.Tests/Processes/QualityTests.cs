using System.Globalization;
using System.Text.Json;
using Xunit;

namespace ConfCluster.Cluster.Tests.Processes;

/// <summary>What a node says of calls over a bad network, and of phones that send nothing.</summary>
[Collection("processes")]
public sealed class QualityTests : IDisposable
{
    private readonly TemporaryDirectory _data = new();

    public void Dispose() => _data.Dispose();

    [Fact]
    public async Task Loss_and_round_trip_are_seen_in_both_directions_and_who_speaks_is_known()
    {
        await using var node = NodeProcess.Start(_data, "--set", "confcluster.media.rtcp-interval=500ms");
        await node.UntilReadyAsync();
        var bad = CallAsync($"sip:Quality@127.0.0.1:{node.SipPort}", "--tone", "440", "--drop", "10", "--delay", "60ms", "--for", "30s");
        var silent = CallAsync($"sip:Quality@127.0.0.1:{node.SipPort}", "--for", "30s");
        JsonElement[] seen = [];
        await node.UntilAsync(
            async () =>
            {
                // Both are on for longer than it takes: who has ended was refused, and says why.
                if (bad.IsCompleted || silent.IsCompleted) Assert.Fail($"a call is over: {(await bad).RootElement}\n{(await silent).RootElement}\n{string.Join('\n', seen)}");
                seen = await ShowAsync(node);
                return seen.Length == 2 && seen.Any(p => Speaks(p) && Media(p, "inbound", "packetsLost") > 0 && Media(p, "outbound", "packetsLost") > 0
                    && p.GetProperty("media").GetProperty("roundTripSeconds").ValueKind == JsonValueKind.Number);
            },
            "a speaker with loss both ways and a round trip");

        var speaker = seen.Single(Speaks);
        var trip = speaker.GetProperty("media").GetProperty("roundTripSeconds").GetDouble();
        // Ours waits 60 ms on the way here; a tick of either side may be added.
        Assert.InRange(trip, 0.055, 0.5);
        var quiet = seen.Single(p => !Speaks(p));
        Assert.True(Media(quiet, "packetsUndecoded") > 0, "silent packets were decoded");
        Assert.Equal(0, Media(speaker, "packetsUndecoded"));

        // Sums of a lane are made with its heartbeats, and what is scraped may be a little older than what is asked for.
        await node.UntilAsync(
            async () =>
            {
                var metrics = await node.Http.GetStringAsync(new Uri("/metrics", UriKind.Relative));
                return Metric(metrics, "confcluster_media_round_trip_seconds", "max") >= 0.055 && Metric(metrics, "confcluster_media_packets_lost_total") > 0
                    && Metric(metrics, "confcluster_media_packets_reported_lost_total") > 0;
            },
            "the same in the metrics");

        using var reports = await bad;
        using var listener = await silent;
        Assert.True(reports.RootElement.GetProperty("reportedLost").GetInt64() > 0, $"{reports.RootElement}\n{node.Log}");
        Assert.Equal(1, listener.RootElement.GetProperty("contributors").GetArrayLength());
        Assert.True(listener.RootElement.GetProperty("packetsWithLevels").GetInt64() > 0, $"{listener.RootElement}");
    }

    [Fact]
    public async Task A_phone_from_which_nothing_comes_loses_its_call_where_the_policy_says_so()
    {
        await using var node = NodeProcess.Start(
            _data, "--set", "confcluster.conference.no-media.after=2s", "--set", "confcluster.conference.no-media.action=end");
        await node.UntilReadyAsync();
        var stays = CallAsync($"sip:Quality@127.0.0.1:{node.SipPort}", "--for", "14s");
        using var report = await CallAsync($"sip:Quality@127.0.0.1:{node.SipPort}", "--drop", "100", "--for", "30s");
        Assert.Equal("peer", report.RootElement.GetProperty("endedBy").GetString());
        Assert.Contains("nothing authentic has come", node.Log, StringComparison.Ordinal);
        var events = await node.Http.GetStringAsync(new Uri("/api/v1/conferences/quality/events", UriKind.Relative));
        Assert.Contains("mediaFailed", events, StringComparison.Ordinal);
        using var other = await stays;
        Assert.Equal("us", other.RootElement.GetProperty("endedBy").GetString());
    }

    private static async Task<JsonElement[]> ShowAsync(NodeProcess node)
    {
        var (code, output) = await NodeProcess.RunAsync("conference", "show", "quality", "--json", "--url", $"http://127.0.0.1:{node.HttpPort}");
        if (code != 0) return [];
        using var document = JsonDocument.Parse(output);
        var conference = document.RootElement.GetProperty("conference");
        return conference.ValueKind == JsonValueKind.Null ? [] : [.. conference.GetProperty("participants").EnumerateArray()
            .Where(p => p.GetProperty("media").ValueKind != JsonValueKind.Null).Select(p => p.Clone())];
    }

    private static bool Speaks(JsonElement participant) => participant.GetProperty("speaking").GetBoolean();

    private static long Media(JsonElement participant, params string[] path) =>
        path.Aggregate(participant.GetProperty("media"), (at, name) => at.GetProperty(name)).GetInt64();

    private static double Metric(string metrics, string name, string? statistic = null) => metrics.Split('\n')
        .Where(l => l.StartsWith(name + "{", StringComparison.Ordinal) && (statistic is null || l.Contains($"statistic=\"{statistic}\"", StringComparison.Ordinal)))
        .Select(l => double.Parse(l.Split('}')[1].Trim().Split(' ')[0], CultureInfo.InvariantCulture)).DefaultIfEmpty(-1).Max();

    private static async Task<JsonDocument> CallAsync(params string[] arguments)
    {
        var (code, output) = await NodeProcess.RunAsync(["call", .. arguments, "--json"]);
        Assert.True(code == 0, output);
        return JsonDocument.Parse(output);
    }
}
