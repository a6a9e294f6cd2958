using System.Collections.Immutable;

namespace ConfCluster.Protocols.Sip.Transactions;

/// <summary>The result of a pure machine: the next state and what is to be done, in order.</summary>
public readonly record struct Step<TState, TEffect>(TState State, ImmutableArray<TEffect> Effects);
