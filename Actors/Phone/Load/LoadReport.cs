using System.Collections.Immutable;
using System.Globalization;
using ConfCluster.Protocols.Phone;

namespace ConfCluster.Actors.Phone.Load;

/// <summary>What one phone of a load did.</summary>
/// <param name="Failure">Why it never joined or did not stay; null: it did.</param>
/// <param name="Setup">From its INVITE to the 200; null: it never came.</param>
/// <param name="Stayed">Between its joining and its end.</param>
internal sealed record LegOutcome(string? Failure, TimeSpan? Setup, TimeSpan Stayed, PhoneStatistics Media, int TonesRight, int TonesWrong)
{
    /// <summary>Of the wrong half seconds: a packet was late or missing meanwhile.</summary>
    public int TonesInterrupted { get; init; }

    /// <summary>20 ms packets that should have come in that time, less a second for the beginning and the jitter of the end.</summary>
    public ulong Expected => (ulong)Math.Max(0, (Stayed - TimeSpan.FromSeconds(1)).TotalMilliseconds / 20);

    /// <summary>By gaps in the sequence numbers, or by what never came at all.</summary>
    public ulong Lost => Math.Max(Media.PacketsLost, Media.PacketsReceived < Expected ? Expected - Media.PacketsReceived : 0);
}

/// <summary>The node's own figures for the time of the load; lateness since its start.</summary>
public sealed record NodeFigures(
    double LatenessP99Milliseconds, double LatenessMaxMilliseconds, long Sent, long SendFailures, long Rebased, long AuthFailures)
{
    public NodeFigures Since(NodeFigures before) => this with
    {
        Sent = Sent - before.Sent,
        SendFailures = SendFailures - before.SendFailures,
        Rebased = Rebased - before.Rebased,
        AuthFailures = AuthFailures - before.AuthFailures,
    };

    /// <summary>Reads the text of /metrics; lanes are added up, of lateness the worst counts. Null: the figures are not there.</summary>
    public static NodeFigures? Read(string metrics)
    {
        ArgumentNullException.ThrowIfNull(metrics);
        var values = metrics.Split('\n').Where(l => l.StartsWith("confcluster_media_", StringComparison.Ordinal)).Select(Parse).ToList();
        if (!values.Exists(v => v.Name.StartsWith("confcluster_media_packets_sent", StringComparison.Ordinal))) return null;
        return new NodeFigures(
            Late("quantile=\"0.99\""), Late("quantile=\"1\""), Sum("packets_sent"), Sum("send_failures"), Sum("rebased"), Sum("auth_failures"));

        long Sum(string name) => (long)values.Where(v => v.Name == $"confcluster_media_{name}" || v.Name == $"confcluster_media_{name}_total").Sum(v => v.Value);

        double Late(string quantile) => Math.Round(1000 * values
            .Where(v => v.Name == "confcluster_media_tick_lateness_seconds" && v.Labels.Contains(quantile, StringComparison.Ordinal))
            .Select(v => v.Value).DefaultIfEmpty().Max(), 3);
    }

    /// <summary>NAME{LABELS} VALUE [TIME], as Prometheus writes it.</summary>
    private static (string Name, string Labels, double Value) Parse(string line)
    {
        var (open, close) = (line.IndexOf('{', StringComparison.Ordinal), line.LastIndexOf('}'));
        var name = open < 0 ? line.Split(' ')[0] : line[..open];
        var value = line[(open < 0 ? name.Length : close + 1)..].Trim().Split(' ')[0];
        _ = double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out var number);
        return (name, open < 0 ? "" : line[open..close], number);
    }
}

