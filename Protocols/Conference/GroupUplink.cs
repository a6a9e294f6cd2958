using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Keys.Rekeying;
using ConfCluster.Protocols.Rtp;

namespace ConfCluster.Protocols.Conference;

/// <summary>How a leg sends under the group's key, for a life of its participant that does not know.</summary>
/// <param name="Ssrc">That it registered.</param>
/// <param name="Media">The only format, where media is forwarded unopened; else empty.</param>
/// <param name="Epoch">The newest one, whose key or an older one's it sends under.</param>
public sealed record GroupUplink(LegKeying Keying, Ssrc Ssrc, string Media, KeyEpoch Epoch)
{
    /// <summary>Null: it sends under a key of its own.</summary>
    internal static GroupUplink? Of(Member member, ConferenceState state) => member.Keying is LegKeying.GroupBothWays or LegKeying.Switched
        ? new GroupUplink(member.Keying, member.Uplink, member.Media ?? "", state.LastEpoch)
        : null;
}
