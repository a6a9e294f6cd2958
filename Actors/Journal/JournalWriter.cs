using System.Collections.Immutable;
using System.Diagnostics;
using Akka.Actor;
using ConfCluster.Protocols.Conference;

namespace ConfCluster.Actors.Journal;

/// <summary>
/// Keeps the journal of its parent, so that a failing journal kills neither the parent nor its keys: <see cref="JournalEntries{T}"/> dies
/// instead, and <see cref="WriterPlan{T}"/> says how to go on.
/// </summary>
public sealed class JournalWriter<T> : ReceiveActor, IWithTimers
    where T : class
{
    private readonly string _persistenceId;
    private readonly TimeSpan _minWait;
    private readonly TimeSpan _maxWait;
    private WriterPlan<T> _plan = WriterPlan<T>.Start;
    private IActorRef _entries = ActorRefs.Nobody;

    public JournalWriter(string persistenceId, TimeSpan minWait, TimeSpan maxWait)
    {
        (_persistenceId, _minWait, _maxWait) = (persistenceId, minWait, maxWait);
        Receive<JournalRecovered<T>>(read => Follow(_plan.Read(read.Events, read.Sequence), read));
        Receive<Append<T>>(append => Follow(_plan.Append(append.Events, append.ExpectedSequence)));
        Receive<Appended>(written => Follow(_plan.Written(written.Sequence)));
        Receive<Terminated>(_ => Follow(_plan.Failed()));
        Receive<Retry>(_ => Open());
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PreStart() => Open();

    /// <summary>A restart would lose the batch without a word; the end is noticed.</summary>
    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(_ => Directive.Stop);

    private void Open()
    {
        var (id, after) = (_persistenceId, _plan.IsRead ? _plan.Sequence : 0);
        _entries = Context.Watch(Context.ActorOf(Props.Create(() => new JournalEntries<T>(id, after))));
    }

    private void Follow((WriterPlan<T> Next, WriterAct Act) step, JournalRecovered<T>? read = null)
    {
        _plan = step.Next;
        switch (step.Act)
        {
            case WriterAct.Nothing: break;
            case WriterAct.TellRead: Context.Parent.Tell(read!); break;
            case WriterAct.Write: _entries.Tell(new Append<T>(_plan.Owed, _plan.Sequence)); break;
            case WriterAct.TellWritten: Context.Parent.Tell(new Appended(_plan.Sequence)); break;
            case WriterAct.WaitAndOpen:
                Timers.StartSingleTimer(Retry.Now, Retry.Now, _plan.Wait(_minWait, _maxWait));
                Context.Parent.Tell(JournalFailing.Instance);
                break;
            case WriterAct.Overtaken:
                Context.Unwatch(_entries);
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
