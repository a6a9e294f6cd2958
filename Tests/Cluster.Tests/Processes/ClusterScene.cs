using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using ConfCluster.Cluster.Tests.Wire;
using ConfCluster.Support.Audio;
using Xunit;

namespace ConfCluster.Cluster.Tests.Processes;

/// <summary>Phones and what a test looks at, for scenarios of a <see cref="ProcessCluster"/>. Every wait is bounded.</summary>
internal static class ClusterScene
{
    private static readonly TimeSpan CallPatience = TimeSpan.FromMinutes(3);
    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(100);

    /// <summary>A phone, to the end of its call.</summary>
    /// <param name="tone">What it says, in Hz; what it hears is recorded under the name of conference and tone.</param>
    /// <param name="more">Further arguments of <c>confcluster call</c>.</param>
    public static Task<PhoneResult> CallAsync(this ProcessCluster cluster, string conference, int node, double tone, string time, params string[] more) =>
        cluster.CallAsync(conference, cluster.Uri(conference, node), tone, time, more);

    /// <summary>The same by what is dialled.</summary>
    public static async Task<PhoneResult> CallAsync(this ProcessCluster cluster, string conference, string uri, double tone, string time, params string[] more)
    {
        var (_, said) = await NodeProcess.RunAsync(
            CallPatience,
            [
                "call", uri, "--tone", tone.ToString(CultureInfo.InvariantCulture), "--record", cluster.Recording(conference, tone),
                "--for", time, "--json", .. more,
            ]);
        var begins = said.IndexOf('{', StringComparison.Ordinal);
        Assert.True(begins >= 0, said);
        return new PhoneResult(JsonDocument.Parse(said[begins..]).RootElement);
    }

    /// <summary>A WAV file.</summary>
    public static string Recording(this ProcessCluster cluster, string conference, double tone) => Path.Combine(cluster.Directory, $"{conference}-{tone}.wav");

    /// <summary>Seconds of a phone's recording in which a tone was heard.</summary>
    /// <param name="tone">Of the phone that recorded.</param>
    public static int SecondsOf(this ProcessCluster cluster, string conference, double tone, double heard) =>
        ToneAnalysis.Of(cluster.Recording(conference, tone), [tone, heard]).Seconds.Count(s => s.Contains(heard));

