using System.Collections.Immutable;
using Akka.Actor;
using Akka.Persistence;

namespace ConfCluster.Actors.Journal;

/// <summary>
/// The persistent actor: tells its parent what lies after a sequence number, then stores batch after batch. It ends when the journal fails,
/// in whatever way. Without snapshots yet.
/// </summary>
public sealed class JournalEntries<T> : ReceivePersistentActor
    where T : class
{
    private readonly ImmutableArray<T>.Builder _read = ImmutableArray.CreateBuilder<T>();

    public JournalEntries(string persistenceId, long after)
    {
        PersistenceId = persistenceId;
        Recover<T>(e =>
        {
            if (LastSequenceNr > after) _read.Add(e);
        });
        Recover<RecoveryCompleted>(_ => Context.Parent.Tell(new JournalRecovered<T>(_read.DrainToImmutable(), LastSequenceNr)));
        Command<Append<T>>(append =>
        {
            PersistAll(append.Events, _ => { });
            DeferAsync(append, _ => Context.Parent.Tell(new Appended(LastSequenceNr)));
        });
    }

    public override string PersistenceId { get; }

    public override Recovery Recovery => new(SnapshotSelectionCriteria.None);

    /// <summary>A refused batch is a batch that is not stored, so it is treated as a failure.</summary>
    protected override void OnPersistRejected(Exception cause, object @event, long sequenceNr)
    {
        base.OnPersistRejected(cause, @event, sequenceNr);
        Context.Stop(Self);
    }
}
