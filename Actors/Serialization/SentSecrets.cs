using System.Collections.Concurrent;
using Akka.Actor;

namespace ConfCluster.Actors.Serialization;

/// <summary>
/// Messages with keys that went to another node. The engine may turn one into bytes again while the way there is jammed, so their keys are zeroed a
/// while after, and not at once.
/// </summary>
internal sealed class SentSecrets
{
    /// <summary>Longer than the engine holds a message for a way that is jammed.</summary>
    private static readonly TimeSpan Kept = TimeSpan.FromSeconds(30);

    private readonly ConcurrentQueue<(TimeSpan Due, Action Spend)> _sent = new();
    private readonly IScheduler _scheduler;

    public SentSecrets(ActorSystem system)
    {
        ArgumentNullException.ThrowIfNull(system);
        _scheduler = system.Scheduler;
        _scheduler.Advanced.ScheduleRepeatedly(Kept, Kept, () => Sweep(_scheduler.MonotonicClock));
        system.WhenTerminated.ContinueWith(_ => Sweep(TimeSpan.MaxValue), TaskScheduler.Default);
    }

    public int Count => _sent.Count;

    public void Add(Action spend) => _sent.Enqueue((_scheduler.MonotonicClock + Kept, spend));

    internal void Sweep(TimeSpan now)
    {
        while (_sent.TryPeek(out var oldest) && oldest.Due <= now && _sent.TryDequeue(out var due)) due.Spend();
    }
}
