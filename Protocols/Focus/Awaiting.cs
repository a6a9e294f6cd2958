using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Sip.Messages;
using static ConfCluster.Protocols.Focus.ParticipantInput;
using ParticipantStep = ConfCluster.Protocols.Sip.Transactions.Step<
    ConfCluster.Protocols.Focus.ParticipantState, ConfCluster.Protocols.Focus.ParticipantEffect>;

namespace ConfCluster.Protocols.Focus;

/// <summary>
/// A participant that was let in and was gone, with its node or with its shard, before it stored anything: only the conference knows of it. Its caller has no
/// answer yet, so the INVITE is handed on again, and the dialog begins with that; one that said it was out would have it refused.
/// </summary>
internal static class Awaiting
{
    /// <param name="conference">It spoke to a participant that knows nothing of itself.</param>
    public static ParticipantStep Begin(ConferenceId conference, ParticipantContext context) => context.Settings.CallsOutliveNode
        ? Steps.To(new ParticipantState.Awaited(conference), new ParticipantEffect.Start(ParticipantTimer.RepeatAsk, Recovering.UntilCopy * context.Timings.T1))
        : Closing.NeverIn(conference, LeaveReason.DialogFailed, context);

    public static ParticipantStep Next(ParticipantState.Awaited state, ParticipantInput input, ParticipantContext context) => input switch
    {
        RequestArrived { Request: { Method.Name: "INVITE", Headers.To.Tag: null } } invite => Arrival.Begin(invite, context).Before(Recovering.StopAsking),
        RequestArrived other => InDialog.NoDialogNeeded(state, null, other, context),
        EndRequested end => Closing.NeverIn(end.Conference, end.Reason, context).Before(Recovering.StopAsking),
        Fired { Timer: ParticipantTimer.RepeatAsk } => Closing.NeverIn(state.Conference, LeaveReason.DialogFailed, context),
        _ => Steps.To(state),
    };
}
