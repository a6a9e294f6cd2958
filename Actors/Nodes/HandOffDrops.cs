using Akka.Actor;
using Akka.Event;
using ConfCluster.Actors.Conference;
using ConfCluster.Actors.Media;
using ConfCluster.Actors.Participant;

namespace ConfCluster.Actors.Nodes;

/// <summary>
/// Hands on what the engine drops while a shard moves: a region that has begun to let one go keeps what comes for it, and throws that away when it lets it go
/// ("Dropping buffered messages"). The engine does so lest messages change their order; ours may, as those from the network do, and each was said once.
/// </summary>
public sealed class HandOffDrops : ReceiveActor
{
    public const string Name = "hand-off-drops";

    /// <summary>The engine's word for it; what it drops for other reasons (a full buffer, no id) stays dropped.</summary>
    internal const string Reason = "Avoiding reordering of buffered messages at shard handoff";

    public HandOffDrops(EntityRegions regions)
    {
        ArgumentNullException.ThrowIfNull(regions);
        Receive<DeadLetter>(letter =>
        {
            if (letter.Message is Dropped { Reason: Reason } dropped) RegionOf(dropped.Message, regions)?.Tell(dropped.Message, dropped.Sender);
        });
    }

    protected override void PreStart() => Context.System.EventStream.Subscribe(Self, typeof(DeadLetter));

    protected override void PostStop() => Context.System.EventStream.Unsubscribe(Self);

    private static IActorRef? RegionOf(object message, EntityRegions regions) => message switch
    {
        IParticipantMessage => regions.Participants,
        IConferenceMessage => regions.Conferences,
        IMixerMessage => regions.Mixers,
        _ => null,
    };
}
