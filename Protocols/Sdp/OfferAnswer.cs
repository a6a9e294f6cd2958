using System.Collections.Immutable;
using ConfCluster.Protocols.Codecs;
using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Srtp;

namespace ConfCluster.Protocols.Sdp;

/// <summary>
/// The offer/answer model (RFC 3264) for one stream of audio under SDES keys (RFC 4568 §5.1, §7.1), with RFC 3605 and RFC 5761. Every other
/// stream is refused with port 0. Left out: preconditions, capability negotiation, groups, ICE, a=key-mgmt.
/// </summary>
public static class OfferAnswer
{
    /// <summary>Reads an offer. Takes the first audio stream that we can do; when there is none, says what is wrong with the first.</summary>
    public static OfferVerdict Examine(SessionDescription offer, MediaCapabilities ours, MediaHistory? history = null)
    {
        history ??= MediaHistory.None;
        // RFC 3264 §8: the number of m= lines never decreases.
        if (offer.Media.Length < history.Lines.Length) return StreamTerms.Refuse(399, "The offer has fewer m= lines than the one before");

        OfferVerdict.Refused? first = null;
        for (var i = 0; i < offer.Media.Length; i++)
        {
            if (!offer.Media[i].Line.IsAudio || offer.Media[i].Line.IsRejected) continue;
            var verdict = ExamineStream(offer, i, ours, history.Ours);
            if (verdict is not OfferVerdict.Refused refused) return verdict;
            first ??= refused;
        }

        return first ?? StreamTerms.Refuse(304, "No audio stream is offered");
    }

    /// <summary>
    /// Our answer. Its one a=crypto line has the tag and the suite of the accepted line and our keys (RFC 4568 §5.1.2); these have MKIs only
    /// if the offer's had. The direction is the offer's, mirrored (RFC 3264 §6.1).
    /// </summary>
    public static SessionDescription Answer(AcceptedMedia accepted, LocalMedia ours)
    {
        if (ours.Keys.Any(k => k.Mki.IsPresent) && accepted.MkiLength == 0) throw new InvalidOperationException("an MKI that was not offered");
        if (accepted.IsProtected == ours.Keys.IsEmpty) throw new InvalidOperationException("keys and protection disagree");
        if (accepted.Uplink.Any(theirs => ours.Keys.Any(k => k.KeyAndSalt.FixedTimeEquals(theirs.KeyAndSalt))))
            throw new InvalidOperationException("the answer must not repeat a key of the offer");

        var codec = new OfferedCodec(accepted.Codec, accepted.PayloadType);
        var events = new Events(accepted.TelephoneEvent, accepted.TelephoneEventRate);
        var stream = new MediaDescription
        {
            Line = accepted.Line with { Port = ours.Rtp.Port, Formats = [StreamTerms.Format(codec.PayloadType), .. events.Formats] },
            PacketTime = 20,
            Direction = StreamTerms.Written(accepted.Direction),
            Rtcp = accepted.RtcpMux ? null : RtcpOf(ours.Rtp, ours.Rtcp),
            RtcpMux = accepted.RtcpMux,
            RtpMaps = [StreamTerms.MapOf(codec), .. events.Maps],
            FormatParameters = [.. StreamTerms.ParametersOf([codec]), .. events.Parameters],
            Crypto = accepted.Profile is { } profile ? [new CryptoAttribute(accepted.CryptoTag, profile, Copies(ours.Keys))] : [],
            Other = ExtensionTerms.Written(accepted.Extensions, accepted.Levels, accepted.Direction),
        };
        return new SessionDescription
        {
            Origin = ours.Origin,
            Connection = SdpConnection.Of(ours.Rtp),
            Media = [.. accepted.Lines.Select((line, i) => i == accepted.Index ? stream : new MediaDescription { Line = line.Rejected })],
        };
    }

