using System.Globalization;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.KeyManagement;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Sip.Dialogs;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Transactions;
using static ConfCluster.Protocols.Focus.ParticipantInput;
using static ConfCluster.Protocols.Focus.ParticipantState;
using ParticipantStep = ConfCluster.Protocols.Sip.Transactions.Step<
    ConfCluster.Protocols.Focus.ParticipantState, ConfCluster.Protocols.Focus.ParticipantEffect>;

namespace ConfCluster.Protocols.Focus;

/// <summary>
/// The phone rings and is picked up: early dialogs, reliable provisional responses (RFC 3262 §4), the answer (RFC 3261 §13.2.2.4, RFC 4568
/// §5.1.3), the join, the ACK. An answer that arrived reliably before the 2xx is the one that counts (RFC 3262 §5).
/// </summary>
internal static class DialAnswer
{
    public static ParticipantStep Provisional(Calling state, SipResponse response, ParticipantContext context)
    {
        var call = state.Call with { Heard = state.Call.Heard ?? response.Headers.TopVia };
        if (response.StatusCode == 100) return Steps.To(new Calling(call));

        ParticipantEffect[] report = call.IsRinging
            ? []
            : [DialFailure.Report(call, CalloutState.Ringing, new CallFailure(response.StatusCode, response.Reason))];
        call = call with { IsRinging = true };
        if (!IsReliable(response, out var reliable)) return Steps.To(new Calling(call), report);
        return Acknowledge(call, response, reliable, context).Before(report);
    }

    public static ParticipantStep Success(OutgoingCall call, SipResponse response, ParticipantContext context)
    {
        if (!TryDialog(call, response, out var dialog)) return DialFailure.End(call, new CallFailure(502, "The answer has no tag or Contact"));
        var leg = call.Early.GetValueOrDefault(response.Headers.To.Tag!)?.Answered;
        var usable = leg is not null || LegNegotiation.TryAccept(response, call.Leg!, context, out leg);
        var participation = Participate(call, dialog!, leg!, context).Hearing(response);
        participation = participation with { Session = participation.Session.Agree(response) };
        var ack = DialRequests.Ack(dialog!, call.Invite!);
        if (!usable)
        {
            return HangUp(call, participation, ack, LeaveReason.DialogFailed, new CallFailure(488, "The answer was not acceptable"), context)
                .Before(new ParticipantEffect.Count(ParticipantRefusal.BadAnswer));
        }

        return Steps.To(
            new Admitting(call, participation, ack),
            [
                .. DialFailure.Timers,
                Join(call, participation),
                new ParticipantEffect.Start(ParticipantTimer.RepeatAsk, context.Timings.T2),
                new ParticipantEffect.Start(ParticipantTimer.Unanswered, context.Timings.TransactionTimeout),
            ]);
    }

    /// <summary>A 2xx that crossed our CANCEL.</summary>
    public static ParticipantStep TooLate(OutgoingCall call, SipResponse response, LeaveReason reason, ParticipantContext context) =>
        TryDialog(call, response, out var dialog)
            ? HangUp(call, Participate(call, dialog!, call.Leg!, context), DialRequests.Ack(dialog!, call.Invite!), reason, call.Failure, context)
            : DialFailure.End(call, call.Failure);

    public static ParticipantStep WhenAdmitting(Admitting state, ParticipantInput input, ParticipantContext context)
    {
        var (call, participation, mixer) = (state.Call, state.Participation, state.Participation.Leg.Place.Mixer);
        return input switch
        {
            JoinAccepted joined => Confirm(state, joined, context),
            LegRefused refused when refused.Mixer == mixer => Give(LeaveReason.MediaFailed, new CallFailure(503, "The mixer was replaced")),
            JoinRefused refused => Give(LeaveReason.DialogFailed, Failure(refused.Reason)),
            Fired { Timer: ParticipantTimer.Unanswered } =>
                Give(LeaveReason.DialogFailed, new CallFailure(503, "The conference did not answer")),
            EndRequested end => Give(end.Reason, new CallFailure(487, "The conference ended")),
            Fired { Timer: ParticipantTimer.RepeatAsk } => Steps.To(
                state, Join(call, participation), new ParticipantEffect.Start(ParticipantTimer.RepeatAsk, context.Timings.T2)),
            ResponseArrived { Response: { Class: 2, Headers.CSeq.Method.Name: "INVITE" } other }
                when other.Headers.To.Tag != participation.Dialog.Remote.Tag => Decline(other),
            _ => Steps.To(state),
        };

        ParticipantStep Decline(SipResponse other)
        {
            var (next, effects) = LateAnswers.Decline(Kept(state), other, context);
            return Steps.To(state with { Call = call with { Declined = next.Declined } }, effects);
        }

        ParticipantStep Give(LeaveReason reason, CallFailure failure) => HangUp(call, participation, state.Ack, reason, failure, context);
    }