/// <summary>What came of a load; fields are plain, for a table or a JSON document.</summary>
/// <param name="Failures">Of calls, by reason.</param>
/// <param name="LegsWithLoss">Phones that missed packets.</param>
/// <param name="MostLost">By one phone.</param>
/// <param name="LongestGapMilliseconds">The longest time for which any phone had nothing to play, in ticks of 20 ms after its jitter buffer.</param>
/// <param name="Undecryptable">Packets under a key that the phone does not hold.</param>
/// <param name="ClockLateMilliseconds">How late the load's own ticks were at worst.</param>
/// <param name="TonesWrong">Half seconds in which a phone did not hear exactly the tones of the others.</param>
/// <param name="Node">Null: the node's metrics were not to be had.</param>
public sealed record LoadReport(
    string Conference, int Calls, int Joined, ImmutableSortedDictionary<string, int> Failures, double JoinsPerSecond, double SetupMedianMilliseconds,
    double SetupMaxMilliseconds, ulong PacketsSent, ulong PacketsReceived, ulong PacketsLost, int LegsWithLoss, ulong MostLost, int LegsWithGaps,
    double LongestGapMilliseconds, ulong AuthFailures, ulong Undecryptable, ulong Malformed, double ClockLateMilliseconds, int TonesRight, int TonesWrong,
    NodeFigures? Node)
{
    /// <summary>Of the wrong half seconds: those in which a packet was late or missing at the phone, or given up to keep the delay.</summary>
    public int TonesInterrupted { get; init; }

    /// <summary>Of the phones' longest gaps the median and the one that 99 of 100 do not exceed.</summary>
    public double MedianGapMilliseconds { get; init; }

    /// <inheritdoc cref="MedianGapMilliseconds"/>
    public double P99GapMilliseconds { get; init; }

    /// <summary>Two packets: a load that is later has sent late and heard late, and what its phones missed may be its own doing.</summary>
    public const double MostClockLateMilliseconds = 40;

    /// <summary>False: the load was late itself, and cannot judge a node.</summary>
    public bool IsJudge => ClockLateMilliseconds <= MostClockLateMilliseconds;

    /// <summary>Nobody failed, no packet was lost, everybody who checked heard what was to be heard, and the load was in time to see it.</summary>
    public bool Succeeded =>
        IsJudge && Joined == Calls && Failures.IsEmpty && PacketsLost == 0 && AuthFailures == 0 && Undecryptable == 0 && TonesWrong == 0
        && (Node is null || Node is { SendFailures: 0, Rebased: 0 });

    internal static LoadReport From(string conference, IReadOnlyList<LegOutcome> legs, TimeSpan joining, TimeSpan clockLate)
    {
        var setups = legs.Where(l => l.Setup is not null).Select(l => l.Setup!.Value.TotalMilliseconds).Order().ToArray();
        var failures = legs.Where(l => l.Failure is not null).GroupBy(l => l.Failure!).ToImmutableSortedDictionary(g => g.Key, g => g.Count());
        var gaps = legs.Select(l => l.Media.LongestGap.TotalMilliseconds).DefaultIfEmpty().Order().ToArray();
        var seconds = Math.Max(joining.TotalSeconds, 0.001);
        return new LoadReport(
            conference, legs.Count, setups.Length, failures, Math.Round(setups.Length / seconds, 1),
            setups.Length == 0 ? 0 : Math.Round(setups[setups.Length / 2], 1), setups.Length == 0 ? 0 : Math.Round(setups[^1], 1),
            Sum(l => l.Media.PacketsSent), Sum(l => l.Media.PacketsReceived), Sum(l => l.Lost), legs.Count(l => l.Lost > 0),
            legs.Select(l => l.Lost).DefaultIfEmpty().Max(), legs.Count(l => l.Media.Gaps > 0),
            gaps[^1], Sum(l => l.Media.AuthFailures), Sum(l => l.Media.UnknownMki),
            Sum(l => l.Media.Malformed),
            Math.Round(clockLate.TotalMilliseconds, 1), legs.Sum(l => l.TonesRight), legs.Sum(l => l.TonesWrong), null)
        {
            TonesInterrupted = legs.Sum(l => l.TonesInterrupted),
            MedianGapMilliseconds = gaps[gaps.Length / 2],
            P99GapMilliseconds = gaps[(int)(0.99 * gaps.Length)],
        };

        ulong Sum(Func<LegOutcome, ulong> figure) => legs.Aggregate(0UL, (sum, l) => sum + figure(l));
    }
}