    /// <summary>An offer of ours: the first (also for an INVITE without offer), or in a dialog with its <see cref="OfferPlan.Lines"/>.</summary>
    public static SessionDescription CreateOffer(OfferPlan plan)
    {
        Events[] events = [new(plan.TelephoneEvent, plan.TelephoneEventRate), new(plan.WideTelephoneEvent, AudioFormat.Of(AudioCodec.Opus).ClockRate)];
        ImmutableArray<string> formats = [.. plan.Codecs.Select(c => StreamTerms.Format(c.PayloadType)), .. events.SelectMany(e => e.Formats)];
        var protocol = plan.Lines.IsEmpty ? plan.Crypto.IsEmpty ? "RTP/AVP" : "RTP/SAVP" : plan.Lines[plan.Index].Protocol;
        var stream = new MediaDescription
        {
            Line = new MediaLine("audio", plan.Rtp.Port, protocol, formats),
            PacketTime = plan.PacketTime,
            Direction = StreamTerms.Written(plan.Direction),
            // RFC 5761 §5.1.1: the port for the case that the answerer does not multiplex.
            Rtcp = RtcpOf(plan.Rtp, plan.Rtcp),
            RtcpMux = plan.RtcpMux,
            RtpMaps = [.. plan.Codecs.Select(StreamTerms.MapOf), .. events.SelectMany(e => e.Maps)],
            FormatParameters = [.. StreamTerms.ParametersOf(plan.Codecs), .. events.SelectMany(e => e.Parameters)],
            Crypto = [.. plan.Crypto.Select(c => new CryptoAttribute(c.Tag, c.Keys[0].Profile, Copies(c.Keys)))],
            Other = ExtensionTerms.Written(plan.Extensions, plan.Levels, plan.Direction),
        };
        var lines = plan.Lines.IsEmpty ? [stream.Line] : plan.Lines;
        return new SessionDescription
        {
            Origin = plan.Origin,
            Connection = SdpConnection.Of(plan.Rtp),
            Media = [.. lines.Select((line, i) => i == plan.Index ? stream : new MediaDescription { Line = line.Rejected })],
        };
    }

    /// <summary>
    /// Reads the answer to an offer of ours (RFC 3264 §7, RFC 4568 §5.1.3, §7.1.3). The keys of the accepted line of the offer, by
    /// <see cref="AcceptedMedia.CryptoTag"/>, are what we send with. Refused: the answer is none; the stream stays as it was before.
    /// </summary>
    public static OfferVerdict ExamineAnswer(SessionDescription offer, SessionDescription answer, MediaCapabilities ours) =>
        AnswerReading.Examine(offer, answer, ours);

    /// <summary>
    /// RFC 3264 §8: an unchanged version says that nothing changed, so it is no key action either; a new one differs from the last in
    /// its version alone. A jump of more than one is let through.
    /// </summary>
    public static OriginChange Compare(SdpOrigin previous, SdpOrigin next)
    {
        if (previous == next) return OriginChange.Unchanged;
        return next.Version > previous.Version && previous with { Version = next.Version } == next ? OriginChange.Changed : OriginChange.Violation;
    }

    /// <summary>
    /// RFC 3264 §8: the version of our o= grows by one when anything else differs from what we said before, keys included, and stays
    /// otherwise.
    /// </summary>
    public static SessionDescription Numbered(SessionDescription? previous, SessionDescription next)
    {
        if (previous is null) return next;
        var before = SdpWriter.ToBytes(previous);
        var same = next with { Origin = previous.Origin };
        var now = SdpWriter.ToBytes(same);
        var unchanged = System.Security.Cryptography.CryptographicOperations.FixedTimeEquals(before, now);
        System.Security.Cryptography.CryptographicOperations.ZeroMemory(before);
        System.Security.Cryptography.CryptographicOperations.ZeroMemory(now);
        return unchanged ? same : next with { Origin = previous.Origin.Next };
    }

