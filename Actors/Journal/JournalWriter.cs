using System.Diagnostics;
using Akka.Actor;
using ConfCluster.Protocols.Conference;

namespace ConfCluster.Actors.Journal;

/// <summary>
/// Keeps the journal of its parent, so that a failing journal kills neither the parent nor its keys; <see cref="WriterPlan{T}"/> says how
/// to go on. Without snapshots yet.
/// </summary>
public sealed class JournalWriter<T> : UntypedActor, IWithTimers
    where T : class
{
    private readonly string _persistenceId;
    private readonly TimeSpan _minWait;
    private readonly TimeSpan _maxWait;
    private WriterPlan<T> _plan;
    private JournalSession<T> _session = null!;

    /// <param name="sequence">The parent knows what is stored up to there; null: it is read and told first.</param>
    public JournalWriter(string persistenceId, long? sequence, TimeSpan minWait, TimeSpan maxWait)
    {
        (_persistenceId, _minWait, _maxWait) = (persistenceId, minWait, maxWait);
        _plan = sequence is { } known ? WriterPlan<T>.Start.At(known) : WriterPlan<T>.Start;
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PreStart()
    {
        _session = new JournalSession<T>(_persistenceId, Context, Timers);
        if (!_plan.IsRead) Open();
    }

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case Append<T> append: Follow(_plan.Append(append.Events, append.ExpectedSequence)); break;
            case Retry: Open(); break;
            default: Hear(_session.Hear(message)); break;
        }
    }

    private void Open() => _session.Read(_plan.IsRead ? _plan.Sequence : 0);

    private void Hear(JournalNews<T>? news)
    {
        switch (news)
        {
            case JournalNews<T>.Read read: Follow(_plan.Read(read.Events, read.Highest), read); break;
            case JournalNews<T>.Written written: Follow(_plan.Written(written.Highest)); break;
            case JournalNews<T>.Failed: Follow(_plan.Failed()); break;
        }
    }

    private void Follow((WriterPlan<T> Next, WriterAct Act) step, JournalNews<T>.Read? read = null)
    {
        _plan = step.Next;
        switch (step.Act)
        {
            case WriterAct.Nothing: break;
            case WriterAct.TellRead: Context.Parent.Tell(new JournalRecovered<T>(read!.Events, read.Highest)); break;
            case WriterAct.Write: _session.Write(_plan.Owed, _plan.Sequence); break;
            case WriterAct.TellWritten: Context.Parent.Tell(new Appended(_plan.Sequence)); break;
            case WriterAct.WaitAndOpen:
                Timers.StartSingleTimer(nameof(Retry), Retry.Now, _plan.Wait(_minWait, _maxWait));
                Context.Parent.Tell(JournalFailing.Instance);
                break;
            case WriterAct.Overtaken:
                Context.Parent.Tell(JournalOvertaken.Instance);
                Context.Stop(Self);
                break;
            default: throw new UnreachableException($"no execution for {step.Act}");
        }
    }

    private enum Retry
    {
        Now,
    }
}
