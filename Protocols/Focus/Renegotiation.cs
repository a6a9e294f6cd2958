using System.Collections.Immutable;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Sip.Dialogs;
using ConfCluster.Protocols.Sip.Messages;
using ParticipantStep = ConfCluster.Protocols.Sip.Transactions.Step<
    ConfCluster.Protocols.Focus.ParticipantState, ConfCluster.Protocols.Focus.ParticipantEffect>;

namespace ConfCluster.Protocols.Focus;

/// <summary>
/// Offers in a dialog: re-INVITE (RFC 3261 §14.2) and UPDATE (RFC 3311 §5.2), and the ACK that settles them. A refused offer leaves the
/// leg as it was.
/// </summary>
internal static class Renegotiation
{
    /// <param name="state">To go on with when the request is refused.</param>
    /// <param name="participation">As it will be when the request is accepted: remote target and flow refreshed.</param>
    public static ParticipantStep Begin(
        ParticipantState state, Participation participation, ParticipantInput.RequestArrived arrived, ParticipantContext context)
    {
        var request = arrived.Request;
        // RFC 3261 §14.2: one at a time.
        if (state is ParticipantState.Renewing) return Steps.Refuse(state, arrived, ParticipantRefusal.RequestPending, context);
        if (!RequestRules.TryBody(request, out var sdp, out var refusal)) return Steps.Refuse(state, arrived, refusal, context);
        if (!Refreshing.TryAgree(request, participation.Session, context, out var session, out refusal))
            return Steps.Refuse(state, arrived, refusal, context);
        participation = participation.Hearing(request) with { Session = session };
        if (request.Method == SipMethod.Update && sdp.IsEmpty) return Refresh(state, participation, arrived, context);
        if (!RequestRules.AcceptsSdp(request)) return Steps.Refuse(state, arrived, ParticipantRefusal.NotAcceptable, context);
        // RFC 3261 §14.2: a request of ours is out, so whoever tries again later goes first.
        if (state is ParticipantState.Asking) return Steps.Refuse(state, arrived, ParticipantRefusal.OfferPending, context);
        if (state is ParticipantState.Early early)
        {
            return Steps.Refuse(
                state, arrived, early.Pending.OurOffer ? ParticipantRefusal.OfferPending : ParticipantRefusal.RequestPending, context);
        }

        if (state is ParticipantState.Unacknowledged waiting) return Pending(waiting, arrived, context);
        if (sdp.IsEmpty) return Offer(participation, arrived, context);
        if (TicketRenewal.IsIn(sdp, participation.Leg, context, out var keyed)) return TicketRenewal.Begin(state, participation, keyed!, arrived, context);
        return LegNegotiation.TryExamine(sdp, participation.Leg, context, out var offer, out refusal, out var detail)
            ? Take(state, participation, offer!, arrived, context)
            : Steps.Refuse(state, arrived, refusal, context, detail);
    }

    /// <summary>Answers an offer that can be read, or refuses it.</summary>
    /// <param name="offer">Taken over.</param>
    public static ParticipantStep Take(
        ParticipantState state, Participation participation, LegOffer offer, ParticipantInput.RequestArrived arrived, ParticipantContext context)
    {
        // An answer to an UPDATE is never acknowledged, so it cannot bring a new key of ours: nobody could say when to use it.
        if (arrived.Request.Method == SipMethod.Update && !LegNegotiation.KeepsKey(offer, participation.Leg))
        {
            offer.Dispose();
            var warning = LegNegotiation.Warning(399, "Another suite, or no MKI any more, needs a re-INVITE");
            return Steps.Refuse(state, arrived, ParticipantRefusal.UnacceptableOffer, context, warning);
        }

        var (leg, changed) = LegNegotiation.AnswerAgain(offer, participation.Leg, context);
        return Accept(participation with { Leg = leg }, participation.Leg, changed, arrived, context);
    }

    /// <summary>RFC 3261 §13.3.1.4: the ACK ends the repeating of the 2xx, and holds the answer when the 2xx held our offer.</summary>
    public static ParticipantStep Ack(ParticipantState.Unacknowledged state, SipRequest ack, ParticipantContext context)
    {
        var participation = state.Participation;
        if (!InDialog.Contains(participation.Dialog, ack) || ack.Headers.CSeq.Number != state.Pending.CSeq) return Steps.To(state);

        var leg = participation.Leg;
        if (state.Pending.OurOffer && !LegNegotiation.TryAccept(ack, leg, context, out leg))
            return Closing.HangUp(participation, LeaveReason.DialogFailed, context)
                .Before(new ParticipantEffect.Count(ParticipantRefusal.BadAnswer));

        participation = participation with { Leg = leg };
        return state.EndAfter is { } reason
            ? Closing.HangUp(participation, reason, context)
            : Confirm(participation, state, context);
    }

    /// <summary>RFC 3261 §13.3.1.4: T1 doubling to T2.</summary>
    public static ParticipantStep Repeat(ParticipantState.Unacknowledged state, ParticipantContext context)
    {
        var interval = state.Pending.Interval * 2 < context.Timings.T2 ? state.Pending.Interval * 2 : context.Timings.T2;
        return Steps.To(
            state with { Pending = state.Pending with { Interval = interval, IsHeld = false } },
            new ParticipantEffect.Respond(state.Pending.Key, state.Pending.Response),
            new ParticipantEffect.Start(ParticipantTimer.Repeat2xx, interval));
    }

