namespace ConfCluster.Protocols.Rtp.Rtcp;

/// <summary>
/// What a peer says of the streams that we send it, in its report blocks, and the round trip that they tell (RFC 3550 §6.4.1). A mutable struct,
/// private state of its owner. It is the peer's word, and used for figures.
/// </summary>
public struct PeerReports
{
    /// <summary>Streams whose count is remembered: somebody may be sent one, another, and the first again.</summary>
    private const int Streams = 4;

    private (Ssrc Source, ulong Lost)[]? _counts;
    private int _oldest;

    /// <summary>Packets of ours that it misses, of all the streams it was sent.</summary>
    public ulong Lost { get; private set; }

    /// <summary>Of the last interval, in 1/256.</summary>
    public byte FractionLost { get; private set; }

    public TimeSpan Jitter { get; private set; }

    /// <summary>Null: no report answered a sender report of ours yet.</summary>
    public TimeSpan? RoundTrip { get; private set; }

    /// <param name="arrival">On the clock that stamps our sender reports.</param>
    /// <param name="clockRate">Timestamp units per second.</param>
    public void Take(in ReportBlock block, NtpTime arrival, int clockRate)
    {
        Count(block);
        FractionLost = block.FractionLost;
        Jitter = TimeSpan.FromSeconds(block.Jitter / (double)clockRate);
        RoundTrip = block.RoundTrip(arrival) ?? RoundTrip;
    }

    private void Count(in ReportBlock block)
    {
        _counts ??= new (Ssrc, ulong)[Streams];
        // RFC 3550 §6.4.1: duplicates make it negative.
        var lost = (ulong)Math.Max(0, block.CumulativeLost);
        foreach (ref var known in _counts.AsSpan())
        {
            if (known.Source != block.Source) continue;
            if (lost <= known.Lost) return;
            Lost += lost - known.Lost;
            known.Lost = lost;
            return;
        }

        Lost += lost;
        _counts[_oldest] = (block.Source, lost);
        _oldest = (_oldest + 1) % Streams;
    }
}
