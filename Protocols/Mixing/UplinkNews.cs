using System.Collections.Immutable;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Srtp;

namespace ConfCluster.Protocols.Mixing;

/// <summary>
/// When it is worth telling how far a leg's sources have come: a new source, a new ROC, or <see cref="Step"/> packets more. So whoever takes over may take
/// once more fewer than that many packets, and those that came since the last report; the ROC is right as long as no more than 2^15 are missing.
/// </summary>
internal sealed class UplinkNews
{
    /// <summary>Packets: some two and a half seconds.</summary>
    public const ulong Step = 128;

    private readonly Dictionary<Ssrc, PacketIndex> _told = [];

    /// <summary>All sources, or nothing when there is no news.</summary>
    /// <param name="all">Also without news.</param>
    public ImmutableArray<UplinkIndex> Take(UplinkKeys keys, bool all)
    {
        Span<(Ssrc Source, PacketIndex Highest)> sources = stackalloc (Ssrc, PacketIndex)[UplinkKeys.MaxSources];
        sources = sources[..keys.CopyHighest(sources)];
        if (!all && !HasNews(sources)) return [];
        _told.Clear();
        var indices = ImmutableArray.CreateBuilder<UplinkIndex>(sources.Length);
        foreach (var (source, highest) in sources)
        {
            _told[source] = highest;
            indices.Add(new UplinkIndex(source, highest.Value));
        }

        return indices.MoveToImmutable();
    }

    private bool HasNews(ReadOnlySpan<(Ssrc Source, PacketIndex Highest)> sources)
    {
        foreach (var (source, highest) in sources)
            if (!_told.TryGetValue(source, out var told) || told.Roc != highest.Roc || highest.Value >= told.Value + Step)
                return true;
        return false;
    }
}
