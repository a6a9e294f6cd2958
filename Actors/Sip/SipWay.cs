using System.Collections.Immutable;
using Akka.Actor;
using Akka.Cluster;
using Akka.Event;
using ConfCluster.Actors.Participant;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Transactions;
using Member = Akka.Cluster.Member;

namespace ConfCluster.Actors.Sip;

/// <summary>A dialog that the node let in is over, so that its place is free.</summary>
/// <param name="Node">Which let it in.</param>
public sealed record DialogOver(ParticipantId Participant, string Node);

/// <summary>
/// The way from the participants of a node to the SIP endpoints of the cluster, one per node: what a participant wants sent goes to the node that owns
/// its flow (<see cref="SipNodeChoice"/>), what it wants found to any.
/// </summary>
public sealed class SipWay : ReceiveActor, IWithTimers
{
    /// <summary>Dialogs that are told of a node's end at a time: each sends a request then.</summary>
    private const int ToldAtOnce = 20;

    private static readonly TimeSpan TellEvery = TimeSpan.FromMilliseconds(20);
    /// <summary>Of the nodes with sockets for SIP.</summary>
    public const string Role = "sip";

    private readonly EntityRegions _regions;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private ImmutableSortedDictionary<string, Address> _nodes = ImmutableSortedDictionary.Create<string, Address>(StringComparer.Ordinal);
    private ImmutableHashSet<Address> _unreachable = [];
    private ImmutableArray<string> _alive = [];
    private readonly Queue<Sent> _sent = new();
    private readonly Queue<(IActorRef Participant, string Instead)> _moving = new();
    private readonly TimeProvider _clock;
    private readonly TimeSpan _life;

    /// <param name="life">So long a transaction may take (RFC 3261 §17.1.2.2: 64 times T1).</param>
    public SipWay(EntityRegions regions, TimeSpan life, TimeProvider clock)
    {
        (_regions, _life, _clock) = (regions, life, clock);
        Receive<SendRequest>(OnSendRequest);
        Receive<SendAck>(OnSendAck);
        Receive<LocateServers>(OnLocate);
        Receive<DialogOver>(m => Endpoint(m.Node)?.Tell(m));
        Receive<TellMore>(_ => TellSome());
        Receive<ClusterEvent.CurrentClusterState>(state =>
        {
            _unreachable = [.. state.Unreachable.Select(m => m.Address)];
            foreach (var member in state.Members) Learn(member);
        });
        Receive<ClusterEvent.MemberRemoved>(m => Forget(m.Member));
        Receive<ClusterEvent.IMemberEvent>(m => Learn(m.Member));
        Receive<ClusterEvent.UnreachableMember>(m => Reach(_unreachable.Add(m.Member.Address)));
        Receive<ClusterEvent.ReachableMember>(m => Reach(_unreachable.Remove(m.Member.Address)));
    }

    public ITimerScheduler Timers { get; set; } = null!;

    /// <summary>How nodes tell each other apart: where their inner interface is.</summary>
    public static string NameOf(Address address)
    {
        ArgumentNullException.ThrowIfNull(address);
        return $"{address.Host}:{address.Port}";
    }

    protected override void PreStart() => Akka.Cluster.Cluster.Get(Context.System).Subscribe(
        Self, ClusterEvent.SubscriptionInitialStateMode.InitialStateAsSnapshot, typeof(ClusterEvent.IMemberEvent), typeof(ClusterEvent.IReachabilityEvent));

    protected override void PostStop() => Akka.Cluster.Cluster.Get(Context.System).Unsubscribe(Self);

