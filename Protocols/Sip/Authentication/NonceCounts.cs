namespace ConfCluster.Protocols.Sip.Authentication;

/// <summary>What a nonce count turned out to be.</summary>
public enum NonceUse : byte
{
    New,

    /// <summary>Seen before, or so old that it may have been.</summary>
    Repeated,

    /// <summary>Its nonce is older than what the table can still tell apart.</summary>
    Forgotten,
}

/// <summary>
/// The nonce counts that were used (RFC 7616 §3.4, §5.5), per nonce a window of 64, since requests overtake each other on UDP. Only a right
/// response gets here. The table is bounded: when it is full, the oldest nonce goes, and with it every nonce made no later that has no entry,
/// so nothing that was forgotten can be used twice; its owner is told that it is stale.
/// </summary>
public sealed class NonceCounts(int maxNonces)
{
    private const int Window = 64;

    private readonly Dictionary<NonceStamp, Use> _uses = [];
    private readonly PriorityQueue<NonceStamp, long> _oldest = new();
    private long _floor = long.MinValue;

    public int Count => _uses.Count;

    public NonceUse Take(NonceStamp nonce, uint count, DateTimeOffset now, TimeSpan lifetime)
    {
        Forget((now - lifetime).ToUnixTimeMilliseconds());
        if (!_uses.TryGetValue(nonce, out var use))
        {
            if (nonce.Milliseconds <= _floor) return NonceUse.Forgotten;
            _uses.Add(nonce, new Use(count, 1));
            _oldest.Enqueue(nonce, nonce.Milliseconds);
            if (_uses.Count > maxNonces) Drop();
            return NonceUse.New;
        }

        if (!use.TryTake(count, out var next)) return NonceUse.Repeated;
        _uses[nonce] = next;
        return NonceUse.New;
    }

    /// <summary>Those that have expired are refused by their age.</summary>
    private void Forget(long before)
    {
        while (_oldest.TryPeek(out var oldest, out var made) && made < before)
        {
            _oldest.Dequeue();
            _uses.Remove(oldest);
        }
    }

    private void Drop()
    {
        var oldest = _oldest.Dequeue();
        _uses.Remove(oldest);
        _floor = Math.Max(_floor, oldest.Milliseconds);
    }

    /// <summary>Bit n of <paramref name="Seen"/>: <paramref name="Highest"/> - n was used.</summary>
    private readonly record struct Use(uint Highest, ulong Seen)
    {
        public bool TryTake(uint count, out Use next)
        {
            next = this;
            if (count > Highest)
            {
                var step = count - Highest;
                next = new Use(count, step >= Window ? 1 : Seen << (int)step | 1);
                return true;
            }

            var back = Highest - count;
            if (back >= Window || (Seen >> (int)back & 1) != 0) return false;
            next = this with { Seen = Seen | 1UL << (int)back };
            return true;
        }
    }
}
