using ConfCluster.Protocols.Mixing;

namespace ConfCluster.Actors.Media;

/// <summary>A time that each leg has, over many legs: the mean and the longest.</summary>
public readonly record struct LegTimes(TimeSpan Mean, TimeSpan Longest);

/// <summary>What the legs of a lane count together: counters since the lane began, times and states of the legs that are there.</summary>
/// <param name="Lost">On the way here, by our own count.</param>
/// <param name="PeerLost">On the way there, by the peers' reports.</param>
/// <param name="WithoutMedia">Legs that should send, and from which nothing authentic comes.</param>
public sealed record LegTotals(
    long AuthFailures, long Lost, long PeerLost, long Concealed, long Undecoded, int WithoutMedia, LegTimes Jitter, LegTimes PeerJitter,
    LegTimes RoundTrip)
{
    public static readonly LegTotals None = new(0, 0, 0, 0, 0, 0, default, default, default);
}

/// <summary>Adds legs up; used by the lane's thread only, a few times each second.</summary>
internal sealed class LegTally
{
    private Sums _sums;
    private Mean _jitter;
    private Mean _peerJitter;
    private Mean _roundTrip;
    private int _missing;

    public void Begin() => (_sums, _jitter, _peerJitter, _roundTrip, _missing) = (default, default, default, default, 0);

    public void Add(in LegStatistics leg)
    {
        _sums.Add(leg);
        if (leg.PacketsReceived > 0) _jitter.Add(leg.Reception.JitterMicroseconds);
        if (leg.RtcpReceived > 0) _peerJitter.Add(leg.PeerReception.JitterMicroseconds);
        if (leg.RoundTripMicroseconds is { } trip) _roundTrip.Add(trip);
        if (leg.IsMediaMissing) _missing++;
    }

    public LegTotals Totals() => new(
        _sums.AuthFailures, _sums.Lost, _sums.PeerLost, _sums.Concealed, _sums.Undecoded, _missing, _jitter.Times, _peerJitter.Times, _roundTrip.Times);

    /// <summary>The counters of legs.</summary>
    internal struct Sums
    {
        public long AuthFailures;
        public long Lost;
        public long PeerLost;
        public long Concealed;
        public long Undecoded;

        public void Add(in LegStatistics leg)
        {
            AuthFailures += (long)leg.AuthFailures;
            Lost += (long)leg.PacketsLost;
            PeerLost += (long)leg.PeerReception.Lost;
            Concealed += (long)leg.Concealed;
            Undecoded += (long)leg.Undecoded;
        }

        public readonly LegTotals AddedTo(LegTotals totals) => totals with
        {
            AuthFailures = totals.AuthFailures + AuthFailures,
            Lost = totals.Lost + Lost,
            PeerLost = totals.PeerLost + PeerLost,
            Concealed = totals.Concealed + Concealed,
            Undecoded = totals.Undecoded + Undecoded,
        };
    }

    private struct Mean
    {
        private long _sum;
        private long _most;
        private int _count;

        public void Add(uint microseconds) => (_sum, _most, _count) = (_sum + microseconds, Math.Max(_most, microseconds), _count + 1);

        public readonly LegTimes Times =>
            _count == 0 ? default : new LegTimes(TimeSpan.FromMicroseconds(_sum / _count), TimeSpan.FromMicroseconds(_most));
    }
}
