using Akka.Actor;
using Akka.Cluster.Hosting;
using Akka.Cluster.Sharding;
using Akka.Hosting;
using ConfCluster.Actors.Settings;
using ConfCluster.Protocols.Conference;

namespace ConfCluster.Actors.Media;

/// <summary>Key of the region in the actor registry.</summary>
public sealed class MixerRegionKey;

/// <summary>
/// Where mixers live: a shard region on the nodes with the role media. They are neither remembered nor passivated when idle: a mixer is
/// busy on its lane however few messages it gets, and ends by its own rule.
/// </summary>
public static class MixerRegion
{
    public const string TypeName = "mixer";

    public const string Role = "media";

    /// <param name="plane">The node's lanes; the caller disposes them after the actor system has ended.</param>
    public static AkkaConfigurationBuilder AddMixers(
        this AkkaConfigurationBuilder builder, ConfClusterSettings settings, EntityRegions regions, MediaPlane plane, TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(settings);
        return builder
            .WithShardRegion<MixerRegionKey>(
                TypeName, id => PropsOf(id, plane, settings.Media, regions, clock), new Extractor(settings.Conference.Shards),
                new ShardOptions { Role = Role, RememberEntities = false, ShouldPassivateIdleEntities = false })
            .WithActors((_, registry) => regions.Mixers = registry.Get<MixerRegionKey>());
    }

    public static Props PropsOf(string id, MediaPlane plane, MediaSettings settings, EntityRegions regions, TimeProvider clock) =>
        MixerId.TryParse(id, out var mixer)
            ? Props.Create(() => new MixerEntity(mixer, plane, settings, regions, clock))
            : throw new InvalidOperationException($"not a mixer's id: {id}");

    private sealed class Extractor(int shards) : HashCodeMessageExtractor(shards)
    {
        public override string? EntityId(object message) => (message as IMixerMessage)?.Mixer.ToString();
    }
}
