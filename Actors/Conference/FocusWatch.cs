using Akka.Actor;
using Akka.Cluster;
using ConfCluster.Actors.Settings;
using ClusterSettings = ConfCluster.Actors.Settings.ClusterSettings;

namespace ConfCluster.Actors.Conference;

/// <summary>
/// Hears of nodes that are gone. Participants that were there have nobody who wakes them, since only their conference knows of them, and that may be here:
/// so each conference of this node calls its own, and those that do not answer again, since the regions of this node may not have heard of it yet.
/// </summary>
public sealed class FocusWatch : ReceiveActor
{
    public FocusWatch(EntityRegions regions, ActiveConferences active)
    {
        Receive<ClusterEvent.MemberRemoved>(gone => gone.Member.HasRole(ClusterSettings.NameOf(NodeRole.Focus)), _ =>
        {
            foreach (var conference in active.Ids) regions.Conferences.Tell(new RecallLegs(conference));
        });
        Receive<ClusterEvent.MemberRemoved>(_ => { });
    }

    private static Akka.Cluster.Cluster Cluster => Akka.Cluster.Cluster.Get(Context.System);

    protected override void PreStart() => Cluster.Subscribe(Self, ClusterEvent.SubscriptionInitialStateMode.InitialStateAsEvents, typeof(ClusterEvent.MemberRemoved));

    protected override void PostStop() => Cluster.Unsubscribe(Self);
}
