using System.Collections.Immutable;
using Akka.Actor;
using ConfCluster.Protocols.Focus;

namespace ConfCluster.Actors.Participant;

/// <summary>Asks the journal of a participant to store a fact; answered by <see cref="FactStored"/>, however long that takes.</summary>
public sealed record StoreFact(DialogFact Fact);

public sealed record FactStored(DialogFact Fact);

/// <summary>The first thing that a journal tells its participant.</summary>
public sealed record FactsRecovered(ImmutableArray<DialogFact> Facts);

/// <summary>
/// How an entity comes by its journal: the actor stores what it is sent. A call writes when it begins and when it ends, so the entity lets the
/// actor go in between.
/// </summary>
/// <param name="stored">How many facts are stored; null: not known, so the actor reads them first and tells its parent.</param>
public delegate Props DialogJournal(Protocols.Conference.ParticipantId participant, long? stored);
