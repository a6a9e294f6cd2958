using Akka.Actor;
using Akka.Cluster.Sharding;
using Akka.Hosting;
using ConfCluster.Actors.Nodes;
using ConfCluster.Actors.Settings;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.KeyManagement;
using ConfCluster.Protocols.Sdp;

namespace ConfCluster.Actors.Participant;

/// <summary>Key of the region in the actor registry.</summary>
public sealed class ParticipantRegionKey;

/// <summary>
/// Where participants live: a shard region on the nodes with the role focus. They are not remembered: a conference wakes those that it
/// still holds; and an idle one is a call in progress, so it is never passivated but at its own wish.
/// </summary>
public static class ParticipantRegion
{
    public const string TypeName = "participant";

    public static AkkaConfigurationBuilder AddParticipants(
        this AkkaConfigurationBuilder builder, ConfClusterSettings settings, EntityRegions regions)
    {
        ArgumentNullException.ThrowIfNull(settings);
        var focus = FocusOf(settings);
        var journal = DialogWriter.Journal(settings.Journal.MinBackoff, settings.Journal.MaxBackoff);
        if (!settings.Cluster.IsAlone && settings.Cluster.Has(NodeRole.Focus)) builder.WithActors((system, _) => OpenShards(system, settings, regions));
        return builder.AddRegion<ParticipantRegionKey>(
            new ShardRegionPlan(TypeName, NodeRole.Focus, new Extractor(settings.Conference.Shards)), settings.Cluster, regions,
            id => ShardOpener.ShardOf(id) is null ? PropsOf(new ParticipantId(id), focus, regions, journal) : Props.Create(() => new ShardOpener()),
            region => regions.Participants = region);
    }

    /// <summary>
    /// A call needs no home for a shard then: a home that is given while a node is dying waits until that is removed, and whoever lived there waits with it.
    /// </summary>
    private static void OpenShards(ActorSystem system, ConfClusterSettings settings, EntityRegions regions) => Akka.Cluster.Cluster.Get(system).RegisterOnMemberUp(() =>
    {
        for (var shard = 0; shard < settings.Conference.Shards; shard++)
            regions.Participants.Tell(new ShardRegion.StartEntity(ShardOpener.IdOf(shard)), ActorRefs.NoSender);
    });

    public static Props PropsOf(ParticipantId id, FocusSettings settings, EntityRegions regions, DialogJournal journal) =>
        Props.Create(() => new ParticipantEntity(id, settings, regions, journal));

    public static FocusSettings FocusOf(ConfClusterSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        var media = new MediaCapabilities(settings.Conference.Suites, settings.Conference.Codecs, settings.Conference.RequireProtection)
        {
            Families = [.. settings.Media.Bindings.Select(b => b.Shown.AddressFamily)],
        };
        return new FocusSettings(settings.Sip.Timings, settings.Sip.Advertised, settings.Sip.ServerHeader, media)
        {
            SecondHost = settings.Sip.SecondAddress is { } second
                ? settings.Sip.SecondAdvertised ?? $"[{second}]"
                : null,
            CallsOutliveNode = !settings.Cluster.IsAlone,
            Outbound = settings.Sip.Outbound,
            SessionTimer = settings.Sip.SessionTimer,
            TakesTickets = settings.KmsUser.Url is not null,
            TakesPreShared = settings.PreShared.IsEnabled,
            Tickets = OffersOf(settings, media),
        };
    }

    /// <summary>The stricter of what holds for tickets and for pre-shared keys.</summary>
    private static TicketOffers OffersOf(ConfClusterSettings settings, MediaCapabilities media)
    {
        if (MikeyTickets.SuiteOf(media.Suites) is null) return TicketOffers.Never;
        var tickets = settings.KmsUser.Url is null ? TicketOffers.Never : settings.KmsUser.Offers;
        var preShared = settings.PreShared.IsEnabled ? settings.PreShared.Offers : TicketOffers.Never;
        return tickets > preShared ? tickets : preShared;
    }

    private sealed class Extractor(int shards) : HashCodeMessageExtractor(shards)
    {
        public override string? EntityId(object message) => (message as IParticipantMessage)?.Participant.Value;

        public override string ShardId(string entityId, object? messageHint = null) => ShardOpener.ShardOf(entityId) ?? base.ShardId(entityId, messageHint);
    }
}
