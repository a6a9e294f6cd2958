using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Sip.Authentication;
using ConfCluster.Protocols.Sip.Dialogs;
using ConfCluster.Protocols.Sip.Messages;
using ParticipantStep = ConfCluster.Protocols.Sip.Transactions.Step<
    ConfCluster.Protocols.Focus.ParticipantState, ConfCluster.Protocols.Focus.ParticipantEffect>;

namespace ConfCluster.Protocols.Focus;

/// <summary>
/// Every way out: a final non-2xx, the peer's BYE, our BYE (RFC 3261 §15.1) with its reason (RFC 3326 §2), the leave that is repeated until
/// the conference has it, and the end of the entity once nothing is owed.
/// </summary>
internal static class Closing
{
    private static readonly TimeSpan ByeMargin = TimeSpan.FromSeconds(1);

    /// <summary>Refused before anybody else was asked, so nothing is owed.</summary>
    public static ParticipantStep Refused(
        ParticipantInput.RequestArrived arrived, ParticipantRefusal refusal, ParticipantContext context, string detail = "")
    {
        var nothing = new Departure(null, LeaveReason.Unknown, arrived.Key, LeaveOwed: false, Stored: false, Stopped: true);
        var step = Steps.Refuse(new ParticipantState.Ended(nothing), arrived, refusal, context, detail);
        return step with { Effects = step.Effects.Add(new ParticipantEffect.Stop()) };
    }

    /// <summary>The conference said no: there is nothing to leave.</summary>
    public static ParticipantStep JoinRefused(Invitation invitation, Rejection reason, ParticipantContext context) =>
        End(new Departure(invitation.Conference, LeaveReason.Unknown, invitation.Key, LeaveOwed: false, invitation.IsStored), context).Before(
        [
            new ParticipantEffect.Count(ParticipantRefusal.JoinRefused),
            new ParticipantEffect.Respond(invitation.Key, FocusResponses.Of(invitation.Request, reason, context)),
            .. StopAsking,
        ]);

    /// <summary>The INVITE is given up before the conference was asked. Without <paramref name="response"/> nobody can be answered.</summary>
    public static ParticipantStep NotAsked(Invitation invitation, ParticipantRefusal refusal, SipResponse? response, ParticipantContext context) =>
        End(new Departure(null, LeaveReason.Unknown, invitation.Key, LeaveOwed: false, invitation.IsStored), context).Before(
        [
            new ParticipantEffect.Count(refusal),
            .. response is null ? [] : (ParticipantEffect[])[new ParticipantEffect.Respond(invitation.Key, response)],
            .. StopAsking,
        ]);

    /// <summary>
    /// The INVITE is given up after the conference was asked; the leave covers a join that is still on its way. Without
    /// <paramref name="response"/> nobody can be answered.
    /// </summary>
    public static ParticipantStep GiveUp(
        Invitation invitation, MixerId? mixer, LeaveReason reason, ParticipantRefusal refusal, SipResponse? response,
        ParticipantContext context)
    {
        var departure = new Departure(invitation.Conference, reason, invitation.Key, LeaveOwed: true, invitation.IsStored);
        return End(departure, context).Before(
        [
            new ParticipantEffect.Count(refusal),
            .. response is null ? [] : (ParticipantEffect[])[new ParticipantEffect.Respond(invitation.Key, response)],
            .. StopAsking,
            .. Leave(invitation.Conference, reason, mixer, context),
        ]);
    }

    /// <summary>RFC 3261 §15.1.2: the peer hangs up, before its ACK or after.</summary>
    public static ParticipantStep PeerLeft(Participation participation, ParticipantInput.RequestArrived bye, ParticipantContext context)
    {
        var departure = Owing(participation, LeaveReason.Bye);
        return End(departure, context).Before(
        [
            new ParticipantEffect.Respond(bye.Key, FocusResponses.Ok(bye.Request, context)),
            .. StopRepeating,
            .. Leave(participation.Conference, LeaveReason.Bye, participation.Mixer, context),
        ]);
    }

