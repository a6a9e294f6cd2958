using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using ConfCluster.Protocols.Codecs;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.KeyManagement;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Keys.Rekeying;
using ConfCluster.Protocols.Mikey.Exchanges;
using ConfCluster.Protocols.Sdp;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Srtp;

namespace ConfCluster.Protocols.Focus;

/// <summary>
/// Offer and answer of a participant's leg: bodies to <see cref="OfferAnswer"/> and back, and which key of ours goes into which SDP. Our
/// key stays as long as our address and the suite do (RFC 4568 §7.1.4). It has an MKI when the offer's keys have: most phones that never send one
/// accept it and then hear nothing, so our own first offers have none. Group keys stand beside it (<see cref="ToldKeys"/>). Streams without protection are
/// refused.
/// </summary>
internal static class LegNegotiation
{
    private const uint FirstVersion = 1;

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
            if (current?.Mikey is not { } mikey) return TryOffer(session!, current, context, out offer, out detail);
            if (!MikeyNegotiation.TryRead(session!, current, isOffer: true, context, ref mikey, out var readable, out detail)) return false;
            using (readable)
            {
                if (!TryOffer(readable!, current, context, out offer, out detail)) return false;
                offer = offer! with { Mikey = mikey };
                var wrong = MikeyNegotiation.Check(offer, current, mikey);
                if (wrong == ExchangeError.None) return true;
                offer.Dispose();
                (offer, detail) = (null, TicketArrival.Warning(wrong));
                return false;
            }
        }
    }

    /// <summary>An offer whose keys can be read.</summary>
    public static bool TryOffer(SessionDescription session, Leg? current, ParticipantContext context, out LegOffer? offer, out string detail)
    {
        offer = null;
        // The ports are there already, so the family stays.
        var ours = current is null ? context.Settings.Media : context.Settings.Media with { Families = [current.Place.Rtp.Family] };
        if (!TryMedia(OfferAnswer.Examine(session, ours, History(current)), out var media, out detail)) return false;
        if (current is not null && LosesMki(media!, current))
        {
            media!.Dispose();
            detail = Warning(399, "The group key has an MKI, and the offer has none any more");
            return false;
        }

        offer = new LegOffer(media!, WithoutKeys(session));
        return true;
    }

    /// <summary>The first answer. <paramref name="group"/>: what it tells beside the leg's own key.</summary>
    /// <param name="keying">What the peer is told to send under.</param>
    public static Leg Answer(LegOffer offer, LegPlace place, GroupKey? group, LegKeying keying, ParticipantContext context)
    {
        var key = offer.PreShared?.Opening.Ours ?? NewKey(offer.Media, offer.Media.MkiLength > 0, 1, context);
        ImmutableArray<GroupKey> shared = group is null ? [] : [group];
        using var told = ToldKeys.Of(shared, key);
        var local = OfferAnswer.Answer(offer.Media, new LocalMedia(FirstOrigin(place, context), place.Rtp, place.Rtcp, told.Keys));
        var leg = new Leg(place, [key], offer.Media, offer.Text, local, LocalIsAnswer: true, SdpBody.Nothing, Generation: 2)
        {
            Group = shared,
            Keying = keying,
            RegisteredSsrc = MikeyNegotiation.SharesUplink(keying) ? offer.Ticket!.Arrival.PeerSsrc : 0,
        };
        return offer switch
        {
            { Ticket: { } ticket } => MikeyNegotiation.Answer(leg, ticket, context),
            { PreShared: { } opened } => MikeyNegotiation.Answer(leg, opened),
            _ => leg with { Sent = Octets(local) },
        };
    }

    /// <summary>The peer has it, for the same suite, and there is no MKI in our packets that this offer's author would not look for.</summary>
    public static bool KeepsKey(LegOffer offer, Leg leg) =>
        leg.Remote is not null && leg.Key.Profile == offer.Media.Profile && (!leg.Key.Mki.IsPresent || offer.Media.MkiLength > 0);

    /// <summary>
    /// A later answer. An unchanged o= says that nothing changed (RFC 3264 §8): then the previous answer goes out again and no key is
    /// touched. Takes <paramref name="offer"/> over.
    /// </summary>
    public static (Leg Leg, bool Changed) AnswerAgain(LegOffer offer, Leg leg, ParticipantContext context)
    {
        if ((leg.LocalIsAnswer || leg.Mikey is not null) && OfferAnswer.Compare(leg.Remote!.Origin, offer.Media.Origin) == OriginChange.Unchanged)
        {
            offer.Dispose();
            return (leg.LocalIsAnswer && leg.Mikey is null && !ToldPlace.IsNow(leg) ? AnswerHere(leg) : leg, false);
        }

        // In a group it stays with or without MKI, as the mixer does.
        var mki = leg.Group.IsEmpty ? offer.Media.MkiLength > 0 : leg.Key.Mki.IsPresent;
        var key = KeepsKey(offer, leg) ? leg.Key : NewKey(offer.Media, mki, leg.Generation + 1, context);
        var place = leg.Place;
        using var told = ToldKeys.Of(leg.Group, key);
        var answer = OfferAnswer.Answer(offer.Media, new LocalMedia(leg.Local.Origin, place.Rtp, place.Rtcp, told.Keys));
        var local = OfferAnswer.Numbered(leg.Local, answer);
        var next = new Leg(place, [key], offer.Media, offer.Text, local, LocalIsAnswer: true, leg.Sent, leg.Generation + 2)
        {
            Group = leg.Group,
            Keying = leg.Keying,
            Sends = leg.Sends,
            RegisteredSsrc = leg.RegisteredSsrc,
        };
        return (offer.Ticket is { } ticket
            ? MikeyNegotiation.Answer(next, ticket, context)
            : MikeyNegotiation.Written(next with { Mikey = offer.Mikey }, context), true);
    }

    /// <summary>RFC 3264 §8: also an offer that says nothing new may get another answer; nothing changes in it but where the leg is.</summary>
    private static Leg AnswerHere(Leg leg)
    {
        var stream = ToldPlace.StreamOf(leg);
        stream = stream with { Crypto = [.. stream.Crypto.Select(c => new CryptoAttribute(c.Tag, leg.Key.Profile, [.. c.Keys.Select(k => k.Copy())]))] };
        var local = OfferAnswer.Numbered(leg.Local, ToldPlace.Now(leg, stream));
        return leg with { Local = local, Sent = Octets(local) };
    }

    /// <summary>Our first offer, for an INVITE without one: a key of its own for every suite (RFC 4568 §6.1: unique in the SDP).</summary>
    /// <param name="granted">For a MIKEY message in it; null: none. Borrowed by the leg.</param>
    public static Leg Offer(LegPlace place, OfferGrant? granted, LegTerms terms, ParticipantContext context)
    {
        ImmutableArray<MasterKey> keys = [.. context.Settings.Media.Suites.Select(s => MasterKey.Generate(s, Mki.None, context.Random))];
        var lines = keys.Select((key, i) => new OfferedCrypto((uint)i + 1, [key]));
        var plan = OfferFormat.Plan(new OfferPlan(FirstOrigin(place, context), place.Rtp, place.Rtcp, [.. lines]), terms.Media, context);
        var local = OfferAnswer.CreateOffer(plan);
        var leg = new Leg(place, keys, null, "", local, LocalIsAnswer: false, SdpBody.Nothing, Generation: 0)
        {
            Keying = terms.Keying,
            RegisteredSsrc = terms.Uplink,
        };
        return granted is null ? leg with { Sent = Octets(local) } : MikeyNegotiation.Offer(leg, granted, terms, context);
    }

    /// <summary>The answer in an ACK, or in a response to an INVITE of ours (RFC 3261 §13.2.1); its suite tells which of our keys is in use.</summary>
    public static bool TryAccept(SipMessage ack, Leg leg, ParticipantContext context, out Leg next)
    {
        next = leg;
        if (!RequestRules.TryBody(ack, out var body, out _) || !SdpReader.TryRead(body.Span, out var session, out _)) return false;
        using (session)
        {
            if (leg.Ticket is { } ticket) return TryFirst(session!, leg, ticket, context, out next);
            if (leg.Mikey is not { } mikey) return TryAnswer(session!, leg, context, out next);

            // RFC 4568 §7.5: never both in an answer.
            if (session!.Media.Any(m => !m.Crypto.IsEmpty) || !MikeyNegotiation.TryRead(session, leg, isOffer: false, context, ref mikey, out var readable, out _))
                return false;
            using (readable) return TryAnswer(readable!, leg with { Mikey = mikey }, context, out next);
        }
    }

    /// <summary>To an offer with a ticket in it.</summary>
    private static bool TryFirst(SessionDescription session, Leg leg, TicketOffer ticket, ParticipantContext context, out Leg next)
    {
        next = leg;
        if (!MikeyNegotiation.IsAnswer(ticket, session, out var isKeyed)) return false;
        if (!isKeyed) return TryAnswer(session, leg with { Ticket = null }, context, out next) || Back(leg, out next);
        if (MikeyNegotiation.Agreed(leg, ticket, session, context, out var readable) is not { } agreed) return false;
        using (readable)
        {
            if (TryAnswer(readable!, agreed with { Ticket = null }, context, out next))
            {
                if (MikeyNegotiation.Keeps(next, ticket.Terms)) return true;
                next.Remote!.Dispose();
            }
        }

        agreed.Mikey!.Secret.Dispose();
        return Back(leg, out next);
    }

    private static bool Back(Leg leg, out Leg next)
    {
        next = leg;
        return false;
    }

    private static bool TryAnswer(SessionDescription session, Leg leg, ParticipantContext context, out Leg next)
    {
        next = leg;
        if (!TryMedia(OfferAnswer.ExamineAnswer(leg.Local, session, context.Settings.Media), out var media, out _)) return false;
        var isTaken = leg.Mikey is { } mikey && MikeyNegotiation.NamesOurs(mikey, media!, !leg.Group.IsEmpty, leg.Keys.AsSpan());
        if (isTaken || ToldKeys.AreRepeated(media!, leg.Keys, leg.Group))
        {
            media!.Dispose();
            return false;
        }

        var key = leg.Keys.First(k => k.Profile == media!.Profile);
        next = leg with { Keys = [key], Remote = media, RemoteText = WithoutKeys(session), Generation = leg.Generation + 1 };
        return true;
    }

    /// <summary>RFC 3261 §20.43: code, agent, quoted text.</summary>
    public static string Warning(int code, string text)
    {
        var quoted = text.Replace("\\", @"\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal);
        return string.Create(CultureInfo.InvariantCulture, $"{code} confcluster \"{quoted}\"");
    }

    /// <summary>An MKI names one key of this leg for ever: the number of the offer and answer that brought it, and none of the peer's.</summary>
    private static MasterKey NewKey(AcceptedMedia offered, bool mki, long number, ParticipantContext context)
    {
        while (mki && offered.Uplink.Any(k => k.Mki == GroupKey.OwnMki(number))) number += 1 << 16;
        return MasterKey.Generate(offered.Profile!, mki ? GroupKey.OwnMki(number) : Mki.None, context.Random);
    }

    /// <summary>The mixer's packets have an MKI, which the author of such an offer would not look for.</summary>
    private static bool LosesMki(AcceptedMedia offered, Leg leg) => !leg.Group.IsEmpty && leg.Key.Mki.IsPresent && offered.MkiLength == 0;

    /// <summary>For the journal: what offer and answer said, and no secret of it.</summary>
    public static string WithoutKeys(SessionDescription session) =>
        Encoding.UTF8.GetString(SdpWriter.ToBytes(session with
        {
            Media = [.. session.Media.Select(m => m with { Crypto = [], KeyManagement = [] })],
            KeyManagement = [],
        }));

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
        leg is null ? MediaHistory.None : new MediaHistory(leg.Remote?.Lines ?? leg.Local.Lines, ToldKeys.All(leg.Keys, leg.Group));

    /// <summary>RFC 4566 §5.2: unique for this session on this host; random does it (RFC 3264 §5: below 2^62).</summary>
    private static SdpOrigin FirstOrigin(LegPlace place, ParticipantContext context)
    {
        Span<byte> id = stackalloc byte[8];
        context.Random(id);
        return SdpOrigin.Of(System.Buffers.Binary.BinaryPrimitives.ReadUInt64BigEndian(id) >> 2, FirstVersion, place.Rtp);
    }

    internal static SdpBody Octets(SessionDescription session) => new(new SipBody(SdpWriter.ToBytes(session)));
}
