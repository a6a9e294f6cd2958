using System.Globalization;
using Akka.Actor;
using Akka.Cluster.Sharding;
using Akka.Hosting;
using Akka.Util;
using ConfCluster.Actors.Nodes;
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

    /// <summary>Nodes are asked so often in the time after which a mixer is suspected.</summary>
    private const int HomesAskedInThatTime = 4;

    /// <param name="plane">The node's lanes, made when the first mixer comes; the caller disposes them after the actor system has ended.</param>
    public static AkkaConfigurationBuilder AddMixers(
        this AkkaConfigurationBuilder builder, ConfClusterSettings settings, EntityRegions regions, Func<MediaPlane> plane, TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(settings);
        return builder.AddRegion<MixerRegionKey>(
            new ShardRegionPlan(TypeName, NodeRole.Media, new Extractor(settings.Conference.Shards)), settings.Cluster, regions,
            id => ShardOpener.ShardOf(id) is null ? PropsOf(id, plane(), settings.Media, regions, clock) : Props.Create(() => new ShardOpener()),
            region => regions.Mixers = region);
    }

    /// <summary>On a node with conferences that is not alone: keeps <paramref name="homes"/> true.</summary>
    public static AkkaConfigurationBuilder AddMixerHomes(this AkkaConfigurationBuilder builder, ConfClusterSettings settings, MixerHomes homes, EntityRegions regions)
    {
        ArgumentNullException.ThrowIfNull(settings);
        var interval = settings.Conference.MixerSuspectAfter / HomesAskedInThatTime;
        return builder.WithActors((system, _) => system.ActorOf(
            Props.Create(() => new MixerHomeWatch(
                homes, regions, (node, region) => Props.Create(() => new MixerHomeProbe(node, region, homes, interval)))),
            "mixer-homes"));
    }

    public static Props PropsOf(string id, MediaPlane plane, MediaSettings settings, EntityRegions regions, TimeProvider clock) =>
        MixerId.TryParse(id, out var mixer)
            ? Props.Create(() => new MixerEntity(mixer, plane, settings, regions, clock))
            : throw new InvalidOperationException($"not a mixer's id: {id}");

    /// <summary>One further for each incarnation.</summary>
    internal static string ShardOf(MixerId mixer, int shards) => ShardNumber(mixer, shards).ToString(CultureInfo.InvariantCulture);

    /// <inheritdoc cref="ShardOf" />
    internal static int ShardNumber(MixerId mixer, int shards)
    {
        var first = (uint)MurmurHash.StringHash($"{mixer.Conference}/{mixer.Number}");
        return (int)((first + (ulong)mixer.Incarnation) % (ulong)shards);
    }

    private sealed class Extractor(int shards) : HashCodeMessageExtractor(shards)
    {
        public override string? EntityId(object message) => (message as IMixerMessage)?.Mixer.ToString();

        /// <summary>The incarnations of a mixer are in different shards: the next one need not be where the one before was lost.</summary>
        public override string ShardId(string entityId, object? messageHint = null) =>
            MixerId.TryParse(entityId, out var mixer) ? ShardOf(mixer, MaxNumberOfShards) : ShardOpener.ShardOf(entityId) ?? base.ShardId(entityId, messageHint);
    }
}