    /// <summary>We hang up. The leg is closed and the leave reported at once; what the peer answers only ends the dialog.</summary>
    public static ParticipantStep HangUp(Participation participation, LeaveReason reason, ParticipantContext context)
    {
        var flow = NextHop.Of(participation.Dialog, participation.Flow, participation.Hidden);
        var (pending, bye) = Bye(new PendingBye(participation.Dialog, flow, Refreshing.Proofs(participation, context)), reason, context);
        return Steps.To(
            new ParticipantState.Ending(Owing(participation, reason), pending),
            [.. StopRepeating, .. bye, .. Leave(participation.Conference, reason, participation.Mixer, context)]);
    }

    /// <summary>BYE in a dialog that only the journal knows: its CSeq may be behind what was sent, so it takes a leap.</summary>
    public static ParticipantStep HangUp(DialogFact.DialogConfirmed fact, LeaveReason reason, ParticipantContext context)
    {
        var departure = new Departure(fact.Conference, reason, null, LeaveOwed: true, Stored: true);
        if (!Dialog.TryFromFacts(fact.Dialog, out var dialog)) return Gone(fact, reason, context);

        var leapt = LegRecord.Leapt(dialog!, context.Now);
        var flow = NextHop.Of(leapt, fact.Flow with { Connection = 0 }, fact.Hidden);
        var (pending, bye) = Bye(new PendingBye(leapt, flow, DigestClient.Of(context.Settings.Outbound.Credentials)), reason, context);
        return Steps.To(
            new ParticipantState.Ending(departure, pending),
            [.. bye, .. Leave(fact.Conference, reason, null, context)]);
    }

    /// <summary>A dialog of the journal that the peer ends.</summary>
    public static ParticipantStep Gone(DialogFact.DialogConfirmed fact, LeaveReason reason, ParticipantContext context) =>
        End(new Departure(fact.Conference, reason, null, LeaveOwed: true, Stored: true), context)
            .Before(Leave(fact.Conference, reason, null, context));

    /// <summary>RFC 3261 §15.1.1: the dialog is over when our BYE is answered, but for a server that asks who we are (RFC 3261 §22.2).</summary>
    public static ParticipantStep ByeAnswered(ParticipantState.Ending state, SipResponse response, ParticipantContext context)
    {
        var pending = state.Bye;
        if (response.StatusCode is not (401 or 407) || response.Headers.CSeq.Number != pending.Dialog.LocalSequence
            || pending.Answers >= DigestClient.MaxAnswers || !pending.Proofs.TryLearn(response, out var proofs))
            return ByeDone(state.Departure, context);
        var (next, bye) = Bye(pending with { Proofs = proofs, Answers = pending.Answers + 1 }, state.Departure.Reason, context);
        return Steps.To(state with { Bye = next }, bye);
    }

    /// <summary>RFC 3261 §15.1.1: the dialog is over as soon as our BYE is answered or given up.</summary>
    public static ParticipantStep ByeDone(Departure departure, ParticipantContext context) =>
        End(departure, context).Before(new ParticipantEffect.Cancel(ParticipantTimer.ByeUnanswered));

    /// <summary>The leave was lost, or a join was accepted after it.</summary>
    public static ParticipantStep LeaveAgain(ParticipantState state, Departure departure, ParticipantContext context) =>
        departure.Conference is not { } conference ? Steps.To(state)
        : departure.Stopped ? Steps.To(state, new ParticipantEffect.Leave(conference, departure.Reason))
        : With(state, departure with { LeaveOwed = true }, [.. Leave(conference, departure.Reason, null, context)]);

    /// <summary>Somebody holds us for a participant and we know of no dialog: we are out.</summary>
    public static ParticipantStep NeverIn(ConferenceId conference, LeaveReason reason, ParticipantContext context)
    {
        var departure = new Departure(conference, reason, null, LeaveOwed: true, Stored: false);
        return LeaveAgain(new ParticipantState.Ended(departure), departure, context);
    }