    private static OfferVerdict ExamineStream(SessionDescription offer, int index, MediaCapabilities ours, ImmutableArray<MasterKey> ourKeys)
    {
        var media = offer.Media[index];
        if (Protection(media, ours) is { } unprotected) return unprotected;
        if (StreamTerms.CodecsOf(media, ours) is not [var (codec, payloadType), ..])
            return StreamTerms.Refuse(305, $"No codec of ours is offered ({string.Join(", ", ours.Codecs.Select(c => AudioFormat.Of(c).Encoding))})");

        var (events, eventRate) = StreamTerms.TelephoneEventOf(media, codec);
        // RFC 5761 §4: payload types 64 to 95 cannot be told from RTCP.
        var mux = media.RtcpMux && (payloadType is < 64 or > 95) && (events is null or < 64 or > 95);
        if (StreamTerms.Addresses(offer, media, mux, ours.Families, out var rtp, out var rtcp) is { } unreachable) return unreachable;

        // RFC 4568 §5.1.2: the first valid line that we support, in the offer's order.
        CryptoAttribute? crypto = null;
        if (media.Line.IsSecureRtp)
        {
            crypto = media.Crypto.FirstOrDefault(c => c is { IsUsable: true, Unprotected: Unprotected.None } && ours.Suites.Contains(c.Profile!));
            if (crypto is null) return StreamTerms.Refuse(306, CryptoRefusal.Reason(media));
            if (ourKeys.Any(crypto.Repeats)) return StreamTerms.Refuse(306, "a=crypto repeats a key of ours");
        }

        var direction = StreamTerms.DirectionFor(offer, media);
        return new OfferVerdict.Acceptable(new AcceptedMedia(
            index, offer.Lines, offer.Origin, rtp, rtcp, mux, codec, payloadType, events, rtp.IsPresent ? direction : direction with { Send = false },
            StreamTerms.PacketTimeOf(media), crypto?.Tag ?? 0, crypto?.Profile, Copies(crypto?.Keys ?? []))
        {
            TelephoneEventRate = eventRate,
            Extensions = ExtensionTerms.Agreed(offer, media, ours.Levels),
            Levels = ours.Levels,
            Family = StreamTerms.FamilyOf(offer, media, rtp),
        });
    }

    /// <summary>Fail closed: RTP/AVP is refused unless protection is not required. RFC 4568 §7.1.2: a=crypto on RTP/AVP means nothing.</summary>
    private static OfferVerdict.Refused? Protection(MediaDescription media, MediaCapabilities ours)
    {
        if (media.Line.IsSecureRtp) return null;
        if (!media.Line.IsPlainRtp) return StreamTerms.Refuse(302, $"Transport {media.Line.Protocol} is not available");
        return ours.RequireProtection ? StreamTerms.Refuse(302, "RTP/AVP is not available: SRTP (RTP/SAVP with a=crypto) is required") : null;
    }

    internal static RtcpAttribute? RtcpOf(MediaAddress rtp, MediaAddress rtcp) =>
        rtcp == rtp || rtcp.Port == rtp.Port + 1 || !rtcp.IsPresent ? null : new RtcpAttribute(rtcp.Port);

    private static ImmutableArray<MasterKey> Copies(ImmutableArray<MasterKey> keys) => [.. keys.Select(k => k.Copy())];

    /// <summary>telephone-event under a payload type, or nothing.</summary>
    private readonly record struct Events(byte? PayloadType, int ClockRate)
    {
        public ImmutableArray<string> Formats => PayloadType is { } type ? [StreamTerms.Format(type)] : [];

        public ImmutableArray<RtpMap> Maps => PayloadType is { } type ? [new RtpMap(type, "telephone-event", ClockRate)] : [];

        /// <summary>RFC 4733 §2.4.1: the DTMF events.</summary>
        public ImmutableArray<FormatParameters> Parameters => PayloadType is { } type ? [new FormatParameters(StreamTerms.Format(type), "0-15")] : [];
    }
}
