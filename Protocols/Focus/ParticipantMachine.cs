using System.Collections.Immutable;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Sip.Messages;
using static ConfCluster.Protocols.Focus.ParticipantInput;
using static ConfCluster.Protocols.Focus.ParticipantState;
using ParticipantStep = ConfCluster.Protocols.Sip.Transactions.Step<
    ConfCluster.Protocols.Focus.ParticipantState, ConfCluster.Protocols.Focus.ParticipantEffect>;

namespace ConfCluster.Protocols.Focus;

/// <summary>
/// A participant that dials in: one dialog as its server (RFC 3261 §12, §13.3, §14.2, §15), one membership, one leg. One that is dialled
/// is <see cref="Focus.Dialling"/>'s until it is in; its way to another mixer is <see cref="Relocating"/>'s, its way back on another node <see cref="Recovering"/>'s.
/// What is not listed is ignored.
/// </summary>
public static class ParticipantMachine
{
    private const int ShutdownRetryAfter = 30;

    public static ParticipantStep Next(ParticipantState state, ParticipantInput input, ParticipantContext context)
    {
        ArgumentNullException.ThrowIfNull(state);
        ArgumentNullException.ThrowIfNull(context);
        var step = LegKeeping.Proceed(Decide(state, input, context), context);
        return step with { Effects = [.. step.Effects, .. NoLongerHeld(state, step, input)] };
    }

    internal static ParticipantStep Decide(ParticipantState state, ParticipantInput input, ParticipantContext context)
    {
        var step = input is KeyOffered offered && state is not (Forked or Restored) ? KeyOffers.Wanted(state, offered)
            : state is Restored restored && Recovering.Concerns(restored, input, context) ? Recovering.Next(restored, input, context)
            : input is SipNodeGone gone ? Rehoming.Next(state, gone, context)
            : input is Fired { Timer: ParticipantTimer.RepeatReady } && state is not Forked ? KeyOffers.ReadyAgain(state, context)
            : Relocating.Concerns(state, input) ? Relocating.Next(state, input, context)
            : Table(state, input, context);
        return KeyOffers.Proceed(step, context);
    }

    private static ParticipantStep Table(ParticipantState state, ParticipantInput input, ParticipantContext context) => state switch
    {
        Idle => WhenIdle(input, context),
        Awaited awaited => Awaiting.Next(awaited, input, context),
        Resolving or Checking or Granting => WhenAskingKms(state, input, context),
        Joining or Opening => WhenInvited(state, input, context),
        Early early => EarlyDialogs.Next(early, input, context),
        Unacknowledged unacknowledged => Renegotiation.Said(unacknowledged, WhenUnacknowledged(unacknowledged, input, context)),
        Confirmed confirmed => WhenConfirmed(confirmed, input, context),
        Asking asking => Refreshing.Next(asking, input, context),
        Renewing renewing => TicketRenewal.Next(renewing, input, context),
        Restored restored => Recovering.Released(restored, WhenRestored(restored, input, context), context),
        Ending ending => WhenEnding(ending, input, context),
        Ended ended => WhenEnded(ended, input, context),
        ParticipantState.Dialling dialling => Focus.Dialling.Next(dialling, input, context),
        Forked forked => LateAnswers.Next(forked, input, context),
        _ => throw new System.Diagnostics.UnreachableException($"no table for {state.GetType().Name}"),
    };

    private static ParticipantStep WhenIdle(ParticipantInput input, ParticipantContext context) => input switch
    {
        Recovered recovered => Steps.To(Restoring.Fold(recovered.Facts)),
        RequestArrived { Request: { Method.Name: "INVITE", Headers.To.Tag: null } } invite => Arrival.Begin(invite, context),
        RequestArrived { Request.Method.Name: "CANCEL" } cancel => Closing.Refused(cancel, ParticipantRefusal.NoTransaction, context),
        RequestArrived other => Closing.Refused(other, ParticipantRefusal.NoDialog, context),
        JoinAccepted late => Awaiting.Begin(late.Conference, context),
        MoveRequested move => Awaiting.Begin(move.Conference, context),
        EndRequested end => Closing.NeverIn(end.Conference, end.Reason, context),
        DialRequested dial => Focus.Dialling.Begin(dial, context),
        _ => Closing.StopIfDone(new Departure(null, LeaveReason.Unknown, null, LeaveOwed: false, Stored: false)),
    };

