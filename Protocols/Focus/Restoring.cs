using System.Collections.Immutable;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Sip.Dialogs;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Sessions;
using ConfCluster.Protocols.Sip.Transactions;
using ParticipantStep = ConfCluster.Protocols.Sip.Transactions.Step<
    ConfCluster.Protocols.Focus.ParticipantState, ConfCluster.Protocols.Focus.ParticipantEffect>;

namespace ConfCluster.Protocols.Focus;

/// <summary>
/// A dialog that only the journal remembers. Its keys are gone, and on a node that is alone its leg with them, so it is not taken up again: whatever is asked
/// in it but BYE gets 481, which ends it at the peer (RFC 3261 §12.2.1.2). In a cluster the leg plays on at its mixer, from which <see cref="Recovering"/> has it
/// back. Until then, and where that cannot be, the dialog is kept as it is: session refreshes by UPDATE are taken (RFC 4028 §9), and a change of the session is
/// refused, which leaves it unchanged (RFC 3261 §14.1).
/// </summary>
internal static class Restoring
{
    /// <summary>RFC 3261 §20.43.</summary>
    private const string Unchangeable = "399 focus \"The session goes on as it is and cannot be changed any more\"";

    public static ParticipantState Fold(ImmutableArray<DialogFact> facts)
    {
        var confirmed = facts.OfType<DialogFact.DialogConfirmed>().FirstOrDefault();
        var ended = facts.OfType<DialogFact.DialogEnded>().FirstOrDefault();
        if (ended is not null)
            return new ParticipantState.Ended(new Departure(confirmed?.Conference, ended.Reason, null, LeaveOwed: false, Stored: false));
        return confirmed is null ? ParticipantState.Initial : new ParticipantState.Restored(confirmed);
    }

    public static ParticipantStep Request(
        ParticipantState.Restored state, ParticipantInput.RequestArrived arrived, ParticipantContext context)
    {
        var request = arrived.Request;
        // It is handed on because nobody has answered it: who was about to has died.
        TransactionKey? invite = state.Fact.Invite is { } first && first.MayBeOpen(context) ? first.Key : null;
        if (request.Headers.To.Tag is null && arrived.Key == invite) return Arrival.Begin(arrived, context, isStored: true);
        if (!IsInDialog(state, request)) return InDialog.NoDialogNeeded(state, invite, arrived, context);

        if (request.Method == SipMethod.Bye)
        {
            return Closing.Gone(state.Fact, LeaveReason.Bye, context)
                .Before(new ParticipantEffect.Respond(arrived.Key, FocusResponses.Ok(request, context)));
        }

        if (context.Settings.CallsOutliveNode) return Keep(state, arrived, context);
        var refusal = Steps.Refuse(state, arrived, ParticipantRefusal.NoDialog, context);
        return Closing.Gone(state.Fact, LeaveReason.NodeLost, context).Before(refusal.Effects.AsSpan());
    }

    /// <summary>
    /// RFC 3261 §13.3.1.4: an offer of ours was on its way when its participant died, and the peer took it. Nobody knows what it held, but a peer that never gets
    /// its ACK ends the call after 64*T1.
    /// </summary>
    public static ParticipantStep AckLost(ParticipantState.Restored state, SipResponse response)
    {
        if (response is not { Class: 2, Headers.CSeq.Method.Name: "INVITE" } || !Dialog.TryFromFacts(state.Fact.Dialog, out var dialog)) return Steps.To(state);
        return response.Headers.CallId == dialog!.CallId && response.Headers.To.Tag == dialog.Remote.Tag && response.Headers.From.Tag == dialog.Local.Tag
            ? Steps.To(
                state,
                new ParticipantEffect.SendAck(
                    dialog.Ack(response.Headers.CSeq.Number), NextHop.Of(dialog, state.Fact.Flow with { Connection = 0 }, state.Fact.Hidden)))
            : Steps.To(state);
    }

    public static bool IsInDialog(ParticipantState.Restored state, SipRequest request) =>
        request.Method != SipMethod.Cancel && request.Headers.To.Tag is not null
        && Dialog.TryFromFacts(state.Fact.Dialog, out var dialog) && InDialog.Contains(dialog!, request);

    /// <param name="arrived">In the dialog.</param>
    public static ParticipantStep Keep(ParticipantState.Restored state, ParticipantInput.RequestArrived arrived, ParticipantContext context)
    {
        var request = arrived.Request;
        if (!Dialog.TryFromFacts(state.Fact.Dialog, out var dialog) || dialog!.Receive(request, out var next) != DialogVerdict.InOrder)
            return Steps.Refuse(state, arrived, ParticipantRefusal.OutOfOrder, context);
        var counted = state with { Fact = state.Fact with { Dialog = state.Fact.Dialog with { RemoteSequence = next.RemoteSequence } } };
        if (!RequestRules.TryExtensions(request, out var unsupported))
            return Steps.Refuse(counted, arrived, ParticipantRefusal.UnsupportedExtension, context, unsupported);
        if (request.Method == SipMethod.Options)
        {
            return Steps.To(counted, new ParticipantEffect.Respond(
                arrived.Key, FocusResponses.Options(request, state.Fact.Conference, state.Fact.Flow, context)));
        }

        if (request.Method == SipMethod.Invite || (request.Method == SipMethod.Update && !request.Body.IsEmpty))
            return Steps.Refuse(counted, arrived, ParticipantRefusal.UnacceptableOffer, context, Unchangeable);
        if (request.Method != SipMethod.Update) return Steps.Refuse(counted, arrived, ParticipantRefusal.NoTransaction, context);
        if (!Refreshing.TryAgree(request, SessionTimer.None, context, out var session, out var refusal))
            return Steps.Refuse(counted, arrived, refusal, context);
        var moved = state with { Fact = state.Fact with { Flow = arrived.Flow, Dialog = DialogFacts.Of(next) } };
        var answer = FocusResponses.Refreshed(request, moved.Fact, session, context);
        return Steps.To(moved, new ParticipantEffect.Respond(arrived.Key, answer), Refreshing.Timers(session)[0]);
    }
}
