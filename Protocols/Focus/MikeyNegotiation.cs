using System.Collections.Immutable;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.KeyManagement;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Keys.Rekeying;
using ConfCluster.Protocols.Mikey;
using ConfCluster.Protocols.Mikey.Exchanges;
using ConfCluster.Protocols.Sdp;
using ConfCluster.Protocols.Srtp;

namespace ConfCluster.Protocols.Focus;

/// <summary>
/// The MIKEY half of <see cref="LegNegotiation"/>: what stands in a=key-mgmt (RFC 4567) of a leg that is keyed so. Everything else of its offers and
/// answers is as with a=crypto.
/// </summary>
internal static class MikeyNegotiation
{
    /// <summary>The first answer to a ticket: the leg that has it.</summary>
    /// <param name="leg">With our SDP as it would be with a=crypto.</param>
    public static Leg Answer(Leg leg, OfferedTicket ticket, ParticipantContext context)
    {
        var (mikey, wire) = ticket.Arrival.Answer(ticket.Verified, leg.Local, First(leg), ssrc: 0, context.Exchange, Theirs(leg));
        return leg with { Mikey = mikey, Sent = LegNegotiation.Octets(wire) };
    }

    /// <summary>The first answer to an I_MESSAGE, which holds no key: both sides have theirs by its TGK (RFC 3830 §4.1.3).</summary>
    /// <param name="leg">With our SDP as it would be with a=crypto.</param>
    public static Leg Answer(Leg leg, OfferedPreShared opened)
    {
        var (mikey, wire) = opened.Arrival.Answer(opened.Opening, leg.Local, ssrc: 0);
        return leg with { Mikey = mikey, Sent = LegNegotiation.Octets(wire) };
    }

    /// <summary>What is wrong with a later offer beside its message.</summary>
    public static ExchangeError Check(LegOffer offer, Leg current, KeyedLeg mikey) =>
        NamesOurs(mikey, offer.Media, !current.Group.IsEmpty, current.Key) ? ExchangeError.TakenSpi
        : mikey.AnswersWithoutKeys && !LegNegotiation.KeepsKey(offer, current) ? ExchangeError.BadPolicies
        : ExchangeError.None;

    /// <summary>
    /// Our first offer with a ticket (RFC 6043 §4.2.2.1), which has a key of its own with an MKI; beside the a=crypto lines of <paramref name="leg"/>, or in
    /// their place.
    /// </summary>
    /// <param name="granted">Borrowed by the leg.</param>
    /// <param name="terms">As in <see cref="LegNegotiation.Offer"/>.</param>
    public static Leg Offer(Leg leg, OfferGrant granted, LegTerms terms, ParticipantContext context)
    {
        var suite = terms.Renewal?.Suite ?? MikeyTickets.SuiteOf(context.Settings.Media.Suites)!;
        var (name, stream) = (GroupKey.OwnMki(terms.Renewal?.Number ?? 1), KeyedSdp.StreamOf(leg.Local));

        // Under a pre-shared key the message says which key is ours (RFC 3830 §4.1.3), under a ticket we do.
        var call = granted.PreShared is { } shared ? PreSharedCall.Begin(shared.Psk, shared.Self, shared.Responder, suite, name, stream, 0, context.Exchange) : null;
        var key = call?.Ours.Copy() ?? MasterKey.Generate(suite, name, context.Random);
        var media = leg.Local.Media[stream] with { Crypto = [new CryptoAttribute(KeyedSdp.Tag, key.Profile, [key.Copy()])] };
        var local = leg.Local with { Media = leg.Local.Media.SetItem(stream, media) };
        var (offer, wire) = call is null ? Transfer(local, granted.Ticket!, terms, context) : (call, call.Written(local));
        var isAlone = context.Settings.Tickets == TicketOffers.Only || terms.Media is not null || terms.Renewal is not null;
        var ticket = new TicketOffer(offer, granted, key, local, wire, isAlone) { Terms = terms };
        if (!ticket.IsAlone) return leg with { Ticket = ticket, Sent = LegNegotiation.Octets(KeyedSdp.Beside(leg.Local, wire, stream)) };
        foreach (var unused in leg.Keys) unused.Dispose();
        leg.Local.Dispose();
        return leg with { Keys = [key], Local = local, Ticket = ticket, Sent = LegNegotiation.Octets(wire) };
    }

    private static (IKeyedOffer Offer, SessionDescription Wire) Transfer(
        SessionDescription local, GrantedKeys granted, LegTerms terms, ParticipantContext context)
    {
        var policy = granted.Ticket.Policy;
        return MikeyOffer.Begin(local, granted, policy.Initiator!.Value, policy.Responders.First(), 0, context.Exchange, terms.Uplink, terms.Renewal?.Under);
    }

    /// <summary>RFC 4568 §7.5: an answer has a=crypto or a=key-mgmt, never both; with the latter it is for the ticket.</summary>
    public static bool IsAnswer(TicketOffer ticket, SessionDescription session, out bool isKeyed)
    {
        isKeyed = KeyedSdp.MessageOf(session, ticket.Offer.Stream < session.Media.Length ? ticket.Offer.Stream : -1) is not null;
        return isKeyed ? session.Media.All(m => m.Crypto.IsEmpty) : !ticket.IsAlone;
    }

