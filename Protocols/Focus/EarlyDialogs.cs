using System.Globalization;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Sip.Messages;
using static ConfCluster.Protocols.Focus.ParticipantInput;
using static ConfCluster.Protocols.Focus.ParticipantState;
using ParticipantStep = ConfCluster.Protocols.Sip.Transactions.Step<
    ConfCluster.Protocols.Focus.ParticipantState, ConfCluster.Protocols.Focus.ParticipantEffect>;

namespace ConfCluster.Protocols.Focus;

/// <summary>
/// A peer that requires reliable provisional responses (RFC 3262 §3): one 183 with our SDP, repeated until its PRACK; then the 2xx, without
/// SDP. Our key is not used before the ACK. Left out: reliable responses to a peer that only supports them, since nothing is said in
/// between that must arrive.
/// </summary>
internal static class EarlyDialogs
{
    /// <summary>RFC 3262 §3 asks for a number below 2^31 that cannot be guessed; what a guess could do, a PRACK out of the dialog, is refused.</summary>
    private const int SequenceLimit = 1 << 16;

    public static ParticipantStep Begin(Invitation invitation, Participation participation, ParticipantContext context)
    {
        var sequence = 1 + (uint)context.RandomBelow(SequenceLimit);
        var response = FocusResponses.Reliable(invitation.Request, sequence, participation, context, participation.Leg.Sent.Body);
        var pending = new PendingPrack(sequence, response, context.Timings.T1, OurOffer: invitation.Offer is null);
        return Steps.To(
            new Early(invitation, participation, pending),
            new ParticipantEffect.Respond(invitation.Key, response),
            new ParticipantEffect.Start(ParticipantTimer.RepeatProvisional, pending.Interval),
            new ParticipantEffect.Start(ParticipantTimer.NoPrack, context.Timings.TransactionTimeout));
    }

    public static ParticipantStep Next(Early state, ParticipantInput input, ParticipantContext context)
    {
        var (invitation, mixer) = (state.Invitation, (MixerId?)state.Participation.Mixer);
        return input switch
        {
            RequestArrived cancel when InDialog.Cancels(cancel, invitation.Key) =>
                ParticipantMachine.Cancelled(invitation, mixer, cancel, context).Before(StopWaiting),
            RequestArrived request => InDialog.Request(state, state.Participation, request, context),
            Fired { Timer: ParticipantTimer.RepeatProvisional } => Repeat(state),
            Fired { Timer: ParticipantTimer.NoPrack } => GiveUp(
                state, LeaveReason.NoAck, ParticipantRefusal.NotAcknowledged,
                FocusResponses.Refuse(invitation.Request, ParticipantRefusal.NotAcknowledged, context), context),
            TransactionFailed failed when failed.Key == invitation.Key =>
                GiveUp(state, LeaveReason.DialogFailed, ParticipantRefusal.Unanswerable, null, context),
            EndRequested end => GiveUp(
                state, end.Reason, ParticipantRefusal.Ended, ParticipantMachine.Sorry(invitation, end.Reason, context), context),
            _ when ParticipantMachine.LosesLeg(state.Participation, input) => GiveUp(
                state, LeaveReason.MediaFailed, ParticipantRefusal.Ended,
                ParticipantMachine.Sorry(invitation, LeaveReason.MediaFailed, context), context),
            _ => Steps.To(state),
        };
    }

