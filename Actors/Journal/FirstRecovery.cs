using Akka.Actor;
using Akka.Persistence;

namespace ConfCluster.Actors.Journal;

/// <summary>
/// Recovers once from the engine's journal, under an id that has nothing there. The first recovery of a program takes a second or more on a busy machine (code is
/// compiled, tables are mapped, connections are opened); without this it would be that of the first conference, whose shard has three seconds for it.
/// </summary>
public sealed class FirstRecovery : UntypedPersistentActor
{
    public const string Name = "first-recovery";

    public override string PersistenceId => Name;

    protected override void OnRecover(object message)
    {
        if (message is RecoveryCompleted) Context.Stop(Self);
    }

    protected override void OnCommand(object message) => Unhandled(message);
}

public static class FirstRecoveryRun
{
    /// <summary>A journal that does not answer is found out by those that need it.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Returns when it has been done, whether it went well or not, and at the latest after 10 s. The shard regions have to have started: the journal keeps the
    /// serializers that it finds.
    /// </summary>
    public static async Task RecoverOnceAsync(this ActorSystem system)
    {
        ArgumentNullException.ThrowIfNull(system);
        using var patience = new CancellationTokenSource(Patience);
        await system.ActorOf(Props.Create(() => new FirstRecovery()), FirstRecovery.Name).WatchAsync(patience.Token);
    }
}
