using System.Net;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.KeyManagement;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Keys.Rekeying;
using ConfCluster.Protocols.Sdp;
using ConfCluster.Protocols.Sip.Dialogs;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Sessions;
using ConfCluster.Protocols.Srtp;
using ParticipantStep = ConfCluster.Protocols.Sip.Transactions.Step<
    ConfCluster.Protocols.Focus.ParticipantState, ConfCluster.Protocols.Focus.ParticipantEffect>;

namespace ConfCluster.Protocols.Focus;

/// <summary>
/// From the first INVITE to its final response (RFC 3261 §8.2, §13.3.1): everything that can be refused is refused before the conference or
/// the mixer hears of it. The transaction layer sends the 100, and the 200 follows as soon as there are
/// ports; a peer that requires reliable provisional responses gets one before it (<see cref="EarlyDialogs"/>).
/// </summary>
internal static class Arrival
{
    private const int MaxDisplayName = 128;
    private const int MaxUserAgent = 128;

    /// <param name="isStored">The journal knows of the dialog.</param>
    public static ParticipantStep Begin(ParticipantInput.RequestArrived arrived, ParticipantContext context, bool isStored = false)
    {
        if (!TryRead(arrived, context, out var invitation, out var keyed, out var refusal, out var detail))
        {
            return Closing.Refused(arrived, refusal, context, detail);
        }

        invitation = invitation! with { IsStored = isStored };
        if (keyed is not null)
            return PreSharedOffer.IsIn(keyed) ? PreSharedArrivals.Begin(arrived, invitation, keyed, context) : TicketArrival.Begin(arrived, invitation, keyed, context);
        return invitation.Offer is null && context.Settings.Tickets == TicketOffers.Only ? TicketAsking.Begin(invitation, context) : Ask(invitation, context);
    }

    /// <summary>The conference is asked.</summary>
    public static ParticipantStep Ask(Invitation invitation, ParticipantContext context) => Steps.To(
        new ParticipantState.Joining(invitation),
        Join(invitation, context),
        AskAgainSoon(context),
        new ParticipantEffect.Start(ParticipantTimer.Unanswered, context.Timings.TransactionTimeout));

    public static ParticipantEffect Join(Invitation invitation, ParticipantContext context)
    {
        var from = invitation.Request.Headers.From;
        var identity = from.Uri with { Password = null, Parameters = SipParameters.Empty, Headers = [] };
        var name = from.DisplayName is { Length: > MaxDisplayName } longName ? longName[..MaxDisplayName] : from.DisplayName;
        return new ParticipantEffect.Join(invitation.Conference, identity.ToString(), name)
        {
            Caller = invitation.Caller,
            Ability = AbilityOf(invitation),
            Media = invitation switch
            {
                { Offer: { Ticket: not null } offer } => offer.Media.Terms,
                { Offer: null, Granted.Ticket: not null } => OfferFormat.Wish(context).ToString(),
                _ => "",
            },
        };
    }

    public static ParticipantStep Joined(Invitation invitation, ParticipantInput.JoinAccepted joined, ParticipantContext context)
    {
        var terms = new LegTerms(joined.Keying, joined.Uplink.Value, MediaTerms.TryRead(joined.Media));
        return Joined(new ParticipantState.Opening(invitation, joined.Mixer, joined.Key, terms), context);
    }

    /// <summary>The mixer is asked for ports.</summary>
    public static ParticipantStep Joined(ParticipantState.Opening opening, ParticipantContext context) =>
        Steps.To(opening, Open(opening, context), AskAgainSoon(context));

    /// <summary>What is lost is lost while a node dies, and whoever calls then waits; from the second time on after T2.</summary>
    private static ParticipantEffect.Start AskAgainSoon(ParticipantContext context) => new(ParticipantTimer.RepeatAsk, 2 * context.Timings.T1);

    /// <summary>Ports of the family of the offer; for an offer of ours, of the way that the INVITE came.</summary>
    public static ParticipantEffect Open(ParticipantState.Opening opening, ParticipantContext context)
    {
        var invitation = opening.Invitation;
        var family = context.Settings.Media.FamilyTowards(invitation.Offer?.Media.Family ?? invitation.Flow.Remote.AddressFamily);
        return new ParticipantEffect.OpenLeg(opening.Mixer, family)
        {
            Uplink = invitation.Offer is { } offer && opening.Terms.Keying != LegKeying.Switched ? [.. offer.Media.Uplink.Select(KeyFingerprint.Of)] : [],
        };
    }

