using ConfCluster.Protocols.Keys.Rekeying;
using ConfCluster.Protocols.Sdp;

namespace ConfCluster.Protocols.Focus;

/// <summary>What the mixer is told of a leg whose offer is answered, or about to be.</summary>
internal static class LegAtMixer
{
    /// <summary>With copies of the keys, for the mixer to own.</summary>
    public static ParticipantEffect Media(Leg leg, ParticipantContext context) => leg.Keying == LegKeying.Switched
        ? new ParticipantEffect.SetForwarding(leg.Place.Mixer, leg.Remote!.ToForwarded(context.Id, leg.Generation))
        : new ParticipantEffect.SetLegMedia(leg.Place.Mixer, leg.Remote!.ToLegMedia(context.Id, leg.Generation, leg.Key));

    /// <summary>
    /// For an answer that is not acknowledged yet: the keys of its offer open packets from now on, since the peer may send as soon as it has the answer
    /// (RFC 3264 §6.1, RFC 4568 §5.1.2). It is sent nothing under a new key of ours before it has said that it has it.
    /// </summary>
    /// <param name="before">What it is sent media with until then; null: nothing.</param>
    public static ParticipantEffect Reception(Leg leg, Leg? before, ParticipantContext context)
    {
        if (leg.Keying == LegKeying.Switched)
        {
            var forwarded = leg.Remote!.ToForwarded(context.Id, leg.Generation - 1);
            return new ParticipantEffect.SetForwarding(leg.Place.Mixer, forwarded with { IsConfirmed = before is not null });
        }

        var media = leg.Remote!.ToLegMedia(context.Id, leg.Generation - 1, (before ?? leg).Key);
        return new ParticipantEffect.SetLegMedia(leg.Place.Mixer, media with { IsConfirmed = before is not null });
    }

    /// <summary>Whether the mixer has to hear of it: the peer's answer brought another address, direction, codec or key of its own.</summary>
    public static bool Differ(Leg before, Leg after)
    {
        AcceptedMedia a = before.Remote!, b = after.Remote!;
        var same = a with { Lines = b.Lines, Index = b.Index, Origin = b.Origin, CryptoTag = b.CryptoTag, Uplink = b.Uplink, Receive = b.Receive };
        var sameKeys = a.Uplink.Length == b.Uplink.Length;
        for (var i = 0; sameKeys && i < a.Uplink.Length; i++)
            sameKeys = a.Uplink[i].Mki == b.Uplink[i].Mki && a.Uplink[i].KeyAndSalt.FixedTimeEquals(b.Uplink[i].KeyAndSalt);
        return !sameKeys || !same.Equals(b) || !a.Receive.AsSpan().SequenceEqual(b.Receive.AsSpan());
    }
}
