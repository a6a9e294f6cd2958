using Akka.Actor;
using ConfCluster.Actors.Journal;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Focus;

namespace ConfCluster.Actors.Participant;

/// <summary>
/// Reads and writes the facts of one participant. A journal that fails does not end the call: after a wait that doubles this reads what
/// was stored after all, and writes what was not, in order. Nobody else writes under this id.
/// </summary>
public sealed class DialogWriter : UntypedActor, IWithTimers
{
    private readonly ParticipantId _participant;
    private readonly TimeSpan _minWait;
    private readonly TimeSpan _maxWait;
    private readonly List<DialogFact> _owed = [];
    private JournalSession<DialogFact> _session = null!;
    private TimeSpan _wait;
    private long _stored;
    private int _writing;
    private bool _known;
    private bool _isOpen;

    public DialogWriter(ParticipantId participant, long? stored, TimeSpan minWait, TimeSpan maxWait)
    {
        (_participant, _minWait, _maxWait, _wait) = (participant, minWait, maxWait, minWait);
        (_stored, _known) = (stored ?? 0, stored is not null);
        _isOpen = _known;
    }

    public ITimerScheduler Timers { get; set; } = null!;

    public static DialogJournal Journal(TimeSpan minWait, TimeSpan maxWait) =>
        (id, stored) => Props.Create(() => new DialogWriter(id, stored, minWait, maxWait));

    /// <summary>The name under which a dialog's facts are stored: part of the journal's format.</summary>
    private static string PersistenceId(ParticipantId participant) => $"participant-{participant.Value}";

    protected override void PreStart()
    {
        _session = new JournalSession<DialogFact>(PersistenceId(_participant), Context, Timers);
        if (!_known) _session.Read(_stored);
    }

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case StoreFact store:
                _owed.Add(store.Fact);
                Write();
                break;
            case Retry:
                _session.Read(_stored);
                break;
            default:
                Hear(_session.Hear(message));
                break;
        }
    }

    private void Hear(JournalNews<DialogFact>? news)
    {
        switch (news)
        {
            case JournalNews<DialogFact>.Read read:
                if (!_known) Context.Parent.Tell(new FactsRecovered(read.Events));
                else Stored((int)(read.Highest - _stored));
                (_known, _stored, _wait) = (true, read.Highest, _minWait);
                Open();
                break;
            case JournalNews<DialogFact>.Written:
                _stored += _writing;
                Stored(_writing);
                Open();
                break;
            case JournalNews<DialogFact>.Failed:
                _isOpen = false;
                Timers.StartSingleTimer(nameof(Retry), Retry.Now, _wait);
                _wait = _wait * 2 < _maxWait ? _wait * 2 : _maxWait;
                break;
        }
    }

    private void Open()
    {
        (_isOpen, _writing) = (true, 0);
        Write();
    }

    /// <summary>One write at a time: a later fact must not be stored without the one before it.</summary>
    private void Write()
    {
        if (!_isOpen || _writing > 0 || _owed.Count == 0) return;
        _writing = _owed.Count;
        _session.Write(_owed, _stored);
    }

    private void Stored(int count)
    {
        foreach (var fact in _owed.Take(count)) Context.Parent.Tell(new FactStored(fact));
        _owed.RemoveRange(0, Math.Min(count, _owed.Count));
    }

    private enum Retry
    {
        Now,
    }
}
