using System.Collections.Immutable;
using Akka.Actor;
using Akka.Persistence;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Focus;

namespace ConfCluster.Actors.Participant;

/// <summary>
/// Reads and writes the facts of one participant. A journal that fails kills a persistent actor, never the call: this one begins anew
/// after a wait that doubles, reads what was stored after all, and writes what was not, in order.
/// </summary>
public sealed class DialogWriter : ReceiveActor, IWithTimers
{
    private readonly Props _entries;
    private readonly TimeSpan _minWait;
    private readonly TimeSpan _maxWait;
    private readonly List<DialogFact> _owed = [];
    private IActorRef _writer = ActorRefs.Nobody;
    private TimeSpan _wait;
    private bool _told;
    private bool _ready;

    public DialogWriter(ParticipantId participant, TimeSpan minWait, TimeSpan maxWait)
    {
        _entries = Props.Create(() => new Entries(participant));
        (_minWait, _maxWait, _wait) = (minWait, maxWait, minWait);
        Receive<FactsRecovered>(Recovered);
        Receive<FactStored>(Stored);
        Receive<StoreFact>(store =>
        {
            _owed.Add(store.Fact);
            if (_ready) _writer.Tell(store);
        });
        Receive<Terminated>(_ => Wait());
        Receive<Retry>(_ => Begin());
    }

    public ITimerScheduler Timers { get; set; } = null!;

    public static DialogJournal Journal(TimeSpan minWait, TimeSpan maxWait) =>
        id => Props.Create(() => new DialogWriter(id, minWait, maxWait));

    /// <summary>The name under which a dialog's facts are stored: part of the journal's format.</summary>
    private static string PersistenceId(ParticipantId participant) => $"participant-{participant.Value}";

    protected override void PreStart() => Begin();

    private void Begin() => _writer = Context.Watch(Context.ActorOf(_entries));

    private void Wait()
    {
        _ready = false;
        Timers.StartSingleTimer(Retry.Now, Retry.Now, _wait);
        _wait = _wait * 2 < _maxWait ? _wait * 2 : _maxWait;
    }

    private void Recovered(FactsRecovered recovered)
    {
        (_wait, _ready) = (_minWait, true);
        if (!_told) Context.Parent.Tell(recovered);
        _told = true;

        // A write that failed for us may have reached the journal all the same; a dialog has each kind of fact once.
        foreach (var fact in _owed.ToArray())
        {
            if (recovered.Facts.Any(f => f.GetType() == fact.GetType())) Stored(new FactStored(fact));
            else _writer.Tell(new StoreFact(fact));
        }
    }

    private void Stored(FactStored stored)
    {
        if (_owed.Remove(stored.Fact)) Context.Parent.Tell(stored);
    }

    private enum Retry
    {
        Now,
    }

    /// <summary>The persistent actor, which Akka stops when a write fails.</summary>
    private sealed class Entries : ReceivePersistentActor
    {
        private ImmutableArray<DialogFact> _facts = [];

        public Entries(ParticipantId participant)
        {
            PersistenceId = DialogWriter.PersistenceId(participant);
            Recover<DialogFact>(fact => _facts = _facts.Add(fact));
            Recover<RecoveryCompleted>(_ => Context.Parent.Tell(new FactsRecovered(_facts)));
            Command<StoreFact>(store => Persist(store.Fact, fact => Context.Parent.Tell(new FactStored(fact))));
        }

        public override string PersistenceId { get; }

        /// <summary>Without snapshots: a dialog has two facts.</summary>
        public override Recovery Recovery => new(SnapshotSelectionCriteria.None);
    }
}
