using ConfCluster.Protocols.Sip.Transactions;

namespace ConfCluster.Protocols.Focus;

/// <summary>Builds the steps of a participant.</summary>
internal static class Steps
{
    public static Step<ParticipantState, ParticipantEffect> To(ParticipantState state, params ReadOnlySpan<ParticipantEffect> effects) =>
        new(state, [.. effects]);

    /// <summary>A refusal that changes nothing: the response and its count.</summary>
    public static Step<ParticipantState, ParticipantEffect> Refuse(
        ParticipantState state, ParticipantInput.RequestArrived arrived, ParticipantRefusal refusal, ParticipantContext context,
        string detail = "") =>
        To(
            state,
            new ParticipantEffect.Count(refusal),
            new ParticipantEffect.Respond(arrived.Key, FocusResponses.Refuse(arrived.Request, refusal, context, detail)));

    public static Step<ParticipantState, ParticipantEffect> Before(
        this Step<ParticipantState, ParticipantEffect> step, params ReadOnlySpan<ParticipantEffect> first) =>
        new(step.State, [.. first, .. step.Effects]);
}