    /// <summary>What was held goes out before the dialog ends, too: its INVITE needs a final response (RFC 3261 §15.1.2).</summary>
    public static ParticipantStep Said(ParticipantState.Unacknowledged state, ParticipantStep step) =>
        state.Pending.IsHeld && step.State is not ParticipantState.Unacknowledged
            ? step.Before(new ParticipantEffect.Respond(state.Pending.Key, state.Pending.Response))
            : step;

    private static ParticipantStep Confirm(Participation participation, ParticipantState.Unacknowledged before, ParticipantContext context)
    {
        ParticipantEffect[] media = before.Pending.MediaAtAck ? [LegAtMixer.Media(participation.Leg, context)] : [];
        ParticipantEffect[] store = participation.Stored ? [] : [new ParticipantEffect.Store(Fact(participation))];
        var ready = ImmutableArray<ParticipantEffect>.Empty;
        if (before is ParticipantState.Answered) (participation, ready) = KeyOffers.Ready(participation, context);
        return Steps.To(
            new ParticipantState.Confirmed(participation with { Stored = true }),
            [
                new ParticipantEffect.Cancel(ParticipantTimer.Repeat2xx), new ParticipantEffect.Cancel(ParticipantTimer.NoAck),
                .. media, .. store, .. ready,
            ]);
    }

    private static SipResponse Success(SipRequest request, Participation participation, ParticipantContext context, SipBody body) =>
        FocusResponses.Success(request, participation, context, body);

    public static DialogFact.DialogConfirmed Fact(Participation p) =>
        new(p.Conference, DialogFacts.Of(p.Dialog), p.Flow, p.Hidden, LegNegotiation.WithoutKeys(p.Leg.Local), p.Leg.RemoteText)
        {
            TakesMki = p.TakesMki,
            IsByTicket = p.Leg.Mikey is not null,
            Keyed = p.Leg.Mikey is { } mikey ? new KeyedDialog(mikey.Self.ToString(), mikey.Peer.ToString(), mikey.Profile.Name) : null,
        };

    /// <summary>RFC 3311 §5.2: no offer, so only the remote target is refreshed.</summary>
    private static ParticipantStep Refresh(
        ParticipantState state, Participation participation, ParticipantInput.RequestArrived arrived, ParticipantContext context) =>
        Steps.To(
            InDialog.With(state, participation),
            [
                new ParticipantEffect.Respond(arrived.Key, Success(arrived.Request, participation, context, SipBody.Empty)),
                .. Refreshing.Timers(participation.Session),
            ]);

    /// <summary>An offer while a 2xx is unacknowledged: 491 when that holds our offer (RFC 3311 §5.2), else 500 (RFC 3261 §14.2).</summary>
    private static ParticipantStep Pending(
        ParticipantState.Unacknowledged state, ParticipantInput.RequestArrived arrived, ParticipantContext context) =>
        Steps.Refuse(state, arrived, state.Pending.OurOffer ? ParticipantRefusal.OfferPending : ParticipantRefusal.RequestPending, context);

    /// <summary>A re-INVITE without SDP: the 2xx offers what is in use.</summary>
    private static ParticipantStep Offer(Participation participation, ParticipantInput.RequestArrived arrived, ParticipantContext context)
    {
        var leg = LegOffers.OfferAgain(participation.Leg, context);
        return Answer2xx(participation with { Leg = leg }, arrived, ourOffer: true, mediaAtAck: true, context);
    }

    /// <summary>A key that the peer already has may be used at once; a new one of ours waits for the ACK. Its own open packets before it can use them.</summary>
    private static ParticipantStep Accept(
        Participation participation, Leg before, bool changed, ParticipantInput.RequestArrived arrived, ParticipantContext context)
    {
        var newKey = participation.Leg.Key != before.Key;
        ParticipantEffect[] media = !changed ? []
            : newKey ? [LegAtMixer.Reception(participation.Leg, before, context)] : [LegAtMixer.Media(participation.Leg, context)];
        if (arrived.Request.Method == SipMethod.Invite)
            return Answer2xx(participation, arrived, ourOffer: false, mediaAtAck: newKey, context).Before(media);

        var response = Success(arrived.Request, participation, context, participation.Leg.Sent.Body);
        return Steps.To(
            new ParticipantState.Confirmed(participation),
            [.. media, new ParticipantEffect.Respond(arrived.Key, response), .. Refreshing.Timers(participation.Session)]);
    }

    private static ParticipantStep Answer2xx(
        Participation participation, ParticipantInput.RequestArrived arrived, bool ourOffer, bool mediaAtAck, ParticipantContext context)
    {
        var response = Success(arrived.Request, participation, context, participation.Leg.Sent.Body);
        var pending = new PendingAck(arrived.Key, response, context.Timings.T1, ourOffer, mediaAtAck);
        return Steps.To(
            new ParticipantState.Renegotiating(participation with { Reinvite = arrived.Key }, pending),
            [
                new ParticipantEffect.Respond(arrived.Key, response),
                new ParticipantEffect.Start(ParticipantTimer.Repeat2xx, context.Timings.T1),
                new ParticipantEffect.Start(ParticipantTimer.NoAck, context.Timings.TransactionTimeout),
                .. Refreshing.Timers(participation.Session),
            ]);
    }
}
