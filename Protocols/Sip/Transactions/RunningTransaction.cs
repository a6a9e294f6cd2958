using System.Collections.Immutable;
using ConfCluster.Protocols.Sip.Messages;

namespace ConfCluster.Protocols.Sip.Transactions;

/// <summary>A machine, the state it is in and the flow its messages take: a row of the layer's table.</summary>
internal abstract class RunningTransaction<TInput>(SipFlow flow)
{
    public SipFlow Flow { get; } = flow;

    public abstract bool IsTerminated { get; }

    /// <summary>Moves to the next state; the effects are for the caller to address.</summary>
    public abstract ImmutableArray<MachineEffect> Next(TInput input);
}

/// <summary>One of the four tables at work.</summary>
internal sealed class RunningTransaction<TState, TInput>(
    TState state, Func<TState, TInput, TransactionTimings, Step<TState, MachineEffect>> table, TransactionTimings timings, SipFlow flow)
    : RunningTransaction<TInput>(flow)
    where TState : ITransactionState
{
    private TState _state = state;

    public override bool IsTerminated => _state.IsTerminated;

    public override ImmutableArray<MachineEffect> Next(TInput input)
    {
        var step = table(_state, input, timings);
        _state = step.State;
        return step.Effects;
    }
}
