using System.Net;

namespace ConfCluster.Actors.Nodes.Links;

/// <summary>
/// Who has called and not proved yet that it is a node: so many at a time, and not more than a few from one address, so that a stranger who calls and says nothing keeps
/// nobody out. When there is no room, whoever stands there longest has to go, unless all have just come. For any thread.
/// </summary>
internal sealed class Doorstep(TimeProvider clock)
{
    /// <summary>More nodes at once than a cluster has.</summary>
    public const int Room = 64;

    /// <summary>A node calls once; several of one machine share its address in trials.</summary>
    public const int RoomForOne = 16;

    /// <summary>So long a handshake may take in peace.</summary>
    public static readonly TimeSpan Peace = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private readonly LinkedList<Caller> _callers = [];

    public int Count
    {
        get
        {
            lock (_lock) return _callers.Count;
        }
    }

    /// <summary>False: there is no room, and the caller is to call again.</summary>
    /// <param name="limit">Cancelled when it has to go for another one.</param>
    public bool TryEnter(IPAddress from, CancellationTokenSource limit)
    {
        lock (_lock)
        {
            if (!HasRoom(_callers.Where(c => c.From.Equals(from)), RoomForOne) || !HasRoom(_callers, Room)) return false;
            _callers.AddLast(new Caller(from, limit, clock.GetTimestamp()));
            return true;
        }
    }

    /// <summary>It is a node, or gone. Afterwards its limit is not touched any more.</summary>
    public void Leave(CancellationTokenSource limit)
    {
        lock (_lock)
        {
            if (_callers.FirstOrDefault(c => c.Limit == limit) is { } caller) _callers.Remove(caller);
        }
    }

    private bool HasRoom(IEnumerable<Caller> callers, int room)
    {
        if (callers.Count() < room) return true;
        var oldest = callers.First();
        if (clock.GetElapsedTime(oldest.Since) < Peace) return false;
        _callers.Remove(oldest);
        // Not here: whoever waits for it would run inside the lock.
        oldest.Limit.CancelAfter(TimeSpan.Zero);
        return true;
    }

    private sealed record Caller(IPAddress From, CancellationTokenSource Limit, long Since);
}
