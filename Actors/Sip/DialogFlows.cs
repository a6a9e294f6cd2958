using System.Collections.Concurrent;
using Akka.Actor;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Sip.Messages;

namespace ConfCluster.Actors.Sip;

/// <summary>To a participant: the node that had its dialog's flow is gone, and its requests go through another. Never leaves the process.</summary>
/// <param name="Instead">The other's name.</param>
public sealed record SipNodeGone(string Instead);

/// <summary>Which flows the dialogs of the participants on this node use, for who finds out that a node with sockets is gone. For any thread.</summary>
public sealed class DialogFlows
{
    private readonly ConcurrentDictionary<ParticipantId, (IActorRef Participant, SipFlow Flow)> _flows = new();

    /// <summary>Every dialog, in no order.</summary>
    public IEnumerable<(ParticipantId Id, IActorRef Participant, SipFlow Flow)> All => _flows.Select(f => (f.Key, f.Value.Participant, f.Value.Flow));

    /// <param name="flow">Null: it has none any more.</param>
    public void Note(ParticipantId id, IActorRef participant, SipFlow? flow)
    {
        if (flow is null) _flows.TryRemove(id, out _);
        else _flows[id] = (participant, flow);
    }
}
