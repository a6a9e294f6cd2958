using Akka.Actor;
using Akka.Cluster;
using ConfCluster.Actors.Settings;
using ClusterSettings = ConfCluster.Actors.Settings.ClusterSettings;

namespace ConfCluster.Actors.Conference;

/// <summary>
/// Hears of nodes that are gone. Participants that were there have nobody who wakes them, since only their conference knows of them, and that may be here:
/// so each conference of this node calls its own. Once at once, and once when the regions of this node must have heard of it too: until then what is sent to
/// who was there is lost.
/// </summary>
public sealed class FocusWatch : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan CallAgain = TimeSpan.FromMilliseconds(250);

    public FocusWatch(EntityRegions regions, ActiveConferences active)
    {
        Receive<ClusterEvent.MemberRemoved>(gone => gone.Member.HasRole(ClusterSettings.NameOf(NodeRole.Focus)), _ =>
        {
            Call();
            Timers.StartSingleTimer(Again.Instance, Again.Instance, CallAgain);
        });
        Receive<ClusterEvent.MemberRemoved>(_ => { });
        Receive<Again>(_ => Call());

        void Call()
        {
            foreach (var conference in active.Ids) regions.Conferences.Tell(new RecallLegs(conference));
        }
    }

    public ITimerScheduler Timers { get; set; } = null!;

    private static Akka.Cluster.Cluster Cluster => Akka.Cluster.Cluster.Get(Context.System);

    protected override void PreStart() => Cluster.Subscribe(Self, ClusterEvent.SubscriptionInitialStateMode.InitialStateAsEvents, typeof(ClusterEvent.MemberRemoved));

    protected override void PostStop() => Cluster.Unsubscribe(Self);

    private sealed class Again
    {
        public static readonly Again Instance = new();
    }
}