    /// <summary>RFC 3262 §3, §5: the PRACK holds the answer to our offer, or may hold an offer of its own.</summary>
    public static ParticipantStep Acknowledged(Early state, RequestArrived arrived, ParticipantContext context)
    {
        var (request, participation) = (arrived.Request, state.Participation);
        if (!Names(request, state)) return Steps.Refuse(state, arrived, ParticipantRefusal.NoTransaction, context);
        if (!RequestRules.TryBody(request, out var body, out var refusal)) return Steps.Refuse(state, arrived, refusal, context);

        var (leg, answer) = (participation.Leg, SipBody.Empty);
        if (state.Pending.OurOffer)
        {
            if (!LegNegotiation.TryAccept(request, leg, context, out leg)) return BadAnswer(state, arrived, context);
        }
        else if (!body.IsEmpty)
        {
            if (!LegNegotiation.TryExamine(body, leg, context, out var offer, out refusal, out var detail))
                return Steps.Refuse(state, arrived, refusal, context, detail);
            if (!LegNegotiation.KeepsKey(offer!, leg))
            {
                offer!.Dispose();
                var warning = LegNegotiation.Warning(399, "Another suite, or no MKI any more, needs a re-INVITE");
                return Steps.Refuse(state, arrived, ParticipantRefusal.UnacceptableOffer, context, warning);
            }

            (leg, _) = LegNegotiation.AnswerAgain(offer!, leg, context);
            answer = leg.Sent.Body;
        }

        return Arrival.Accept(state.Invitation, participation with { Leg = leg }, SipBody.Empty, ourOffer: false, context).Before(
            [.. StopWaiting, new ParticipantEffect.Respond(arrived.Key, FocusResponses.Acknowledge(request, context, answer))]);
    }

    /// <summary>RFC 3261 §15.1.2: a BYE in the early dialog ends it, and the INVITE with it.</summary>
    public static ParticipantStep PeerLeft(Early state, RequestArrived bye, ParticipantContext context) =>
        GiveUp(
                state, LeaveReason.Bye, ParticipantRefusal.Cancelled,
                FocusResponses.Refuse(state.Invitation.Request, ParticipantRefusal.Cancelled, context), context)
            .Before(new ParticipantEffect.Respond(bye.Key, FocusResponses.Ok(bye.Request, context)));

    private static ParticipantStep BadAnswer(Early state, RequestArrived arrived, ParticipantContext context)
    {
        var warning = LegNegotiation.Warning(399, "The PRACK holds no acceptable answer to our offer");
        var refused = FocusResponses.Refuse(state.Invitation.Request, ParticipantRefusal.UnacceptableOffer, context, warning);
        return GiveUp(state, LeaveReason.DialogFailed, ParticipantRefusal.BadAnswer, refused, context)
            .Before(Steps.Refuse(state, arrived, ParticipantRefusal.UnacceptableOffer, context, warning).Effects.AsSpan());
    }

    /// <summary>RFC 3262 §3: T1, doubling each time; there is no longest interval.</summary>
    private static ParticipantStep Repeat(Early state)
    {
        var pending = state.Pending with { Interval = 2 * state.Pending.Interval };
        return Steps.To(
            state with { Pending = pending },
            new ParticipantEffect.Respond(state.Invitation.Key, pending.Response),
            new ParticipantEffect.Start(ParticipantTimer.RepeatProvisional, pending.Interval));
    }

    private static ParticipantStep GiveUp(
        Early state, LeaveReason reason, ParticipantRefusal refusal, SipResponse? response, ParticipantContext context) =>
        Closing.GiveUp(state.Invitation, state.Participation.Mixer, reason, refusal, response, context).Before(StopWaiting);

    /// <summary>RFC 3262 §7.2: the RSeq, and the CSeq of what it answered.</summary>
    private static bool Names(SipRequest prack, Early state)
    {
        var parts = prack.Headers.First(HeaderNames.RAck)?.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var invite = state.Invitation.Request.Headers.CSeq;
        return parts is [var reliable, var number, var method] && Is(reliable, state.Pending.Sequence) && Is(number, invite.Number)
            && method == invite.Method.Name;
    }

    private static bool Is(string text, uint number) =>
        uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var read) && read == number;

    private static ParticipantEffect[] StopWaiting =>
        [new ParticipantEffect.Cancel(ParticipantTimer.RepeatProvisional), new ParticipantEffect.Cancel(ParticipantTimer.NoPrack)];
}