    /// <summary>
    /// A request before the dialog is confirmed: a BYE after the 2xx ends it; for all others it is too early (RFC 3261 §14.2, RFC 3311 §5.2).
    /// </summary>
    public static ParticipantStep Request(ParticipantState.Dialling state, RequestArrived arrived, ParticipantContext context)
    {
        var inDialog = arrived.Request.Headers.To.Tag is not null && arrived.Request.Method != SipMethod.Cancel;
        if (!inDialog) return InDialog.NoDialogNeeded(state, null, arrived, context);
        if (state is not Admitting { Participation: var participation } || !InDialog.Contains(participation.Dialog, arrived.Request))
            return Steps.Refuse(state, arrived, ParticipantRefusal.RequestPending, context);
        if (arrived.Request.Method != SipMethod.Bye) return Steps.Refuse(state, arrived, ParticipantRefusal.RequestPending, context);
        var report = DialFailure.Report(state.Call, CalloutState.Failed, new CallFailure(487, "The callee hung up"));
        return LateAnswers.Watch(Closing.PeerLeft(participation, arrived, context), Kept((Admitting)state), context)
            .Before([.. DialFailure.Timers, .. Unused(state.Call, participation.Mixer), report]);
    }

    /// <param name="joined">Perhaps at another mixer than the one that its ports are at: that was replaced while the phone rang.</param>
    private static ParticipantStep Confirm(Admitting state, JoinAccepted joined, ParticipantContext context)
    {
        var mixer = joined.Mixer;
        var participation = state.Participation;
        participation = participation with { Leg = participation.Leg with { Keying = joined.Keying, RegisteredSsrc = joined.Uplink.Value } };
        ParticipantEffect[] media = [LegAtMixer.Media(participation.Leg, context)];
        if (mixer != participation.Leg.Place.Mixer) (participation, media) = Relocating.Begin(participation, mixer, mayOffer: true, context);
        (participation, var ready) = KeyOffers.Ready(participation, context);
        var confirmed = Steps.To(
            new Confirmed(participation with { Stored = true }),
            [
                .. DialFailure.Timers,
                .. Unused(state.Call, participation.Mixer),
                new ParticipantEffect.Store(Renegotiation.Fact(participation)),
                new ParticipantEffect.SendAck(state.Ack, Flow(participation)),
                .. media,
                .. Refreshing.Timers(participation.Session),
                DialFailure.Report(state.Call, CalloutState.Joined, new CallFailure(200, "")),
                .. ready,
            ]);
        return LateAnswers.Watch(confirmed, Kept(state), context);
    }

    /// <summary>Answered and not wanted: ACK, BYE, and the leave in case the conference has it in.</summary>
    private static ParticipantStep HangUp(
        OutgoingCall call, Participation participation, SipRequest ack, LeaveReason reason, CallFailure failure, ParticipantContext context) =>
        LateAnswers.Watch(Closing.HangUp(participation, reason, context), Answered(call, participation.Dialog, ack), context).Before(
        [
            .. DialFailure.Timers,
            .. Unused(call, participation.Mixer),
            new ParticipantEffect.SendAck(ack, Flow(participation)),
            DialFailure.Report(call, CalloutState.Failed, failure),
        ]);

    /// <summary>Ports that were kept at another mixer than the one that has the leg or is to have it.</summary>
    private static ParticipantEffect[] Unused(OutgoingCall call, MixerId mixer) =>
        call.Mixer is { } kept && kept != mixer ? [new ParticipantEffect.CloseLeg(kept)] : [];