    private void OnSendRequest(SendRequest send)
    {
        var now = _clock.GetTimestamp();
        while (_sent.TryPeek(out var oldest) && _clock.GetElapsedTime(oldest.At, now) > _life) _sent.Dequeue();
        if (SipNodeChoice.Route(send.Flow, send.Owner, _alive) is { } flow)
        {
            _sent.Enqueue(new Sent(now, flow.Node, send.Owner, send.Request.Method, IsRepeated(send)));
            Endpoint(flow.Node)!.Tell(send with { Flow = flow });
            return;
        }

        _log.Warning("There is no node with the role sip: {0} of {1} is not sent", send.Request.Method, send.Owner);
        Failed(send.Owner, send.Request.Method);
        send.Request.Body.Clear();
    }

    /// <summary>A node that is gone answers nothing; whoever has its answer already does not mind.</summary>
    private void Failed(ParticipantId owner, SipMethod method) =>
        _regions.Participants.Tell(new SipTransactionFailed(owner, new TransactionKey(false, "", "", method), TransactionFailure.Transport));

    /// <summary>An ACK that nobody can send is lost, as it may be in any network: the peer sends its 2xx again.</summary>
    private void OnSendAck(SendAck ack)
    {
        if (SipNodeChoice.Route(ack.Flow, new ParticipantId(ack.Request.Headers.CallId), _alive) is { } flow)
            Endpoint(flow.Node)!.Tell(ack with { Flow = flow });
    }

    private void OnLocate(LocateServers asked)
    {
        if (SipNodeChoice.Any(asked.Participant, _alive) is { } node) Select(node, SipEndpointStart.LocatorName)!.Tell(asked, Self);
        else _regions.Participants.Tell(new ServersLocated(asked.Participant, [], "no node with the role sip is there"));
    }

    private ActorSelection? Endpoint(string node) => Select(node, SipEndpointStart.Name);

    private ActorSelection? Select(string node, string actor) =>
        _nodes.TryGetValue(node, out var address) ? Context.ActorSelection(new RootActorPath(address) / "user" / actor) : null;

    private void Learn(Member member)
    {
        if (!member.HasRole(Role)) return;
        var isThere = member.Status is MemberStatus.Up or MemberStatus.Leaving;
        _nodes = isThere ? _nodes.SetItem(NameOf(member.Address), member.Address) : _nodes.Remove(NameOf(member.Address));
        Reach(_unreachable);
    }

    private void Forget(Member member)
    {
        var name = NameOf(member.Address);
        _nodes = _nodes.Remove(name);
        Reach(_unreachable.Remove(member.Address));
        foreach (var lost in _sent.Where(s => s.Node == name && !s.IsRepeated && _clock.GetElapsedTime(s.At) <= _life)) Failed(lost.Owner, lost.Method);
    }

    private void Reach(ImmutableHashSet<Address> unreachable)
    {
        var before = _alive;
        _unreachable = unreachable;
        _alive = [.. _nodes.Where(n => !unreachable.Contains(n.Value)).Select(n => n.Key)];
        if (before.All(_alive.Contains)) return;
        foreach (var (id, participant, flow) in _regions.Flows.All)
            if (SipNodeChoice.Successor(flow, id, before, _alive) is { } instead)
                _moving.Enqueue((participant, instead));
        TellSome();
    }

    /// <summary>A thousand dialogs a second.</summary>
    private void TellSome()
    {
        for (var i = 0; i < ToldAtOnce && _moving.TryDequeue(out var moving); i++) moving.Participant.Tell(new SipNodeGone(moving.Instead));
        if (_moving.Count > 0) Timers.StartSingleTimer(TellMore.Instance, TellMore.Instance, TellEvery);
    }

    /// <summary>When its node goes the participant is told so, and sends it again by itself.</summary>
    private static bool IsRepeated(SendRequest send) =>
        send.Request.Method.Name is "UPDATE" or "INVITE" && send.Request.Headers.To.Tag is not null;

    /// <summary>A request that was handed to a node.</summary>
    private readonly record struct Sent(long At, string Node, ParticipantId Owner, SipMethod Method, bool IsRepeated);

    private sealed class TellMore
    {
        public static readonly TellMore Instance = new();
    }
}
