using ConfCluster.Protocols.Rtp;

namespace ConfCluster.Protocols.Srtp;

/// <summary>
/// For a source that runs already when it is first heard: no packet tells its ROC (RFC 3711 §3.3.1; RFC 4771 §1 has the problem). Tried are what was told of it, the
/// ROC after and the one before, and the first few; the tag decides. What that may cost is bounded: after <see cref="Patience"/> packets in a row that none opened
/// only one of <see cref="Rest"/> is tried further.
/// </summary>
public sealed class RolloverGuesses
{
    /// <summary>ROCs of one packet that are tried at most, beside the first guess.</summary>
    public const int Most = 6;

    /// <summary>Without being told: ROCs up to this one, more than an hour of packets of 20 ms.</summary>
    public const uint Untold = 3;

    /// <summary>Packets.</summary>
    public const int Patience = 64;

    /// <summary>Packets.</summary>
    public const int Rest = 16;

    private const int MaxTold = 64;

    private readonly Dictionary<Ssrc, PacketIndex> _told = [];
    private int _inVain;

    /// <summary>Packets of which more than one ROC was tried.</summary>
    public ulong Tried { get; private set; }

    /// <summary>How far somebody says that a source is, which nobody has proven; more than so many sources are not kept.</summary>
    public void Tell(Ssrc source, PacketIndex highest)
    {
        if (_told.Count < MaxTold || _told.ContainsKey(source)) _told[source] = highest;
    }

    /// <summary>The first guess of a source of which nothing authentic came.</summary>
    public PacketIndex First(Ssrc source, ushort sequence)
    {
        if (!_told.TryGetValue(source, out var told)) return new PacketIndex(0, sequence);
        var near = PacketIndex.Estimate(told, sequence);
        return near.IsBeforeStart(told) ? new PacketIndex(0, sequence) : near;
    }

    /// <summary>Other ROCs for a packet whose first guess was wrong.</summary>
    /// <returns>How many; 0: it is not worth it any more.</returns>
    public int Others(uint first, Span<uint> into)
    {
        if (_inVain >= Patience && _inVain++ % Rest != 0) return 0;
        Tried++;
        var count = 0;
        Add(first + 1, into);
        if (first > 0) Add(first - 1, into);
        for (uint roc = 0; roc <= Untold; roc++) Add(roc, into);
        return count;

        void Add(uint roc, Span<uint> rocs)
        {
            if (roc != first && count < rocs.Length && !rocs[..count].Contains(roc)) rocs[count++] = roc;
        }
    }

    /// <summary>Whether one of them was right.</summary>
    public void Settle(bool found) => _inVain = found ? 0 : Math.Max(1, _inVain < Patience ? _inVain + 1 : _inVain);
}