    private static ParticipantStep WhenAskingKms(ParticipantState state, ParticipantInput input, ParticipantContext context)
    {
        var invitation = state switch
        {
            Resolving s => s.Invitation,
            Checking s => s.Invitation,
            _ => ((Granting)state).Invitation,
        };
        return input switch
        {
            TicketResolved resolved when state is Resolving resolving => TicketArrival.Resolved(resolving, resolved, context),
            PreSharedChecked found when state is Checking checking => PreSharedArrivals.Checked(checking, found, context),
            TicketGranted granted when state is Granting => TicketAsking.Granted(invitation, granted, context),
            RequestArrived cancel when InDialog.Cancels(cancel, invitation.Key) => Closing.NotAsked(
                invitation, ParticipantRefusal.Cancelled, FocusResponses.Refuse(invitation.Request, ParticipantRefusal.Cancelled, context), context)
                .Before(new ParticipantEffect.Respond(cancel.Key, FocusResponses.Ok(cancel.Request, context))),
            RequestArrived other => InDialog.NoDialogNeeded(state, invitation.Key, other, context),
            Fired { Timer: ParticipantTimer.Unanswered } => Closing.NotAsked(
                invitation, ParticipantRefusal.KmsUnreachable, FocusResponses.Refuse(invitation.Request, ParticipantRefusal.KmsUnreachable, context), context),
            TransactionFailed failed when failed.Key == invitation.Key => Closing.NotAsked(invitation, ParticipantRefusal.Unanswerable, null, context),
            _ => Steps.To(state),
        };
    }

    private static ParticipantStep WhenInvited(ParticipantState state, ParticipantInput input, ParticipantContext context)
    {
        var (invitation, mixer) = state is Opening { Invitation: var i, Mixer: var m }
            ? (i, m)
            : (((Joining)state).Invitation, (MixerId?)null);
        return (state, input) switch
        {
            (_, RequestArrived cancel) when InDialog.Cancels(cancel, invitation.Key) => Cancelled(invitation, mixer, cancel, context),
            (_, RequestArrived other) => InDialog.NoDialogNeeded(state, invitation.Key, other, context),
            (Joining, JoinAccepted joined) => Arrival.Joined(invitation, joined, context),
            (Opening opening, JoinAccepted joined) => Arrival.Moved(opening, joined, context),
            (Opening opening, MoveRequested move) when opening.Search.Accepts(opening.Mixer, move.Mixer, move.Seating) =>
                Arrival.Joined(opening with { Mixer = move.Mixer, Search = opening.Search.Told(move.Seating) }, context),
            (Joining, JoinRefused refused) => Closing.JoinRefused(invitation, refused.Reason, context),
            (Opening opening, LegOpened opened) when opened.Mixer == opening.Mixer && !opening.Search.Waits => Arrival.Answer(opening, opened, context),
            (Opening opening, LegRefused refused) when refused.Mixer == opening.Mixer => Arrival.NoRoom(opening, refused.Reason, context),
            (Opening { Search.Waits: true } opening, JoinRefused refused) => Arrival.Unplaced(opening, refused.Reason, context),
            (Joining, Fired { Timer: ParticipantTimer.RepeatAsk }) => AskAgain(state, Arrival.Join(invitation, context), context),
            (Opening opening, Fired { Timer: ParticipantTimer.RepeatAsk }) =>
                opening.Search.Waits ? Steps.To(state, RoomSearch.Ask(invitation.Conference, opening.Mixer, context))
                : AskAgain(state, Arrival.Open(opening, context), context),
            (_, Fired { Timer: ParticipantTimer.Unanswered }) => Closing.GiveUp(
                invitation, mixer, LeaveReason.DialogFailed, ParticipantRefusal.Unresponsive,
                FocusResponses.Refuse(invitation.Request, ParticipantRefusal.Unresponsive, context), context),
            (_, TransactionFailed failed) when failed.Key == invitation.Key =>
                Closing.GiveUp(invitation, mixer, LeaveReason.DialogFailed, ParticipantRefusal.Unanswerable, null, context),
            (_, EndRequested end) => Closing.GiveUp(
                invitation, mixer, end.Reason, ParticipantRefusal.Ended, Sorry(invitation, end.Reason, context), context),
            _ => Steps.To(state),
        };
    }

