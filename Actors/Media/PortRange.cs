namespace ConfCluster.Actors.Media;

/// <summary>
/// The node's RTP ports: an even port for RTP and the next for RTCP (RFC 3550 §11). A freed pair rests for a while, so that packets of the
/// leg before do not reach the next one. Shared by the lanes.
/// </summary>
public sealed class PortRange
{
    /// <summary>How long a freed pair rests.</summary>
    public static readonly TimeSpan Quarantine = TimeSpan.FromSeconds(5);

    private readonly Lock _lock = new();
    private readonly Queue<(int Port, long FreeAt)> _free = new();
    private readonly TimeProvider _clock;

    public PortRange(int min, int max, TimeProvider clock)
    {
        _clock = clock;
        for (var port = min + (min & 1); port + 1 <= max; port += 2) _free.Enqueue((port, long.MinValue));
        Pairs = _free.Count;
    }

    public int Pairs { get; }

    /// <summary>The pair that has rested longest; false: all are in use or resting.</summary>
    public bool TryTake(out int port)
    {
        lock (_lock)
        {
            port = 0;
            if (!_free.TryPeek(out var next) || next.FreeAt > _clock.GetTimestamp()) return false;
            port = _free.Dequeue().Port;
            return true;
        }
    }

    /// <summary>Freed, or found in use by another program.</summary>
    public void Return(int port)
    {
        var rest = (long)(Quarantine.TotalSeconds * _clock.TimestampFrequency);
        lock (_lock) _free.Enqueue((port, _clock.GetTimestamp() + rest));
    }
}