    public static ParticipantStep Acknowledged(ParticipantState state, Departure departure)
    {
        if (!departure.LeaveOwed) return Steps.To(state);
        var next = departure with { LeaveOwed = false };
        var step = state is ParticipantState.Ended ? StopIfDone(next) : With(state, next);
        return step.Before(new ParticipantEffect.Cancel(ParticipantTimer.RepeatLeave));
    }

    public static ParticipantStep Forget(Departure departure) => StopIfDone(departure with { Lingering = false });

    /// <summary>An entity that has ended is not born again: it answers and is gone.</summary>
    public static ParticipantStep StopIfDone(Departure departure) =>
        departure.LeaveOwed || departure.Lingering || departure.Stopped
            ? Steps.To(new ParticipantState.Ended(departure))
            : Steps.To(new ParticipantState.Ended(departure with { Stopped = true }), new ParticipantEffect.Stop());

    private static Departure Owing(Participation participation, LeaveReason reason) =>
        new(participation.Conference, reason, participation.Invite, LeaveOwed: true, participation.Stored);

    private static ParticipantStep End(Departure departure, ParticipantContext context)
    {
        if (departure.Stored)
        {
            return StopIfDone(departure with { Stored = false })
                .Before(new ParticipantEffect.Store(new DialogFact.DialogEnded(departure.Reason)));
        }

        // The journal will not know this id, so memory does, for as long as a forked copy of the INVITE may come (RFC 3261 §8.2.2.2).
        return departure.LeaveOwed
            ? StopIfDone(departure with { Lingering = true })
                .Before(new ParticipantEffect.Start(ParticipantTimer.Forget, context.Timings.TransactionTimeout))
            : StopIfDone(departure);
    }

    private static (PendingBye Pending, ParticipantEffect[] Effects) Bye(PendingBye pending, LeaveReason reason, ParticipantContext context)
    {
        var (dialog, bye) = pending.Dialog.NewRequest(SipMethod.Bye);
        var headers = bye.Headers.Append("Reason", LeaveReasonText.Header(reason)).Append("User-Agent", context.Settings.Server);
        (var proofs, bye) = pending.Proofs.Authorize(bye with { Headers = headers }, context.Random);
        return (pending with { Dialog = dialog, Proofs = proofs },
        [
            new ParticipantEffect.SendRequest(bye, pending.Flow),
            new ParticipantEffect.Start(ParticipantTimer.ByeUnanswered, context.Timings.TransactionTimeout + ByeMargin),
        ]);
    }

    private static ParticipantEffect[] Leave(ConferenceId conference, LeaveReason reason, MixerId? mixer, ParticipantContext context) =>
    [
        .. mixer is { } known ? (ParticipantEffect[])[new ParticipantEffect.CloseLeg(known)] : [],
        new ParticipantEffect.Leave(conference, reason),
        new ParticipantEffect.Start(ParticipantTimer.RepeatLeave, context.Timings.T2),
    ];

    private static ParticipantEffect[] StopAsking =>
        [new ParticipantEffect.Cancel(ParticipantTimer.RepeatAsk), new ParticipantEffect.Cancel(ParticipantTimer.Unanswered)];

    private static ParticipantEffect[] StopRepeating =>
        [
            new ParticipantEffect.Cancel(ParticipantTimer.Repeat2xx), new ParticipantEffect.Cancel(ParticipantTimer.NoAck),
            new ParticipantEffect.Cancel(ParticipantTimer.Refresh), new ParticipantEffect.Cancel(ParticipantTimer.SessionExpired),
            new ParticipantEffect.Cancel(ParticipantTimer.Retry), new ParticipantEffect.Cancel(ParticipantTimer.RequestUnanswered),
            new ParticipantEffect.Cancel(ParticipantTimer.RepeatAsk),
        ];

    private static ParticipantStep With(ParticipantState state, Departure departure, params ParticipantEffect[] effects) =>
        state is ParticipantState.Ending ending
            ? Steps.To(ending with { Departure = departure }, effects)
            : Steps.To(new ParticipantState.Ended(departure), effects);
}