    /// <summary>The leg as the answer to its ticket makes it, to be looked at like every other; null: that is no answer to it.</summary>
    /// <param name="readable">With the peer's keys; the caller owns it, and the bundle of the leg.</param>
    public static Leg? Agreed(Leg leg, TicketOffer ticket, SessionDescription session, ParticipantContext context, out SessionDescription? readable)
    {
        if (ticket.Offer.Read(session, context.Exchange, out var mikey, out readable) != ExchangeError.None) return null;
        var sent = ticket.IsAlone ? leg.Sent : LegNegotiation.Octets(ticket.Wire);
        return leg with { Keys = [ticket.Key], Local = ticket.Local, Mikey = mikey, Sent = sent };
    }

    /// <summary>Whether an answer to our first offer is one that the conference took the leg in for.</summary>
    public static bool Keeps(Leg leg, LegTerms terms) =>
        (terms.Uplink == 0 || SourceOf(leg) == terms.Uplink) && (terms.Media is null || leg.Remote!.Terms == terms.Media.ToString());

    /// <summary>The SSRC that the peer says it will send under, where that can be under a group key; 0: it says none, or its keys have another MKI than those.</summary>
    public static uint SourceOf(Leg leg) => leg.Mikey is MikeyLeg ticket && leg.Remote!.MkiLength == GroupKey.MkiLength ? ticket.Receives.Ssrc : 0;

    /// <summary>What goes out for a later offer or answer of ours.</summary>
    public static Leg Written(Leg leg, ParticipantContext context)
    {
        if (leg.Mikey is not { } mikey) return leg with { Sent = LegNegotiation.Octets(leg.Local) };
        if (mikey is MikeyLeg ticket) mikey = ticket with { Theirs = Theirs(leg), Running = Positions(leg.Streams) };
        var (next, wire) = mikey.Write(leg.Local, First(leg), context.Exchange);
        return leg with { Mikey = next, Sent = LegNegotiation.Octets(wire) };
    }

    /// <summary>
    /// The SDP of a peer that is keyed by MIKEY, its keys in place. The same o= as before, or an answer to what was no news of ours, is no key action
    /// (RFC 3264 §8): the message in it has been taken already.
    /// </summary>
    public static bool TryRead(
        SessionDescription session, Leg leg, bool isOffer, ParticipantContext context, ref KeyedLeg mikey, out SessionDescription? readable,
        out string detail)
    {
        detail = "";
        if ((isOffer || !mikey.IsWaiting) && OfferAnswer.Compare(leg.Remote!.Origin, session.Origin) == OriginChange.Unchanged)
        {
            readable = KeyedSdp.Read(session, mikey.Stream, leg.Remote!.Uplink);
            return true;
        }

        var error = mikey.Read(session, leg.Remote!.Uplink, context.Exchange, out mikey, out readable);
        if (error == ExchangeError.None && leg.RegisteredSsrc != 0 && (mikey as MikeyLeg)?.Receives.Ssrc != leg.RegisteredSsrc)
        {
            readable!.Dispose();
            (error, readable) = (ExchangeError.BadSessions, null);
        }

        if (error != ExchangeError.None) detail = TicketArrival.Warning(error);
        return readable is not null;
    }

    /// <summary>
    /// RFC 6043 §6.1.1: an SPI says which key a session begins with, so in one bundle no key of the peer has the name of one of ours; in a group not
    /// that of an epoch to come either, since all members have it under that name.
    /// </summary>
    public static bool NamesOurs(AcceptedMedia offered, bool inGroup, params ReadOnlySpan<MasterKey> ours)
    {
        foreach (var theirs in offered.Uplink)
        {
            if (inGroup && GroupKey.IsOfAnEpoch(theirs.Mki)) return true;
            foreach (var key in ours)
                if (key.Mki == theirs.Mki)
                    return true;
        }

        return false;
    }

    /// <summary>The same; but a message under a pre-shared key does not name the key that a session begins with.</summary>
    public static bool NamesOurs(KeyedLeg mikey, AcceptedMedia offered, bool inGroup, params ReadOnlySpan<MasterKey> ours) =>
        NamesOurs(offered, inGroup, mikey is PreSharedLeg ? [] : ours);

    /// <summary>The leg can be told no group key: it calls one of its own by a name of an epoch.</summary>
    public static bool IsBarred(Leg leg) => leg.Mikey is not null && NamesOurs(leg.Remote!, inGroup: true);

    public static bool SharesUplink(LegKeying keying) => keying is LegKeying.GroupBothWays or LegKeying.Switched;

    /// <summary>What the peer is told to send with: the newest group key that it is told, where it shares that; null: it is told nothing.</summary>
    private static Mki? Theirs(Leg leg) => leg.Keying switch
    {
        LegKeying.GroupBothWays when leg.Group is [.., var newest] => newest.Mki,
        LegKeying.Switched when leg.Sends is { } epoch => GroupKey.MkiOf(epoch),
        _ => null,
    };

    private static ListOf<SrtpPosition> Positions(ImmutableArray<UplinkIndex> streams) =>
        new([.. streams.Select(s => (s.Source, Index: new PacketIndex(s.Highest))).Select(s => new SrtpPosition(s.Source.Value, (s.Index.Roc, s.Index.Sequence)))]);

    /// <summary>What we send with first: the newest group key, without one our own.</summary>
    private static Mki First(Leg leg) => leg.Group is [.., var newest] && newest.For(leg.Key.Profile) is { } shared ? shared.Mki : leg.Key.Mki;
}
