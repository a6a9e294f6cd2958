using System.Security.Cryptography;

namespace ConfCluster.Protocols.Mikey.Exchanges;

/// <summary>
/// The authenticated initial messages of the time that clocks may differ (RFC 3830 §5.4). When it is full the oldest entry goes, and with
/// it everything as old: the skew shrinks, and no replay gets through. One owner.
/// </summary>
/// <param name="capacity">Entries at most.</param>
/// <param name="skew">How far a timestamp may be off our clock.</param>
public sealed class ReplayCache(int capacity, TimeSpan skew)
{
    private readonly SortedSet<(DateTimeOffset Time, Octets Hash)> _seen = new(Order.Instance);
    private DateTimeOffset _floor = DateTimeOffset.MinValue;

    public int Count => _seen.Count;

    /// <summary>After a loss of this cache, nothing older than the moment is taken (RFC 3830 §5.4).</summary>
    public void Forget(DateTimeOffset now)
    {
        _seen.Clear();
        _floor = now + skew;
    }

    /// <summary>Whether the message may be looked at further. Changes nothing.</summary>
    public ExchangeError Accepts(MikeyTime time, Octets message, DateTimeOffset now)
    {
        // RFC 6043 §4.2.1.5 allows counters; a clock is what bounds this cache.
        if (time.ToTime() is not { } at || (at - now).Duration() > skew) return ExchangeError.BadTimestamp;
        return at <= _floor || _seen.Contains((at, Hash(message))) ? ExchangeError.Replayed : ExchangeError.None;
    }

    /// <summary>Only after the MAC was found right.</summary>
    public void Commit(MikeyTime time, Octets message, DateTimeOffset now)
    {
        while (_seen.Count > 0 && _seen.Min.Time < now - skew) _seen.Remove(_seen.Min);
        if (_seen.Count == capacity)
        {
            _floor = _seen.Min.Time;
            _seen.RemoveWhere(e => e.Time <= _floor);
        }

        _seen.Add((time.ToTime()!.Value, Hash(message)));
    }

    private static Octets Hash(Octets message) => Octets.Own(SHA256.HashData(message.Span));

    private sealed class Order : IComparer<(DateTimeOffset Time, Octets Hash)>
    {
        public static readonly Order Instance = new();

        public int Compare((DateTimeOffset Time, Octets Hash) x, (DateTimeOffset Time, Octets Hash) y)
        {
            var byTime = x.Time.CompareTo(y.Time);
            return byTime != 0 ? byTime : x.Hash.Span.SequenceCompareTo(y.Hash.Span);
        }
    }
}
