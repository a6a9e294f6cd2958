using Akka.Actor;
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

    /// <summary>The dialogs that this node let in and that are not over.</summary>
    public DialogPlaces Dialogs { get; } = new();

    /// <summary>This node's endpoint, for requests that we start.</summary>
    public IActorRef SipEndpoint { get; set; } = ActorRefs.Nobody;

    /// <summary>This node's <c>KmsGateway</c>; nobody without a KMS.</summary>
    public IActorRef KmsGateway { get; set; } = ActorRefs.Nobody;

    /// <summary>This node's <c>SipLocator</c>, which finds the servers of a URI.</summary>
    public IActorRef SipLocator { get; set; } = ActorRefs.Nobody;
}
