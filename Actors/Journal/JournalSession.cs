using System.Collections.Immutable;
using Akka.Actor;
using Akka.Persistence;

namespace ConfCluster.Actors.Journal;

/// <summary>What the engine's journal said to a <see cref="JournalSession{T}"/>.</summary>
internal abstract record JournalNews<T>
{
    private JournalNews()
    {
    }

    public sealed record Read(ImmutableArray<T> Events, long Highest) : JournalNews<T>;

    public sealed record Written(long Highest) : JournalNews<T>;

    /// <summary>It failed, refused, or did not answer. Whether the events are stored is not known.</summary>
    public sealed record Failed : JournalNews<T>;
}

/// <summary>
/// The events of one id, asked for and stored in the words of the engine's journal, by an actor that need not be a persistent one: such an
/// actor dies of a failed write and costs more than a call has to spend. One question at a time; answers to an older one are not heard.
/// </summary>
internal sealed class JournalSession<T>(string persistenceId, IActorContext context, ITimerScheduler timers)
    where T : class
{
    /// <summary>A journal that was restarted answers nothing.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly ImmutableArray<T>.Builder _read = ImmutableArray.CreateBuilder<T>();
    private readonly IActorRef _journal = Persistence.Instance.Apply(context.System).JournalFor(null);
    private readonly IActorRef _self = context.Self;
    private int _question;
    private long _last;
    private bool _reading;

    /// <summary>What lies after a sequence number.</summary>
    public void Read(long after)
    {
        _read.Clear();
        Ask(after, isReading: true);
        _journal.Tell(new ReplayMessages(after + 1, long.MaxValue, long.MaxValue, persistenceId, _self), _self);
    }

    /// <summary>One atomic write of what follows <paramref name="after"/>.</summary>
    public void Write(IReadOnlyCollection<T> events, long after)
    {
        Ask(after + events.Count, isReading: false);
        var entries = events.Select((e, i) => (IPersistentRepresentation)new Persistent(e, after + 1 + i, persistenceId)).ToImmutableList();
        _journal.Tell(new WriteMessages([new AtomicWrite(entries)], _self, _question), _self);
    }

    /// <summary>Null: not the end of the question.</summary>
    public JournalNews<T>? Hear(object message)
    {
        switch (message)
        {
            case ReplayedMessage replayed when _reading && replayed.Persistent.SequenceNr > _last:
                _last = replayed.Persistent.SequenceNr;
                _read.Add((T)replayed.Persistent.Payload);
                return null;
            case RecoverySuccess success when _reading:
                return Answered(new JournalNews<T>.Read(_read.DrainToImmutable(), success.HighestSequenceNr));
            case WriteMessageSuccess done when done.ActorInstanceId == _question && done.Persistent.SequenceNr == _last:
                return Answered(new JournalNews<T>.Written(_last));
            case ReplayMessagesFailure when _reading:
            case WriteMessageFailure failure when failure.ActorInstanceId == _question:
            case WriteMessageRejected rejected when rejected.ActorInstanceId == _question:
            case Unanswered late when late.Question == _question:
                return Answered(new JournalNews<T>.Failed());
            default:
                return null;
        }
    }

    private void Ask(long last, bool isReading)
    {
        (_last, _reading) = (last, isReading);
        timers.StartSingleTimer(nameof(Unanswered), new Unanswered(++_question), Patience);
    }

    private JournalNews<T> Answered(JournalNews<T> news)
    {
        _question++;
        _reading = false;
        timers.Cancel(nameof(Unanswered));
        return news;
    }

    private sealed record Unanswered(int Question);
}