    /// <summary>Told again, or the mixer was replaced while we waited for its ports. The newest key counts.</summary>
    public static ParticipantStep Moved(ParticipantState.Opening opening, ParticipantInput.JoinAccepted joined, ParticipantContext context)
    {
        var key = joined.Key is { } other && !(opening.Key?.Epoch >= other.Epoch) ? other : opening.Key;
        return joined.Mixer.Incarnation <= opening.Mixer.Incarnation
            ? Steps.To(opening with { Key = key })
            : Joined(opening with { Mixer = joined.Mixer, Key = key, Search = opening.Search.Told(0) }, context).Before(new ParticipantEffect.CloseLeg(opening.Mixer));
    }

    /// <summary>The mixer will not have the leg. Another may, when it is only for want of room.</summary>
    public static ParticipantStep NoRoom(ParticipantState.Opening opening, Rejection reason, ParticipantContext context)
    {
        if (!opening.Search.MayAsk(reason)) return Unplaced(opening, reason, context);
        return opening.Search.Waits
            ? Steps.To(opening)
            : Steps.To(opening with { Search = opening.Search.Without() }, RoomSearch.Ask(opening.Invitation.Conference, opening.Mixer, context));
    }

    public static ParticipantStep Unplaced(ParticipantState.Opening opening, Rejection reason, ParticipantContext context) => Closing.GiveUp(
        opening.Invitation, opening.Mixer, LeaveReason.MediaFailed, ParticipantRefusal.LegRefused,
        FocusResponses.Of(opening.Invitation.Request, reason, context), context);

    /// <summary>RFC 3261 §13.3.1.4: the 2xx, repeated until the ACK arrives whatever the transport is.</summary>
    public static ParticipantStep Answer(ParticipantState.Opening opening, ParticipantInput.LegOpened opened, ParticipantContext context)
    {
        var invitation = opening.Invitation;
        var place = new LegPlace(opened.Mixer, opened.Rtp, opened.Rtcp);
        if (invitation.Offer is { } repeating && opening.Key is { } key && ToldKeys.AreRepeated(repeating.Media, [], [key]))
        {
            // The words are those for any keying that is not taken: they tell nobody whose key it is.
            return Unfit(opening, FocusResponses.Of(invitation.Request, Rejection.KeyingRefused, context), context);
        }

        if (invitation.Offer is { Ticket: not null } naming && opening.Key is not null && MikeyNegotiation.NamesOurs(naming.Media, inGroup: true))
        {
            var warning = TicketArrival.Warning(Protocols.Mikey.Exchanges.ExchangeError.TakenSpi);
            return Unfit(opening, FocusResponses.Refuse(invitation.Request, ParticipantRefusal.UnacceptableOffer, context, warning), context);
        }

        if (invitation.Offer is null && opening.Terms.Media is { } only && !OfferFormat.Fits(only, context))
            return Unfit(opening, FocusResponses.Of(invitation.Request, Rejection.MediaDiffers, context), context);

        // No group key in an offer before the dialog is confirmed: the INVITE may be somebody else's, too. None in an answer that can hold no key.
        var told = invitation.Offer is { PreShared: not null } ? null : opening.Key;
        var leg = invitation.Offer is { } offer
            ? LegNegotiation.Answer(offer, place, told, opening.Terms.Keying, context)
            : LegNegotiation.Offer(place, invitation.Granted, opening.Terms, context);
        var participation = new Participation(
            invitation.Conference, Dialog.FromRequest(invitation.Request, context.Id.Value), invitation.Flow,
            NextHop.IsHidden(invitation.Request, invitation.Flow), invitation.Key, leg)
        {
            Caller = invitation.Caller,
            Session = invitation.Session,
            Stored = invitation.IsStored,
            TakesMki = AbilityOf(invitation).TakesMki,
            Search = opening.Search.Found(),
        };
        participation = participation.Hearing(invitation.Request);
        var step = RequestRules.Requires(invitation.Request, RequestRouting.ReliableProvisional)
            ? EarlyDialogs.Begin(invitation, participation, context)
            : Accept(invitation, participation, leg.Sent.Body, ourOffer: invitation.Offer is null, context);
        return step.Before(
            new ParticipantEffect.Cancel(ParticipantTimer.RepeatAsk), new ParticipantEffect.Cancel(ParticipantTimer.Unanswered));
    }

