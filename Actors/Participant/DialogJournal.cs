using System.Collections.Immutable;
using Akka.Actor;
using ConfCluster.Protocols.Focus;

namespace ConfCluster.Actors.Participant;

/// <summary>Asks the journal of a participant to store a fact; answered by <see cref="FactStored"/>, however long that takes.</summary>
public sealed record StoreFact(DialogFact Fact);

public sealed record FactStored(DialogFact Fact);

/// <summary>The first thing that a journal tells its participant.</summary>
public sealed record FactsRecovered(ImmutableArray<DialogFact> Facts);

/// <summary>How an entity comes by its journal: the actor reads the facts, tells its parent, and stores what it is sent.</summary>
public delegate Props DialogJournal(Protocols.Conference.ParticipantId participant);
