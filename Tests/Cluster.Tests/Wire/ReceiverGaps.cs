namespace ConfCluster.Cluster.Tests.Wire;

/// <summary>
/// How evenly RTP came to each receiver, by the clock of the capture: how late the receiver's own process was does not count. The time between two packets, which is
/// 20 ms where nothing is missing.
/// </summary>
internal sealed class ReceiverGaps
{
    private const int RtpHeader = 12;

    /// <summary>Who got fewer was hardly in a call.</summary>
    private const int Enough = 50;

    private ReceiverGaps(IReadOnlyList<TimeSpan> longest, IReadOnlyList<TimeSpan> atChange) => (Longest, AtChange) = (longest, atChange);

    /// <summary>Of each receiver the longest, in their order.</summary>
    public IReadOnlyList<TimeSpan> Longest { get; }

    /// <summary>Of each receiver that another node sent to from then on, the longest at such a change.</summary>
    public IReadOnlyList<TimeSpan> AtChange { get; }

    public override string ToString() =>
        $"longest time between two packets, {Text(Longest)}; from the last packet of one mixer to the first of the next, {Text(AtChange)}";

    /// <param name="nodes">UDP ports of the nodes; what goes there is nobody's hearing.</param>
    public static ReceiverGaps Of(IEnumerable<Datagram> datagrams, (int First, int Last) nodes)
    {
        var receivers = datagrams.Where(d => IsRtp(d) && (d.To.Port < nodes.First || d.To.Port > nodes.Last)).GroupBy(d => d.To)
            .Select(g => g.OrderBy(d => d.At).ToList()).Where(packets => packets.Count >= Enough).ToList();
        var changes = receivers.Select(packets => Steps(packets).Where(s => !s.From.From.Equals(s.To.From)).Select(s => s.To.At - s.From.At).DefaultIfEmpty().Max());
        return new ReceiverGaps(
            [.. receivers.Select(packets => Steps(packets).Max(s => s.To.At - s.From.At)).Order()], [.. changes.Where(c => c > TimeSpan.Zero).Order()]);
    }

    private static IEnumerable<(Datagram From, Datagram To)> Steps(List<Datagram> packets) => packets.Zip(packets.Skip(1));

    /// <summary>RFC 5761 §4.</summary>
    private static bool IsRtp(Datagram datagram) =>
        datagram.Payload is { Length: >= RtpHeader } packet && packet[0] >> 6 == 2 && packet[1] is not (>= 192 and <= 223);

    private static string Text(IReadOnlyList<TimeSpan> times) => times.Count == 0
        ? "none"
        : $"{times.Count} receivers: p50 {Ms(times, 0.5)}, p90 {Ms(times, 0.9)}, p99 {Ms(times, 0.99)}, most {Ms(times, 1)} ms";

    private static string Ms(IReadOnlyList<TimeSpan> times, double part) =>
        FormattableString.Invariant($"{times[Math.Min(times.Count - 1, (int)(part * times.Count))].TotalMilliseconds:0}");
}
