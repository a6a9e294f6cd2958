using Akka.Actor;
using Akka.Cluster;
using Akka.Event;
using Akka.Remote;
using ConfCluster.Actors.Sip;
using ConfCluster.Protocols.Nodes;

namespace ConfCluster.Actors.Nodes.Losses;

/// <summary>To the watches of all nodes: a node's port refuses connections to who says this.</summary>
/// <param name="Finder">Address of who says it.</param>
public sealed record NodeRefuses(NodeRun Run, string Finder);

/// <summary>
/// Finds out that a node's program has ended, sooner than by its silence: when a connection to it breaks its port is tried, and when that refuses
/// (<see cref="DoorTries"/>) the others are told, who try themselves. Whom more than half of all members found so (<see cref="EndedNodes"/>) is taken out of the
/// cluster at once, and what lived there begins elsewhere. Who is silent, has been stopped, or whose machine is gone, is left to the failure detector and the
/// split-brain resolver.
/// </summary>
public sealed class EndedNodeWatch : ReceiveActor, IWithTimers
{
    public const string Name = "ended-node-watch";

    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(500);

    private readonly EndedNodes _ended = new();
    private readonly Dictionary<UniqueAddress, DoorTries> _tried = [];
    private readonly Func<Address, TimeSpan, Task<Door>> _ring;
    private readonly TimeProvider _clock;
    private readonly long _started;
    private readonly ILoggingAdapter _log = Context.GetLogger();

    /// <param name="ring">As <see cref="Doorbell.RingAsync"/>.</param>
    public EndedNodeWatch(Func<Address, TimeSpan, Task<Door>> ring, TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(clock);
        (_ring, _clock, _started) = (ring, clock, clock.GetTimestamp());
        Receive<DisassociatedEvent>(e => Doubt(e.RemoteAddress));
        Receive<AssociationErrorEvent>(e => Doubt(e.RemoteAddress));
        Receive<ClusterEvent.UnreachableMember>(e => Doubt(e.Member.Address));
        Receive<Rung>(OnRung);
        Receive<RingAgain>(m => Ring(m.Node));
        Receive<NodeRefuses>(OnRefuses);
    }

    public ITimerScheduler Timers { get; set; } = null!;

    private static Akka.Cluster.Cluster Cluster => Akka.Cluster.Cluster.Get(Context.System);

    private TimeSpan Now => _clock.GetElapsedTime(_started);

    protected override void PreStart()
    {
        Context.System.EventStream.Subscribe(Self, typeof(DisassociatedEvent));
        Context.System.EventStream.Subscribe(Self, typeof(AssociationErrorEvent));
        Cluster.Subscribe(Self, ClusterEvent.SubscriptionInitialStateMode.InitialStateAsEvents, typeof(ClusterEvent.UnreachableMember));
    }

    protected override void PostStop()
    {
        Context.System.EventStream.Unsubscribe(Self);
        Cluster.Unsubscribe(Self);
    }

    private static NodeRun RunOf(UniqueAddress node) => new(SipWay.NameOf(node.Address), node.Uid);

    /// <summary>Who is leaving in order ends its program as the last thing, and is let go by the engine.</summary>
    private static bool IsToBeThere(Member member) =>
        member.Status is MemberStatus.Joining or MemberStatus.WeaklyUp or MemberStatus.Up or MemberStatus.Leaving && member.UniqueAddress != Cluster.SelfUniqueAddress;

    private void Doubt(Address address)
    {
        if (Cluster.State.Members.FirstOrDefault(m => m.Address == address && IsToBeThere(m)) is { } member && _tried.TryAdd(member.UniqueAddress, default))
            Ring(member.UniqueAddress);
    }

    private void Ring(UniqueAddress node) =>
        _ring(node.Address, Patience).PipeTo(Self, success: door => new Rung(node, door), failure: _ => new Rung(node, Door.Silent));

    private void OnRung(Rung rung)
    {
        var (tries, verdict) = _tried[rung.Node].Tried(rung.Door);
        if (verdict == DoorVerdict.TryAgain)
        {
            _tried[rung.Node] = tries;
            Timers.StartSingleTimer(rung.Node, new RingAgain(rung.Node), DoorTries.Every);
            return;
        }

        _tried.Remove(rung.Node);
        if (verdict != DoorVerdict.Ended) return;
        var news = new NodeRefuses(RunOf(rung.Node), SipWay.NameOf(Cluster.SelfAddress));
        foreach (var member in Cluster.State.Members.Where(m => m.UniqueAddress != rung.Node))
            Context.ActorSelection(new RootActorPath(member.Address) / "user" / Name).Tell(news);
    }

    private void OnRefuses(NodeRefuses news)
    {
        _ended.Found(news.Finder, news.Run, Now);
        var members = Cluster.State.Members;
        if (members.FirstOrDefault(m => RunOf(m.UniqueAddress) == news.Run && IsToBeThere(m)) is not { } member) return;
        if (!_ended.IsOver(news.Run, [.. members.Select(m => SipWay.NameOf(m.Address))], Now))
        {
            if (news.Finder != SipWay.NameOf(Cluster.SelfAddress)) Doubt(member.Address);
            return;
        }

        _log.Warning("The program of node {0} has ended, as more than half of all {1} nodes found; what lived there begins elsewhere", news.Run.Address, members.Count);
        // The first lets the engine take it for unreachable without waiting for its silence, which it needs before it can let it go.
        ((IRemoteActorRefProvider)((ExtendedActorSystem)Context.System).Provider).Quarantine(member.Address, member.UniqueAddress.Uid);
        Cluster.Down(member.Address);
    }

    private sealed record Rung(UniqueAddress Node, Door Door);

    private sealed record RingAgain(UniqueAddress Node);
}
