using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using ConfCluster.Protocols.Codecs;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Sdp;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Srtp;

namespace ConfCluster.Protocols.Focus;

/// <summary>
/// Offer and answer of a participant's leg: bodies to <see cref="OfferAnswer"/> and back, and which key of ours goes into which SDP. Our
/// key stays as long as our address and the suite do (RFC 4568 §7.1.4). It has an MKI when the offer's keys have: most phones that never send one
/// accept it and then hear nothing, so our own offers have none. Streams without protection are refused.
/// </summary>
internal static class LegNegotiation
{
    private const uint FirstVersion = 1;

    /// <summary>Octets of MKI in our packets.</summary>
    private const byte MkiLength = 4;

    /// <summary>Reads an offer. <paramref name="detail"/>: the reason phrase of a 400 or the Warning of a 488.</summary>
    public static bool TryExamine(
        SipBody body, Leg? current, ParticipantContext context, out LegOffer? offer, out ParticipantRefusal refusal, out string detail)
    {
        offer = null;
        refusal = ParticipantRefusal.BadSdp;
        if (!SdpReader.TryRead(body.Span, out var session, out var error))
        {
            detail = string.Create(CultureInfo.InvariantCulture, $"SDP {error}");
            return false;
        }

        using (session)
        {
            refusal = ParticipantRefusal.UnacceptableOffer;
            if (!TryMedia(OfferAnswer.Examine(session!, context.Settings.Media, History(current)), out var media, out detail)) return false;
            offer = new LegOffer(media!, WithoutKeys(session!));
            return true;
        }
    }

    /// <summary>The first answer.</summary>
    public static Leg Answer(LegOffer offer, LegPlace place, ParticipantContext context)
    {
        var key = NewKey(offer, 1, context);
        var local = OfferAnswer.Answer(offer.Media, new LocalMedia(FirstOrigin(place, context), place.Rtp, place.Rtcp, [key]));
        return new Leg(place, [key], offer.Media, offer.Text, local, LocalIsAnswer: true, Octets(local), Generation: 1);
    }

    /// <summary>Same suite, and no MKI in our packets that this offer's author would not look for.</summary>
    public static bool KeepsKey(LegOffer offer, Leg leg) =>
        leg.Key.Profile == offer.Media.Profile && (!leg.Key.Mki.IsPresent || offer.Media.MkiLength > 0);

    /// <summary>
    /// A later answer. An unchanged o= says that nothing changed (RFC 3264 §8): then the previous answer goes out again and no key is
    /// touched. Takes <paramref name="offer"/> over.
    /// </summary>
    public static (Leg Leg, bool Changed) AnswerAgain(LegOffer offer, Leg leg, ParticipantContext context)
    {
        if (leg.LocalIsAnswer && OfferAnswer.Compare(leg.Remote!.Origin, offer.Media.Origin) == OriginChange.Unchanged)
        {
            offer.Dispose();
            return (leg, false);
        }

        var key = KeepsKey(offer, leg) ? leg.Key : NewKey(offer, leg.Generation + 1, context);
        var place = leg.Place;
        var answer = OfferAnswer.Answer(offer.Media, new LocalMedia(leg.Local.Origin, place.Rtp, place.Rtcp, [key]));
        var local = OfferAnswer.Numbered(leg.Local, answer);
        var next = new Leg(place, [key], offer.Media, offer.Text, local, LocalIsAnswer: true, Octets(local), leg.Generation + 1);
        return (next, true);
    }

    /// <summary>Our first offer, for an INVITE without one: a key of its own for every suite (RFC 4568 §6.1: unique in the SDP).</summary>
    public static Leg Offer(LegPlace place, ParticipantContext context)
    {
        ImmutableArray<MasterKey> keys = [.. context.Settings.Media.Suites.Select(s => MasterKey.Generate(s, Mki.None, context.Random))];
        var lines = keys.Select((key, i) => new OfferedCrypto((uint)i + 1, [key]));
        var plan = new OfferPlan(FirstOrigin(place, context), place.Rtp, place.Rtcp, [.. lines])
        {
            Codecs = [.. context.Settings.Media.Codecs.Select(OfferedCodec.Of)],
            Extensions = OfferPlan.FirstExtensions(context.Settings.Media.Levels),
            Levels = context.Settings.Media.Levels,
        };
        var local = OfferAnswer.CreateOffer(plan);
        return new Leg(place, keys, null, "", local, LocalIsAnswer: false, Octets(local), Generation: 0);
    }

    /// <summary>For a re-INVITE without offer: what is in use, so that the version of o= stays when it was the last word, too.</summary>
    public static Leg OfferAgain(Leg leg, ParticipantContext context) => OfferAgain(leg, Mixing.MediaDirection.SendReceive, context);

    /// <summary>
    /// For a re-INVITE of ours that changes nothing (RFC 4028 §7.4): our last word again, with its o=. An answer has one suite and one
    /// codec, so it is an offer as it stands; an offer of ours may list suites whose keys are gone.
    /// </summary>
    public static Leg OfferUnchanged(Leg leg, ParticipantContext context) =>
        leg.LocalIsAnswer ? leg with { LocalIsAnswer = false } : OfferAgain(leg, leg.Remote!.Direction, context);