    /// <summary>What a node says of a conference; null: nothing, or it does not answer.</summary>
    public static async Task<JsonElement?> ShowAsync(this ProcessCluster cluster, int asked, string conference)
    {
        try
        {
            var answer = await cluster[asked].Http.GetAsync(new Uri($"/api/v1/conferences/{conference}", UriKind.Relative));
            return answer.IsSuccessStatusCode ? JsonDocument.Parse(await answer.Content.ReadAsStringAsync()).RootElement : null;
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
        {
            return null;
        }
    }

    /// <summary>Looks until a conference is as it shall be.</summary>
    public static Task UntilShownAsync(this ProcessCluster cluster, int asked, string conference, Predicate<JsonElement> isSo, string what) =>
        cluster[asked].UntilAsync(async () => await cluster.ShowAsync(asked, conference) is { } shown && isSo(shown), $"{conference}: {what}");

    /// <summary>So many participants are in, and each has been sent media for a second.</summary>
    public static Task UntilTalkingAsync(this ProcessCluster cluster, int asked, string conference, int participants) => cluster.UntilShownAsync(
        asked, conference, c => c.GetProperty("participants").EnumerateArray().Count(HasHeard) == participants, $"{participants} that hear something");

    /// <summary>It is over.</summary>
    public static Task UntilGoneAsync(this ProcessCluster cluster, int asked, string conference) => cluster[asked].UntilAsync(
        async () => !(await cluster[asked].Http.GetAsync(new Uri($"/api/v1/conferences/{conference}", UriKind.Relative))).IsSuccessStatusCode,
        $"the end of {conference}");

    /// <summary>A media node has shards of mixers, and the node that is asked knows its way there.</summary>
    /// <param name="asked">With the role focus.</param>
    public static Task UntilSpreadAsync(this ProcessCluster cluster, int asked, params int[] nodes) => cluster[asked].UntilAsync(
        () => Task.FromResult(cluster[asked].Log.Split('\n').LastOrDefault(l => l.Contains("shards of mixers are at home on", StringComparison.Ordinal)) is { } line
            && nodes.All(n => line.Contains($"127.0.0.{n}:", StringComparison.Ordinal))), $"mixers' shards on {string.Join(", ", nodes)}");

    /// <summary>By node: shards and living entities of a kind.</summary>
    public static async Task<Dictionary<int, (int Shards, int Entities)>> ShardsAsync(this ProcessCluster cluster, string kind, int asked)
    {
        using var status = JsonDocument.Parse(await cluster[asked].Http.GetStringAsync(new Uri("/api/v1/cluster", UriKind.Relative)));
        var found = new Dictionary<int, (int, int)>();
        foreach (var node in status.RootElement.GetProperty("nodes").EnumerateArray())
        {
            if (!node.GetProperty("shards").TryGetProperty(kind, out var place)) continue;
            var number = int.Parse(node.GetProperty("node").GetString()!.Split(':')[0].Split('.')[3], CultureInfo.InvariantCulture);
            found.Add(number, (place.GetProperty("shards").GetInt32(), place.GetProperty("entities").GetInt32()));
        }

        return found;
    }

    /// <summary>The one node that has entities of a kind, once those of conferences that are over are gone.</summary>
    public static async Task<int> OnlyHomeAsync(this ProcessCluster cluster, string kind, int asked)
    {
        List<int> homes = [];
        await cluster[asked].UntilAsync(
            async () => (homes = [.. (await cluster.ShardsAsync(kind, asked)).Where(s => s.Value.Entities > 0).Select(s => s.Key)]).Count == 1,
            $"one node that has a {kind}");
        return homes[0];
    }

    /// <summary><c>audit verify</c> says that all is well, as a node sees it; else what happened is told, step by step.</summary>
    public static async Task AuditIsCleanAsync(this ProcessCluster cluster, int asked)
    {
        var (exit, said) = await cluster.VerbAsync(asked, "audit", "verify");
        if (exit == 0) return;
        foreach (var line in said.Split('\n').Where(l => l.Contains("VIOLATION", StringComparison.Ordinal)))
            said += (await cluster.VerbAsync(asked, "audit", "show", line.Split(':')[0])).Output;
        Assert.Fail(said);
    }

    /// <summary>From now on all media of all nodes is seen.</summary>
    public static Task<PacketWatch> WatchPacketsAsync(this ProcessCluster cluster) => PacketWatch.StartAsync(cluster.MediaPorts.First, cluster.MediaPorts.Last);

    /// <summary>K6 for all that was seen: no index was used twice, and none came twice to whoever it was sent to. What was counted is returned.</summary>
    /// <param name="heard">Packets that the phones say they got: so many were there to be judged at least.</param>
    public static async Task<string> NoIndexIsUsedTwiceAsync(this PacketWatch watch, ulong heard) => NoIndexIsUsedTwice(await watch.StopAsync(), heard);

    /// <inheritdoc cref="NoIndexIsUsedTwiceAsync" />
    public static string NoIndexIsUsedTwice(IReadOnlyList<Datagram> packets, ulong heard)
    {
        var seen = KeyReuse.Of(packets);
        Assert.True(seen.Reuses.Count == 0, $"{seen}\n{string.Join('\n', seen.Reuses.Take(20))}");
        Assert.True(seen.Replays.Count == 0, $"{seen}\n{string.Join('\n', seen.Replays.Take(20))}");
        Assert.True(seen.Unread.Count == 0, $"{seen}\n{string.Join('\n', seen.Unread.Take(20))}");
        Assert.True(heard > 0 && (ulong)seen.Srtp >= heard && seen.Srtcp > 0 && seen.Named > 0, $"{heard} packets were heard, and seen were {seen}");
        return seen.ToString();
    }

    /// <summary>Calls until somebody is let in; how long that took.</summary>
    public static async Task<TimeSpan> UntilJoinedAsync(this ProcessCluster cluster, string conference, int node, double tone, TimeSpan patience)
    {
        var since = Stopwatch.StartNew();
        while (true)
        {
            var attempt = await cluster.CallAsync(conference, node, tone, "2s");
            if (attempt.Status == 200) return since.Elapsed - TimeSpan.FromSeconds(2);
            Assert.True(since.Elapsed < patience, $"nobody is let in for {since.Elapsed.TotalSeconds:0} s: {attempt}");
            await Task.Delay(LookAgain);
        }
    }

    private static bool HasHeard(JsonElement participant) =>
        participant.TryGetProperty("media", out var media) && media.ValueKind == JsonValueKind.Object && media.GetProperty("packetsSent").GetUInt64() > 50;
}

/// <summary>What a phone says of its call when that is over.</summary>
internal sealed record PhoneResult(JsonElement Report)
{
    public int Status => Report.GetProperty("status").GetInt32();

    /// <summary>us, peer and so on, as the program says.</summary>
    public string EndedBy => Report.GetProperty("endedBy").GetString()!;

    public double TalkSeconds => Report.GetProperty("talkSeconds").GetDouble();

    /// <summary>Milliseconds.</summary>
    public double LongestGap => Report.GetProperty("longestGapMilliseconds").GetDouble();

    public ulong Undecryptable => Report.GetProperty("undecryptable").GetUInt64();

    public ulong PacketsReceived => Report.GetProperty("packetsReceived").GetUInt64();

    /// <summary>Packets, RTP and RTCP, of an index that had come before or of one long ago.</summary>
    public ulong Replays => Report.GetProperty("replays").GetUInt64();

    /// <summary>How much less it was sent than there was time for, at one packet each 20 ms.</summary>
    public double MissingMilliseconds => Math.Max(0, (TalkSeconds * 1000) - (20.0 * PacketsReceived));

    /// <summary>The call lasted as long as its caller wanted.</summary>
    public bool WasKept => Status == 200 && EndedBy == "us";

    public override string ToString() => Report.ToString();
}
