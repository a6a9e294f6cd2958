using System.Collections.Immutable;
using ConfCluster.Protocols.Sip.Dialogs;
using ConfCluster.Protocols.Sip.Messages;
using static ConfCluster.Protocols.Focus.ParticipantInput;
using static ConfCluster.Protocols.Focus.ParticipantState;
using ParticipantStep = ConfCluster.Protocols.Sip.Transactions.Step<
    ConfCluster.Protocols.Focus.ParticipantState, ConfCluster.Protocols.Focus.ParticipantEffect>;

namespace ConfCluster.Protocols.Focus;

/// <summary>
/// Answers that come after the one that was kept (RFC 3261 §13.2.2.4): a copy of it gets its ACK again; a phone that the INVITE was forked to
/// gets ACK and BYE, with the Reason that it was answered elsewhere (RFC 3326 §2). For 64*T1 after the first 2xx, which is how long the
/// transaction lets them through (RFC 6026 §7.2); the participant lives on under it as if nobody else had been called.
/// </summary>
internal static class LateAnswers
{
    private const string Elsewhere = "SIP;cause=200;text=\"Call completed elsewhere\"";

    public static ParticipantStep Watch(ParticipantStep step, AnsweredCall answered, ParticipantContext context)
    {
        var watched = Wrap(step, new Forked(step.State, answered, Stopping: false));
        return watched.Before(new ParticipantEffect.Start(ParticipantTimer.LateAnswers, context.Timings.TransactionTimeout));
    }

    public static ParticipantStep Next(Forked state, ParticipantInput input, ParticipantContext context) => input switch
    {
        ResponseArrived { Response: { Headers.CSeq.Method.Name: "INVITE" } response } when IsOfTheCall(state.Call, response) =>
            response.Class == 2 ? Answer(state, response, context) : Steps.To(state),
        ResponseArrived { Response.Headers: { CSeq.Method.Name: "BYE", To.Tag: { } tag } } when state.Call.Declined.Contains(tag) => Steps.To(state),
        Fired { Timer: ParticipantTimer.LateAnswers } => state.Stopping
            ? Steps.To(state.Inner, new ParticipantEffect.Stop())
            : Steps.To(state.Inner),
        _ => Wrap(ParticipantMachine.Decide(state.Inner, input, context), state),
    };

    /// <summary>ACK and BYE to a phone that nobody waits for; only the ACK for a copy, since its BYE is on its way already.</summary>
    public static (AnsweredCall Next, ParticipantEffect[] Effects) Decline(AnsweredCall answered, SipResponse response, ParticipantContext context)
    {
        if (!Dialog.TryFromResponse(answered.Invite, response, out var dialog)) return (answered, []);
        var (tag, flow) = (dialog!.Remote.Tag!, NextHop.Of(dialog, answered.Flow, hidden: false));
        var ack = new ParticipantEffect.SendAck(DialRequests.Ack(dialog, answered.Invite), flow);
        return answered.Declined.Contains(tag)
            ? (answered, [ack])
            : (answered with { Declined = answered.Declined.Add(tag) },
                [ack, new ParticipantEffect.SendRequest(DialRequests.Bye(dialog, Elsewhere, context), flow)]);
    }

    private static ParticipantStep Answer(Forked state, SipResponse response, ParticipantContext context)
    {
        if (response.Headers.To.Tag != state.Call.KeptTag)
        {
            var (next, effects) = Decline(state.Call, response, context);
            return Steps.To(state with { Call = next }, effects);
        }

        return Dialog.TryFromResponse(state.Call.Invite, response, out var kept)
            ? Steps.To(state, new ParticipantEffect.SendAck(state.Call.Ack, NextHop.Of(kept!, state.Call.Flow, hidden: false)))
            : Steps.To(state);
    }

    private static bool IsOfTheCall(AnsweredCall answered, SipResponse response) =>
        response.Headers.CSeq.Number == answered.Invite.Headers.CSeq.Number;

    /// <summary>The entity must not go before the last answer can have come.</summary>
    private static ParticipantStep Wrap(ParticipantStep step, Forked state)
    {
        var stops = step.Effects.Any(e => e is ParticipantEffect.Stop);
        return new ParticipantStep(
            state with { Inner = step.State, Stopping = state.Stopping || stops },
            stops ? step.Effects.RemoveAll(e => e is ParticipantEffect.Stop) : step.Effects);
    }
}