    private static ParticipantStep WhenUnacknowledged(
        Unacknowledged state, ParticipantInput input, ParticipantContext context) => input switch
        {
            RequestArrived request => InDialog.Request(state, state.Participation, request, context),
            AckArrived ack => Renegotiation.Ack(state, ack.Request, context),
            FactStored when state.Pending.IsHeld => Steps.To(
                state with { Pending = state.Pending with { IsHeld = false } }, new ParticipantEffect.Respond(state.Pending.Key, state.Pending.Response)),
            // A journal that takes longer than T1 keeps nobody waiting.
            Fired { Timer: ParticipantTimer.Repeat2xx } => Renegotiation.Repeat(state, context),
            // RFC 3261 §13.3.1.4: no ACK for 64*T1: the dialog is confirmed, and ended by BYE.
            Fired { Timer: ParticipantTimer.NoAck } => Closing.HangUp(state.Participation, state.EndAfter ?? LeaveReason.NoAck, context)
                .Before(new ParticipantEffect.Count(ParticipantRefusal.NoAck)),
            TransactionFailed failed when failed.Key == state.Pending.Key => Closing
                .HangUp(state.Participation, LeaveReason.DialogFailed, context)
                .Before(new ParticipantEffect.Count(ParticipantRefusal.Unanswerable)),
            EndRequested end => Steps.To(state with { EndAfter = state.EndAfter ?? end.Reason }),
            _ when LosesLeg(state.Participation, input) => Steps.To(state with { EndAfter = state.EndAfter ?? LeaveReason.MediaFailed }),
            Fired { Timer: ParticipantTimer.SessionExpired } =>
                Steps.To(state with { EndAfter = state.EndAfter ?? LeaveReason.SessionExpired }),
            Fired { Timer: ParticipantTimer.Refresh or ParticipantTimer.Retry } => Refreshing.Later(state, context),
            _ => Steps.To(state),
        };

    private static ParticipantStep WhenConfirmed(Confirmed state, ParticipantInput input, ParticipantContext context) => input switch
    {
        RequestArrived request => InDialog.Request(state, state.Participation, request, context),
        ResponseArrived { Response: var response } => Refreshing.AckAgain(state, response),
        // Its request will say when it can be told again, and refreshes the session.
        Fired { Timer: ParticipantTimer.Refresh or ParticipantTimer.Retry } when state.Participation.IsCutOff => Steps.To(state),
        Fired { Timer: ParticipantTimer.Refresh or ParticipantTimer.Retry } => Refreshing.Begin(state.Participation, context),
        Fired { Timer: ParticipantTimer.SessionExpired } => Closing.HangUp(state.Participation, LeaveReason.SessionExpired, context),
        EndRequested end => Closing.HangUp(state.Participation, end.Reason, context),
        _ when LosesLeg(state.Participation, input) => Closing.HangUp(state.Participation, LeaveReason.MediaFailed, context),
        _ => Steps.To(state),
    };

    private static ParticipantStep WhenRestored(Restored state, ParticipantInput input, ParticipantContext context) => input switch
    {
        RequestArrived request => Restoring.Request(state, request, context),
        ResponseArrived { Response: var late } => Restoring.AckLost(state, late),
        EndRequested end => Closing.HangUp(state.Fact, end.Reason, context),
        Fired { Timer: ParticipantTimer.SessionExpired } => Closing.HangUp(state.Fact, LeaveReason.SessionExpired, context),
        // Its leg goes back to its own key, which mixer and phone still have.
        KeyOffered offered => Steps.To(state, new ParticipantEffect.ReportKey(state.Fact.Conference, LegKeyAnswer.Refused, offered.Key.Epoch, TimeSpan.Zero)),
        JoinAccepted or JoinRefused or LegRefused or MoveRequested => Closing.HangUp(state.Fact, LeaveReason.NodeLost, context),
        _ => Steps.To(state),
    };

    private static ParticipantStep WhenEnding(Ending state, ParticipantInput input, ParticipantContext context) => input switch
    {
        // RFC 3261 §15.1.2: both hang up; ours is still waited for.
        RequestArrived { Request: { Method.Name: "BYE", Headers.To.Tag: not null } } bye =>
            Steps.To(state, new ParticipantEffect.Respond(bye.Key, FocusResponses.Ok(bye.Request, context))),
        RequestArrived other => InDialog.NoDialogNeeded(state, state.Departure.Invite, other, context),
        // RFC 3261 §15.1.1: also 481, 408 and no answer at all end the dialog.
        ResponseArrived { Response: { IsFinal: true, Headers.CSeq.Method.Name: "BYE" } answer } => Closing.ByeAnswered(state, answer, context),
        // RFC 3261 §13.2.2.4: our BYE crossed the answer to our re-INVITE, which is repeated until its ACK.
        ResponseArrived { Response: { Class: 2, Headers.CSeq.Method.Name: "INVITE" } late }
            when late.Headers.To.Tag == state.Bye.Dialog.Remote.Tag && late.Headers.CSeq.Number < state.Bye.Dialog.LocalSequence =>
            Steps.To(state, new ParticipantEffect.SendAck(state.Bye.Dialog.Ack(late.Headers.CSeq.Number), state.Bye.Flow)),
        TransactionFailed { Key: { IsServer: false, Method.Name: "BYE" } } => Closing.ByeDone(state.Departure, context),
        Fired { Timer: ParticipantTimer.ByeUnanswered } => Closing.ByeDone(state.Departure, context),
        Fired { Timer: ParticipantTimer.RepeatLeave } when state.Departure.LeaveOwed => Closing.LeaveAgain(state, state.Departure, context),
        EndRequested or JoinAccepted or MoveRequested => Closing.LeaveAgain(state, state.Departure, context),
        LeaveAcknowledged => Closing.Acknowledged(state, state.Departure),
        _ => Steps.To(state),
    };

