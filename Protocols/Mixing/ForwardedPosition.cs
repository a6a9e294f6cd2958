using System.Collections.Immutable;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Srtp;

namespace ConfCluster.Protocols.Mixing;

/// <summary>
/// How far a source is whose packets are forwarded unopened: SEQ as it says, and how often that wrapped. It is as RFC 3711 §3.3.1 estimates, but of packets that
/// nobody here can authenticate.
/// </summary>
internal sealed class ForwardedPosition
{
    private Ssrc _source;
    private PacketIndex? _highest;
    private PacketIndex? _told;

    /// <param name="resumes">Where another node was with it; default: nowhere.</param>
    public void Begin(Ssrc source, ImmutableArray<UplinkIndex> resumes)
    {
        if (source != _source) (_source, _highest, _told) = (source, null, null);
        if (resumes.IsDefault) return;
        foreach (var index in resumes)
            if (index.Source == source && !(_highest >= new PacketIndex(index.Highest)))
                _highest = new PacketIndex(index.Highest);
    }

    public void Count(ushort sequence)
    {
        if (_highest is not { } highest)
        {
            _highest = new PacketIndex(0, sequence);
            return;
        }

        var index = PacketIndex.Estimate(highest, sequence);
        if (!index.IsBeforeStart(highest) && index > highest) _highest = index;
    }

    /// <summary>Worth telling as of <see cref="UplinkNews"/>.</summary>
    public ImmutableArray<UplinkIndex> TakeNews(bool all)
    {
        if (_highest is not { } highest) return [];
        if (!all && _told is { } told && told.Roc == highest.Roc && highest.Value < told.Value + UplinkNews.Step) return [];
        _told = highest;
        return [new UplinkIndex(_source, highest.Value)];
    }
}