    /// <summary>
    /// In a cluster the dialog is stored first, so that no peer is told that it is in and forgotten with our node. Not when the peer's SDP comes with its ACK:
    /// there would be no dialog to store.
    /// </summary>
    /// <param name="body">Our SDP; empty when the peer has it already (RFC 3262 §5).</param>
    public static ParticipantStep Accept(
        Invitation invitation, Participation participation, SipBody body, bool ourOffer, ParticipantContext context)
    {
        var response = FocusResponses.Success(invitation.Request, participation, context, body);
        ParticipantEffect[] media = ourOffer ? [] : [LegAtMixer.Reception(participation.Leg, null, context)];
        var isHeld = context.Settings.CallsOutliveNode && !ourOffer && !participation.Stored;
        var pending = new PendingAck(invitation.Key, response, context.Timings.T1, ourOffer, MediaAtAck: true) { IsHeld = isHeld };
        return Steps.To(
            new ParticipantState.Answered(participation with { Stored = participation.Stored || isHeld }, pending),
            [
                .. media,
                isHeld
                    ? new ParticipantEffect.Store(Renegotiation.Fact(participation) with { Invite = new FirstInvite(invitation.Key, context.Now) })
                    : new ParticipantEffect.Respond(invitation.Key, response),
                new ParticipantEffect.Start(ParticipantTimer.Repeat2xx, context.Timings.T1),
                new ParticipantEffect.Start(ParticipantTimer.NoAck, context.Timings.TransactionTimeout),
                .. Refreshing.Timers(participation.Session),
            ]);
    }

    /// <summary>
    /// A key of the group's (RFC 4568 §7.1.2: the keys of the two sides differ, for whoever sends under the group key could not be told from us), or one
    /// under the name of such a key.
    /// </summary>
    private static ParticipantStep Unfit(ParticipantState.Opening opening, SipResponse response, ParticipantContext context)
    {
        var invitation = opening.Invitation;
        return Closing.GiveUp(invitation, opening.Mixer, LeaveReason.DialogFailed, ParticipantRefusal.UnacceptableOffer, response, context);
    }

    private static LegAbility AbilityOf(Invitation invitation)
    {
        if (invitation is { Offer: null, Granted: null }) return LegAbility.None;
        var agent = invitation.Request.Headers.First("User-Agent") ?? "";
        var isKeyed = invitation.Granted is not null || invitation.Offer!.Ticket is not null;
        return new LegAbility(
            isKeyed || invitation.Offer!.Media.MkiLength > 0,
            isKeyed || invitation.Offer!.PreShared is not null || IsProtected(invitation.Flow), agent.Length > MaxUserAgent ? agent[..MaxUserAgent] : agent)
        {
            IsStream = invitation.Flow.Transport != SipTransport.Udp,
            TakesSsrc = invitation is { Offer: null, Granted.Ticket: not null },
            TicketSsrc = invitation.Offer is { Ticket.Arrival.PeerSsrc: var ssrc, Media.MkiLength: GroupKey.MkiLength } ? ssrc : 0,
        };
    }

    /// <summary>RFC 4568 §7: nobody but the two ends can read the keys in the SDP.</summary>
    private static bool IsProtected(SipFlow flow) =>
        flow.Transport == SipTransport.Tls || IPAddress.IsLoopback(flow.Local.Address) && IPAddress.IsLoopback(flow.Remote.Address);

    /// <summary>In the order of RFC 3261 §8.2.</summary>
    private static bool TryRead(
        ParticipantInput.RequestArrived arrived, ParticipantContext context, out Invitation? invitation, out SessionDescription? keyed,
        out ParticipantRefusal refusal, out string detail)
    {
        var request = arrived.Request;
        (invitation, keyed, detail) = (null, null, "");
        if (!ConferenceUri.TryRead(request.RequestUri, arrived.Flow.Transport, out var conference, out refusal)) return false;
        if (!RequestRules.TryExtensions(request, out detail)) return Fail(ParticipantRefusal.UnsupportedExtension, out refusal);
        if (!RequestRules.TryBody(request, out var sdp, out refusal)) return false;
        if (!RequestRules.AcceptsSdp(request)) return Fail(ParticipantRefusal.NotAcceptable, out refusal);

        // RFC 3261 §8.1.1.8: exactly one Contact; without it there is nowhere to send a BYE.
        if (request.Headers.Contacts.Length != 1) return Fail(ParticipantRefusal.BadHeader, out refusal);

        if (!Refreshing.TryAgree(request, SessionTimer.None, context, out var session, out refusal)) return false;

        LegOffer? offer = null;
        if (!sdp.IsEmpty && !TicketArrival.IsKeyed(sdp, context, out keyed)
            && !LegNegotiation.TryExamine(sdp, null, context, out offer, out refusal, out detail))
        {
            if (refusal == ParticipantRefusal.UnacceptableOffer && PreSharedArrivals.IsNotTaken(sdp, context)) detail = PreSharedArrivals.NotTaken;
            return false;
        }

        invitation = new Invitation(arrived.Key, request with { Body = SipBody.Empty }, arrived.Flow, conference, offer)
        {
            Caller = arrived.Caller,
            Session = session,
        };
        return true;
    }

    private static bool Fail(ParticipantRefusal reason, out ParticipantRefusal refusal)
    {
        refusal = reason;
        return false;
    }
}
