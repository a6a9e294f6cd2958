using ConfCluster.Protocols.Sip.Transactions;

namespace ConfCluster.Actors.Sip;

/// <summary>
/// The timers of all transactions in one queue, looked at every tick: thousands of transactions per second need no timer of the actor
/// system each. A cancelled timer stays in the queue, disowned, until it is due or until the disowned are most of the queue.
/// </summary>
internal sealed class TransactionTimers(TimeProvider clock)
{
    private const int KeepUntil = 1024;

    private static readonly SipTimer[] All = Enum.GetValues<SipTimer>();

    private readonly PriorityQueue<(TransactionKey Key, SipTimer Timer, long Number), long> _queue = new();
    private readonly Dictionary<(TransactionKey Key, SipTimer Timer), long> _running = [];
    private long _number;

    public int Count => _running.Count;

    /// <summary>With the disowned.</summary>
    public int Queued => _queue.Count;

    /// <summary>Starts, or starts anew.</summary>
    public void Start(TransactionKey key, SipTimer timer, TimeSpan after)
    {
        if (_queue.Count > KeepUntil && _queue.Count > 4 * _running.Count) Compact();
        _running[(key, timer)] = ++_number;
        _queue.Enqueue((key, timer, _number), clock.GetTimestamp() + (long)(after.TotalSeconds * clock.TimestampFrequency));
    }

    public void Cancel(TransactionKey key, SipTimer timer) => _running.Remove((key, timer));

    /// <summary>The transaction is gone; whatever of its timers still runs is disowned.</summary>
    public void CancelAll(TransactionKey key)
    {
        foreach (var timer in All) _running.Remove((key, timer));
    }

    public bool TryTakeDue(out TransactionKey key, out SipTimer timer)
    {
        var now = clock.GetTimestamp();
        while (_queue.TryPeek(out var entry, out var due) && due <= now)
        {
            _queue.Dequeue();
            if (!IsOwned(entry)) continue;
            _running.Remove((entry.Key, entry.Timer));
            (key, timer) = (entry.Key, entry.Timer);
            return true;
        }

        (key, timer) = (default, default);
        return false;
    }

    private void Compact()
    {
        var owned = _queue.UnorderedItems.Where(i => IsOwned(i.Element)).ToArray();
        _queue.Clear();
        _queue.EnqueueRange(owned);
    }

    private bool IsOwned((TransactionKey Key, SipTimer Timer, long Number) entry) =>
        _running.TryGetValue((entry.Key, entry.Timer), out var number) && number == entry.Number;
}
