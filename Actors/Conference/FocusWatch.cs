using Akka.Actor;
using Akka.Cluster;
using ConfCluster.Actors.Settings;
using ClusterSettings = ConfCluster.Actors.Settings.ClusterSettings;

namespace ConfCluster.Actors.Conference;

/// <summary>
/// Hears of nodes that are gone. Participants that were there have nobody who wakes them, since only their conference knows of them, and that may be here:
/// so each conference of this node calls its own.
/// </summary>
public sealed class FocusWatch(EntityRegions regions, ActiveConferences active) : UntypedActor
{
    protected override void PreStart() => Cluster.Subscribe(Self, ClusterEvent.SubscriptionInitialStateMode.InitialStateAsEvents, typeof(ClusterEvent.MemberRemoved));

    protected override void PostStop() => Cluster.Unsubscribe(Self);

    private static Akka.Cluster.Cluster Cluster => Akka.Cluster.Cluster.Get(Context.System);

    protected override void OnReceive(object message)
    {
        if (message is not ClusterEvent.MemberRemoved gone || !gone.Member.HasRole(ClusterSettings.NameOf(NodeRole.Focus))) return;
        foreach (var conference in active.Ids) regions.Conferences.Tell(new RecallLegs(conference));
    }
}