    private static Leg OfferAgain(Leg leg, Mixing.MediaDirection direction, ParticipantContext context)
    {
        var remote = leg.Remote!;
        var used = new OfferedCodec(remote.Codec, remote.PayloadType);
        var others = context.Settings.Media.Codecs
            .Where(c => c != remote.Codec)
            .Select(OfferedCodec.Of)
            .Where(c => c.PayloadType != remote.PayloadType && c.PayloadType != remote.TelephoneEvent);
        var offer = OfferAnswer.CreateOffer(
            new OfferPlan(leg.Local.Origin, leg.Place.Rtp, leg.Place.Rtcp, [new OfferedCrypto(remote.CryptoTag, [leg.Key])])
            {
                Codecs = [used, .. others],
                TelephoneEvent = remote.TelephoneEvent,
                TelephoneEventRate = remote.TelephoneEventRate,
                RtcpMux = remote.RtcpMux,
                Direction = direction,
                Extensions = remote.Extensions,
                Levels = remote.Levels,
                Lines = remote.Lines,
                Index = remote.Index,
            });
        var local = OfferAnswer.Numbered(leg.Local, offer);
        return leg with { Local = local, LocalIsAnswer = false, Sent = Octets(local) };
    }

    /// <summary>The answer in an ACK, or in a response to an INVITE of ours (RFC 3261 §13.2.1); its suite tells which of our keys is in use.</summary>
    public static bool TryAccept(SipMessage ack, Leg leg, ParticipantContext context, out Leg next)
    {
        next = leg;
        if (!RequestRules.TryBody(ack, out var body, out _) || !SdpReader.TryRead(body.Span, out var session, out _)) return false;
        using (session)
        {
            if (!TryMedia(OfferAnswer.ExamineAnswer(leg.Local, session!, context.Settings.Media), out var media, out _)) return false;
            var key = leg.Keys.First(k => k.Profile == media!.Profile);
            next = leg with { Keys = [key], Remote = media, RemoteText = WithoutKeys(session!), Generation = leg.Generation + 1 };
            return true;
        }
    }

    /// <summary>With copies of the keys, for the mixer to own.</summary>
    public static ParticipantEffect Media(Leg leg, ParticipantContext context) =>
        new ParticipantEffect.SetLegMedia(leg.Place.Mixer, leg.Remote!.ToLegMedia(context.Id, leg.Generation, leg.Key));

    /// <summary>RFC 3261 §20.43: code, agent, quoted text.</summary>
    public static string Warning(int code, string text)
    {
        var quoted = text.Replace("\\", @"\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal);
        return string.Create(CultureInfo.InvariantCulture, $"{code} confcluster \"{quoted}\"");
    }

    /// <summary>An MKI names one key of this leg for ever: the number of the offer and answer that brought it.</summary>
    private static MasterKey NewKey(LegOffer offer, long number, ParticipantContext context) =>
        MasterKey.Generate(offer.Media.Profile!, offer.Media.MkiLength > 0 ? new Mki((ulong)number, MkiLength) : Mki.None, context.Random);

    /// <summary>For the journal: what offer and answer said, and no secret of it.</summary>
    public static string WithoutKeys(SessionDescription session) =>
        Encoding.UTF8.GetString(SdpWriter.ToBytes(session with { Media = [.. session.Media.Select(m => m with { Crypto = [] })] }));

    /// <summary>Fail closed: a stream without keys is never acceptable here, whatever the capabilities say.</summary>
    private static bool TryMedia(OfferVerdict verdict, out AcceptedMedia? media, out string detail)
    {
        (media, detail) = (null, "");
        switch (verdict)
        {
            case OfferVerdict.Acceptable { Media.IsProtected: true } acceptable:
                media = acceptable.Media;
                return true;
            case OfferVerdict.Refused refused:
                detail = Warning(refused.WarningCode, refused.Text);
                return false;
            default:
                detail = Warning(302, "SRTP (RTP/SAVP with a=crypto) is required");
                return false;
        }
    }

    private static MediaHistory History(Leg? leg) =>
        leg is null ? MediaHistory.None : new MediaHistory(leg.Remote?.Lines ?? leg.Local.Lines, leg.Keys);

    /// <summary>RFC 4566 §5.2: unique for this session on this host; random does it (RFC 3264 §5: below 2^62).</summary>
    private static SdpOrigin FirstOrigin(LegPlace place, ParticipantContext context)
    {
        Span<byte> id = stackalloc byte[8];
        context.Random(id);
        return SdpOrigin.Of(System.Buffers.Binary.BinaryPrimitives.ReadUInt64BigEndian(id) >> 2, FirstVersion, place.Rtp);
    }

    private static SdpBody Octets(SessionDescription session) => new(new SipBody(SdpWriter.ToBytes(session)));
}
