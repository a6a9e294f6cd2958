using Akka.Actor;
using Akka.Cluster;
using ConfCluster.Actors.Sip;

namespace ConfCluster.Actors.Nodes;

/// <summary>A node is being emptied. Said every second to every node, so that also one that comes later knows.</summary>
/// <param name="Node">Address and port of its inner interface.</param>
public sealed record NodeDraining(string Node);

/// <summary>To the node's own watch: from now on it is being emptied.</summary>
public sealed record BeginDraining
{
    public static readonly BeginDraining Instance = new();
}

/// <summary>Tells the other nodes that this one is being emptied, and keeps what they say of themselves.</summary>
public sealed class DrainWatch : ReceiveActor, IWithTimers
{
    public const string Name = "drain-watch";

    private static readonly TimeSpan SayEvery = TimeSpan.FromSeconds(1);

    public DrainWatch(DrainingNodes draining)
    {
        Receive<NodeDraining>(m => draining.Heard(m.Node));
        Receive<BeginDraining>(_ =>
        {
            Timers.StartPeriodicTimer(nameof(Say), Say.Instance, TimeSpan.Zero, SayEvery);
            draining.Heard(SipWay.NameOf(Cluster.SelfAddress));
        });
        Receive<Say>(_ =>
        {
            var news = new NodeDraining(SipWay.NameOf(Cluster.SelfAddress));
            foreach (var member in Cluster.State.Members) Context.ActorSelection(new RootActorPath(member.Address) / "user" / Name).Tell(news);
        });
    }

    public ITimerScheduler Timers { get; set; } = null!;

    private static Akka.Cluster.Cluster Cluster => Akka.Cluster.Cluster.Get(Context.System);

    private sealed class Say
    {
        public static readonly Say Instance = new();
    }
}
