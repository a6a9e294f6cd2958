using System.Collections.Immutable;
using ConfCluster.Protocols.Codecs;
using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Rtp;

namespace ConfCluster.Protocols.Sdp;

/// <summary>What RFC 3264 §7 and RFC 4568 §5.1.3, §7.1.2, §7.1.3 ask of an answer to an offer of ours.</summary>
internal static class AnswerReading
{
    public static OfferVerdict Examine(SessionDescription offer, SessionDescription answer, MediaCapabilities ours)
    {
        // RFC 3264 §6: as many m= lines as the offer, in its order.
        if (answer.Media.Length != offer.Media.Length) return StreamTerms.Refuse(399, "The answer has another number of m= lines than the offer");
        var index = 0;
        while (offer.Media[index].Line.IsRejected) index++;
        var offered = offer.Media[index];
        var media = answer.Media[index];
        if (!media.Line.IsAudio || media.Line.Protocol != offered.Line.Protocol) return StreamTerms.Refuse(302, "The answer changes medium or transport");
        if (media.Line.IsRejected) return StreamTerms.Refuse(304, "The audio stream is rejected");

        var refusal = Crypto(offered, media, ours, out var crypto);
        if (refusal is not null) return refusal;
        var offers = StreamTerms.CodecsOf(offered, ours);
        ImmutableArray<OfferedCodec> answers = [.. StreamTerms.CodecsOf(media, ours).Where(a => offers.Any(o => o.Codec == a.Codec))];
        if (answers is not [var (codec, payloadType), ..]) return StreamTerms.Refuse(305, "The answer has no codec of the offer");

        var mux = offered.RtcpMux && media.RtcpMux;
        // Our port is of the family that we offered.
        var family = StreamTerms.FamilyOf(offer, offered, MediaAddress.None);
        refusal = StreamTerms.Addresses(answer, media, mux, [family], out var rtp, out var rtcp);
        if (refusal is not null) return refusal;

        var theirs = StreamTerms.DirectionFor(answer, media);
        var asked = StreamTerms.DirectionFor(offer, offered);
        // The offer's direction was ours: what it did not ask for cannot come of the answer (RFC 3264 §6.1).
        var direction = new MediaDirection(theirs.Send && asked.Receive && rtp.IsPresent, theirs.Receive && asked.Send);
        var (events, eventRate) = StreamTerms.TelephoneEventOf(media, codec);
        return new OfferVerdict.Acceptable(new AcceptedMedia(
            index, answer.Lines, answer.Origin, rtp, rtcp, mux, codec, payloadType, events, direction,
            StreamTerms.PacketTimeOf(media), crypto?.Tag ?? 0, crypto?.Profile, [.. (crypto?.Keys ?? []).Select(k => k.Copy())])
        {
            TelephoneEventRate = eventRate,
            Receive = Receivable(offers, answers),
            Extensions = ExtensionTerms.Agreed(offered, answer, media, ours.Levels),
            Levels = ours.Levels,
            Family = family,
        });
    }

    private static OfferVerdict.Refused? Crypto(MediaDescription offered, MediaDescription media, MediaCapabilities ours, out CryptoAttribute? crypto)
    {
        crypto = null;
        if (!media.Line.IsSecureRtp) return ours.RequireProtection ? StreamTerms.Refuse(302, "The answer is not protected") : null;
        // RFC 4568 §7.5: one keying per stream; §5.1.2: exactly one line.
        if (media.HasKeyManagement) return StreamTerms.Refuse(306, "The answer has a=key-mgmt, which was not offered");
        if (media.Crypto.Length != 1) return StreamTerms.Refuse(306, "The answer needs exactly one a=crypto line (RFC 4568 §5.1.2)");
        var answered = media.Crypto[0];
        if (!answered.IsUsable) return StreamTerms.Refuse(306, $"The answer's a=crypto {CryptoRefusal.Of(answered.Error)}");

        // RFC 4568 §5.1.3: tag and suite are of one line of the offer; a phone was seen to answer with a suite that nobody had offered.
        if (!offered.Crypto.Any(c => c.Tag == answered.Tag && c.Profile == answered.Profile))
            return StreamTerms.Refuse(306, "The answer's a=crypto has no tag and suite of the offer (RFC 4568 §5.1.3)");
        if (answered.Unprotected != Unprotected.None) return StreamTerms.Refuse(306, "The answer switches protection off, which was not offered");

        // RFC 4568 §7.1.2: the answer's keys differ from those of the whole offer.
        if (offered.Crypto.Any(o => o.Keys.Any(answered.Repeats))) return StreamTerms.Refuse(306, "The answer repeats a key of the offer (RFC 4568 §7.1.2)");
        crypto = answered;
        return null;
    }

    /// <summary>
    /// RFC 3264 §5.1, §6.1: the peer sends under the payload types of our offer; those of its answer, where they differ, name the same
    /// codecs and cannot mean anything else.
    /// </summary>
    private static ImmutableArray<OfferedCodec> Receivable(ImmutableArray<OfferedCodec> offers, ImmutableArray<OfferedCodec> answers) =>
        [.. offers.Where(o => answers.Any(a => a.Codec == o.Codec)), .. answers.Where(a => offers.All(o => o.PayloadType != a.PayloadType))];
}