    private static ParticipantStep WhenEnded(Ended state, ParticipantInput input, ParticipantContext context)
    {
        var departure = state.Departure;
        switch (input)
        {
            case RequestArrived request:
                var answer = InDialog.NoDialogNeeded(state, departure.Invite, request, context);
                return Closing.StopIfDone(departure).Before(answer.Effects.AsSpan());
            case JoinAccepted joined:
                return Closing.LeaveAgain(state, departure with { Conference = joined.Conference }, context);
            case MoveRequested move:
                return Closing.LeaveAgain(state, departure with { Conference = move.Conference }, context);
            case EndRequested end:
                return Closing.LeaveAgain(state, departure with { Conference = end.Conference }, context);
            case Fired { Timer: ParticipantTimer.RepeatLeave } when departure.LeaveOwed:
                return Closing.LeaveAgain(state, departure, context);
            case LeaveAcknowledged:
                return Closing.Acknowledged(state, departure);
            case Fired { Timer: ParticipantTimer.Forget }:
                return Closing.Forget(departure);
            default:
                return Closing.StopIfDone(departure);
        }
    }

    internal static ParticipantStep Cancelled(Invitation invitation, MixerId? mixer, RequestArrived cancel, ParticipantContext context) =>
        Closing.GiveUp(
                invitation, mixer, LeaveReason.Cancelled, ParticipantRefusal.Cancelled,
                FocusResponses.Refuse(invitation.Request, ParticipantRefusal.Cancelled, context), context)
            .Before(new ParticipantEffect.Respond(cancel.Key, FocusResponses.Ok(cancel.Request, context)));

    internal static SipResponse Sorry(Invitation invitation, LeaveReason reason, ParticipantContext context) =>
        reason is LeaveReason.NodeShutdown or LeaveReason.NodeLost or LeaveReason.MediaFailed
            ? FocusResponses.Of(invitation.Request, 503, "Shutting Down", context, ShutdownRetryAfter)
            : FocusResponses.Refuse(invitation.Request, ParticipantRefusal.Ended, context);

    private static ParticipantStep AskAgain(ParticipantState state, ParticipantEffect ask, ParticipantContext context) =>
        Steps.To(state, ask, new ParticipantEffect.Start(ParticipantTimer.RepeatAsk, context.Timings.T2));

    /// <summary>The mixer that has the leg, or is to have it, will not; or none has room.</summary>
    internal static bool LosesLeg(Participation participation, ParticipantInput input) =>
        input is LegRefused refused && refused.Mixer == participation.Mixer || input is JoinRefused && participation.Search.Waits;

    private static IEnumerable<ParticipantEffect> NoLongerHeld(ParticipantState before, ParticipantStep step, ParticipantInput input)
    {
        var held = new HashSet<IDisposable>(step.State.Secrets, ReferenceEqualityComparer.Instance);
        foreach (var secret in before.Secrets)
            if (held.Add(secret))
                yield return new ParticipantEffect.Destroy(secret);

        // Its keys are in the state by now, or refused.
        var body = input switch
        {
            RequestArrived request => request.Request.Body,
            AckArrived ack => ack.Request.Body,
            ResponseArrived response => response.Response.Body,
            _ => SipBody.Empty,
        };
        var waits = step.State is Restored { Recovery.Held: { } kept } && ReferenceEquals(kept.Arrived, input);
        if (!body.IsEmpty && !waits) yield return new ParticipantEffect.Destroy(new SdpBody(body));

        var key = input is JoinAccepted joined ? joined.Key : (input as KeyOffered)?.Key;
        if (key is not null && held.Add(key)) yield return new ParticipantEffect.Destroy(key);

        // Too late, or for an INVITE that was given up.
        if (input is TicketResolved { Verified: { } verified } && held.Add(verified)) yield return new ParticipantEffect.Destroy(verified);
        foreach (var late in (input as PreSharedChecked)?.Opening?.Secrets ?? [])
            if (held.Add(late))
                yield return new ParticipantEffect.Destroy(late);
        foreach (var late in (input as TicketGranted)?.Grant?.Secrets ?? [])
            if (held.Add(late))
                yield return new ParticipantEffect.Destroy(late);
        if (input is LegFound { Record: { } record }) yield return new ParticipantEffect.Destroy(record);
    }
}
