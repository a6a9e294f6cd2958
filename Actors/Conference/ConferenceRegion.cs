using Akka.Actor;
using Akka.Cluster.Sharding;
using Akka.Hosting;
using ConfCluster.Actors.Journal;
using ConfCluster.Actors.Media;
using ConfCluster.Actors.Nodes;
using ConfCluster.Actors.Settings;
using ConfCluster.Protocols.Conference;

namespace ConfCluster.Actors.Conference;

/// <summary>Key of the region in the actor registry.</summary>
public sealed class ConferenceRegionKey;

/// <summary>
/// Where conferences live: a shard region on the nodes with the role focus, which the others find by a proxy. They are remembered, so that each that was
/// on finds itself after a restart. They go at their own wish only.
/// </summary>
public static class ConferenceRegion
{
    public const string TypeName = "conference";

    /// <param name="homes">Where mixers can be, in a cluster.</param>
    public static AkkaConfigurationBuilder AddConferences(
        this AkkaConfigurationBuilder builder, ConfClusterSettings settings, EntityRegions regions, ActiveConferences active,
        TimeProvider? clock = null, MixerHomes? homes = null)
    {
        ArgumentNullException.ThrowIfNull(settings);
        var journal = JournalOf(settings.Journal);
        var parts = new ConferenceParts(settings.Conference, regions, active, journal, clock ?? TimeProvider.System)
        {
            IsAlone = settings.Cluster.IsAlone,
            // Mixers of a conference take a lane each, as long as there are some.
            HasRoomBeside = mixers => mixers < settings.Media.Lanes,
        };
        if (homes is not null) parts = parts with { NextMixer = homes.Next, NoRoom = homes.NoRoom, HasRoomBeside = _ => homes.HasRoom() };
        var plan = new ShardRegionPlan(TypeName, NodeRole.Focus, new Extractor(settings.Conference.Shards), RememberEntities: true, StopConference.Instance);
        if (settings.Cluster.Has(NodeRole.Focus) && !settings.Cluster.IsAlone)
            builder.WithActors((system, _) => system.ActorOf(Props.Create(() => new FocusWatch(regions, active)), "focus-watch"));
        return builder.AddRegion<ConferenceRegionKey>(
            plan, settings.Cluster, regions, id => PropsOf(new ConferenceId(id), parts), region => regions.Conferences = region);
    }

    public static Props PropsOf(ConferenceId id, ConferenceParts parts) => Props.Create(() => new ConferenceEntity(id, parts));

    /// <summary>The name under which a conference's events are stored: part of the journal's format.</summary>
    public static string PersistenceId(ConferenceId id) => $"conference-{id.Value}";

    public static Func<ConferenceId, long?, Props> JournalOf(JournalSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        return (id, sequence) => Props.Create(() => new JournalWriter<ConferenceEvent>(PersistenceId(id), sequence, settings.MinBackoff, settings.MaxBackoff));
    }

    private sealed class Extractor(int shards) : HashCodeMessageExtractor(shards)
    {
        public override string? EntityId(object message) => (message as IConferenceMessage)?.Conference.Value;
    }
}
