using ConfCluster.Protocols.Mixing;

namespace ConfCluster.Actors.Media;

/// <summary>A lane's counters: written by its thread, read by anybody.</summary>
internal sealed class LaneCounters
{
    private long _in;
    private long _out;
    private long _sendFailures;
    private long _cut;
    private long _ticks;
    private long _rebased;
    private long _tickedAt;
    private LegTally.Sums _ended;
    private LegTotals _totals = LegTotals.None;
    private IReadOnlyDictionary<StreamName, StreamWork> _streams = new Dictionary<StreamName, StreamWork>();
    private int _mixers;
    private int _legs;

    public LatenessHistogram Lateness { get; } = new();

    public bool RealTime { get; set; }

    public bool Failed { get; set; }

    public int Mixers => Volatile.Read(ref _mixers);

    public int Legs => Volatile.Read(ref _legs);

    public void Received() => Volatile.Write(ref _in, _in + 1);

    public void Sent(bool done)
    {
        if (done) Volatile.Write(ref _out, _out + 1);
        else Volatile.Write(ref _sendFailures, _sendFailures + 1);
    }

    public void WasCut() => Volatile.Write(ref _cut, _cut + 1);

    /// <summary>When it last did, by the lane's clock; null: not yet.</summary>
    public TimeSpan? TickedAt => Volatile.Read(ref _tickedAt) is > 0 and var at ? new TimeSpan(at) : null;

    public void Ticked(TimeSpan lateness, TimeSpan now)
    {
        Volatile.Write(ref _tickedAt, now.Ticks);
        Lateness.Record(lateness);
        Volatile.Write(ref _ticks, _ticks + 1);
    }

    public void WasRebased() => Volatile.Write(ref _rebased, _rebased + 1);

    public void Ended(in LegStatistics leg) => _ended.Add(leg);

    /// <param name="present">Of the legs that are there; the counters of those that ended are added here.</param>
    /// <param name="streams">Of all mixers that ever were.</param>
    public void Holds(LegTotals present, IReadOnlyDictionary<StreamName, StreamWork> streams)
    {
        Volatile.Write(ref _totals, _ended.AddedTo(present));
        Volatile.Write(ref _streams, streams);
    }

    public void Holds(int mixers, int legs)
    {
        Volatile.Write(ref _mixers, mixers);
        Volatile.Write(ref _legs, legs);
    }

    public LaneSnapshot Snapshot(int number) => new(
        number, Failed, RealTime, Mixers, Legs, Volatile.Read(ref _in), Volatile.Read(ref _out), Volatile.Read(ref _sendFailures), Volatile.Read(ref _cut),
        Volatile.Read(ref _ticks), Volatile.Read(ref _rebased), Lateness.Quantile(0.5), Lateness.Quantile(0.99), Lateness.Max)
    {
        LateTicks = Lateness.LongerThan(LaneSnapshot.Late),
        Media = Volatile.Read(ref _totals),
        Streams = Volatile.Read(ref _streams),
    };
}
