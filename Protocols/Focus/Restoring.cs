using System.Collections.Immutable;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Sip.Dialogs;
using ConfCluster.Protocols.Sip.Messages;
using ParticipantStep = ConfCluster.Protocols.Sip.Transactions.Step<
    ConfCluster.Protocols.Focus.ParticipantState, ConfCluster.Protocols.Focus.ParticipantEffect>;

namespace ConfCluster.Protocols.Focus;

/// <summary>
/// A dialog that only the journal remembers. Its keys are gone and its leg with them, so it is not taken up again: whatever is asked in it
/// but BYE gets 481, which ends it at the peer (RFC 3261 §12.2.1.2).
/// </summary>
internal static class Restoring
{
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
        var inDialog = request.Method != SipMethod.Cancel && request.Headers.To.Tag is not null
            && Dialog.TryFromFacts(state.Fact.Dialog, out var dialog) && InDialog.Contains(dialog!, request);
        if (!inDialog) return InDialog.NoDialogNeeded(state, null, arrived, context);

        if (request.Method == SipMethod.Bye)
        {
            return Closing.Gone(state.Fact, LeaveReason.Bye, context)
                .Before(new ParticipantEffect.Respond(arrived.Key, FocusResponses.Ok(request, context)));
        }

        var refusal = Steps.Refuse(state, arrived, ParticipantRefusal.NoDialog, context);
        return Closing.Gone(state.Fact, LeaveReason.NodeLost, context).Before(refusal.Effects.AsSpan());
    }
}
