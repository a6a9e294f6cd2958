using System.Collections.Immutable;
using Akka.Actor;
using ConfCluster.Actors.Nodes;
using ConfCluster.Actors.Participant;
using ConfCluster.Actors.Sip;

namespace ConfCluster.Actors;

/// <summary>
/// Where entities are reached: the shard regions (or proxies) of a node, and its SIP endpoint. Filled once by the host before the first
/// message; tests put probes in.
/// </summary>
public sealed class EntityRegions
{
    public IActorRef Conferences { get; set; } = ActorRefs.Nobody;

    public IActorRef Participants { get; set; } = ActorRefs.Nobody;

    public IActorRef Mixers { get; set; } = ActorRefs.Nobody;

    /// <summary>Which shards may move for balance; by default none may.</summary>
    public IdleShards IdleShards { get; set; } = _ => Task.FromResult<IImmutableSet<string>>(ImmutableHashSet<string>.Empty);

    /// <summary>The dialogs that this node let in and that are not over.</summary>
    public DialogPlaces Dialogs { get; } = new();

    /// <summary>The flows that dialogs of participants on this node use.</summary>
    public DialogFlows Flows { get; } = new();

    /// <summary>Participants on this node that are on their way in.</summary>
    public SetUps SetUps { get; } = new();

    /// <summary>This node's endpoint; nobody on a node without sockets for SIP.</summary>
    public IActorRef SipEndpoint { get; set; } = ActorRefs.Nobody;

    /// <summary>Takes the requests that participants of this node start: this node's endpoint, or in a cluster the way to all of them.</summary>
    public IActorRef SipWay
    {
        get => field ?? SipEndpoint;
        set;
    }

    /// <summary>How the other nodes know this one; empty: there are none.</summary>
    public string Node { get; set; } = "";

    /// <summary>Nodes that are being emptied: nothing new begins there.</summary>
    public DrainingNodes Draining { get; } = new(TimeProvider.System);

    /// <summary>This node's <c>KmsGateway</c>, or the <c>PreSharedKeeper</c> before it; nobody without either.</summary>
    public IActorRef KmsGateway { get; set; } = ActorRefs.Nobody;

    /// <summary>The <c>SipLocator</c>, which finds the servers of a URI: this node's, or in a cluster the way to one.</summary>
    public IActorRef SipLocator { get; set; } = ActorRefs.Nobody;
}