    /// <summary>RFC 3262 §4: in order, each once; a copy is for the transaction of the PRACK, a gap is not acknowledged.</summary>
    private static ParticipantStep Acknowledge(OutgoingCall call, SipResponse response, uint reliable, ParticipantContext context)
    {
        var calling = new Calling(call);
        if (!TryDialog(call, response, out var dialog)) return Steps.To(calling);
        var tag = response.Headers.To.Tag!;
        var early = call.Early.GetValueOrDefault(tag);
        if (early?.Sequence is { } last && reliable != last + 1) return Steps.To(calling);

        var leg = early?.Answered;
        var good = leg is not null || response.Body.IsEmpty || LegNegotiation.TryAccept(response, call.Leg!, context, out leg);
        var (next, request) = DialRequests.Prack(early?.Dialog ?? dialog!, reliable, call);
        var (proofs, prack) = call.Proofs.Authorize(request, context.Random);
        var known = call with { Proofs = proofs, Early = call.Early.SetItem(tag, new EarlyDialog(next, reliable, good ? leg : null)) };
        var send = new ParticipantEffect.SendRequest(prack, NextHop.Of(next, call.Hops[0], hidden: false));
        return good
            ? Steps.To(new Calling(known), send)
            : Dialling.Withdraw(known, LeaveReason.DialogFailed, new CallFailure(488, "The answer was not acceptable"), context).Before(
                new ParticipantEffect.Count(ParticipantRefusal.BadAnswer), send);
    }

    private static bool IsReliable(SipResponse response, out uint sequence)
    {
        sequence = 0;
        return response.Headers.List(HeaderNames.Require).Contains("100rel", StringComparer.OrdinalIgnoreCase)
            && uint.TryParse(response.Headers.First(HeaderNames.RSeq), NumberStyles.None, CultureInfo.InvariantCulture, out sequence);
    }

    /// <summary>RFC 3261 §12.1.2; PRACKs in the early dialog have used sequence numbers that the confirmed one goes on from.</summary>
    private static bool TryDialog(OutgoingCall call, SipResponse response, out Dialog? dialog)
    {
        if (!Dialog.TryFromResponse(call.Invite!, response, out dialog)) return false;
        if (call.Early.TryGetValue(response.Headers.To.Tag!, out var early)) dialog = dialog! with { LocalSequence = early.Dialog.LocalSequence };
        return true;
    }

    private static Participation Participate(OutgoingCall call, Dialog dialog, Leg leg, ParticipantContext context) =>
        new(call.Conference, dialog, call.Hops[0], Hidden: false, new TransactionKey(false, "", "", SipMethod.Invite), leg)
        {
            OwnsCallId = true,
            Session = DialRequests.Session(call, context),
            Proofs = call.Proofs,
            TakesMki = leg.Mikey is not null,
        };

    private static AnsweredCall Kept(Admitting state) => Answered(state.Call, state.Participation.Dialog, state.Ack);

    private static AnsweredCall Answered(OutgoingCall call, Dialog dialog, SipRequest ack) =>
        new(call.Invite!, call.Hops[0], dialog.Remote.Tag!, ack, call.Declined);

    private static SipFlow Flow(Participation participation) => NextHop.Of(participation.Dialog, participation.Flow, participation.Hidden);

    private static ParticipantEffect.Join Join(OutgoingCall call, Participation participation) =>
        new(call.Conference, (call.Asked with { Password = null, Parameters = SipParameters.Empty, Headers = [] }).ToString(), null)
        {
            // Keys under a ticket have MKIs, and nobody else reads them.
            Ability = participation.TakesMki
                ? LegAbility.None with { TakesMki = true, IsProtected = true, TicketSsrc = MikeyNegotiation.SourceOf(participation.Leg) }
                : LegAbility.None,
            Media = participation.Leg.Mikey is MikeyLeg ? participation.Leg.Remote!.Terms : "",
        };

    private static CallFailure Failure(Rejection reason)
    {
        var (status, text, _) = RejectionStatus.Of(reason);
        return new CallFailure(status, text);
    }
}
