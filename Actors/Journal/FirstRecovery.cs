using Akka.Actor;
using Akka.Persistence;

namespace ConfCluster.Actors.Journal;

/// <summary>
/// Recovers once from the engine's journal, under an id that has nothing there. The first recovery of a program takes a second or more on a busy machine (code is
/// compiled, tables are mapped, connections are opened); without this it would be that of the first conference, whose shard has three seconds for it.
/// The shard regions have to have started: the journal keeps the serializers that it finds.
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
