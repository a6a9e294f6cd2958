using Akka.Actor;
using Akka.Cluster.Sharding;
using Akka.Hosting;
using ConfCluster.Actors.Settings;
using ConfCluster.Actors.Sip;

namespace ConfCluster.Actors.Nodes;

/// <summary>One kind of entity that lives somewhere in the cluster.</summary>
/// <param name="TypeName">The region's name, the same on every node.</param>
/// <param name="Role">Of the nodes that it lives on.</param>
/// <param name="StopMessage">Sent to an entity that is to move.</param>
public sealed record ShardRegionPlan(string TypeName, NodeRole Role, IMessageExtractor Extractor, bool RememberEntities = false, object? StopMessage = null);

/// <summary>
/// Starts the shard region of a kind of entity on a node that has its role, and else the proxy that finds it. None of ours is passivated by the engine:
/// an idle call is a call.
/// </summary>
public static class ShardRegions
{
    private const int ReadingTakes = 3;

    /// <param name="props">Of an entity by its id; only used on a node with the role.</param>
    public static AkkaConfigurationBuilder AddRegion<TKey>(
        this AkkaConfigurationBuilder builder, ShardRegionPlan plan, ClusterSettings cluster, EntityRegions regions, Func<string, Props> props,
        Action<IActorRef> started)
    {
        ArgumentNullException.ThrowIfNull(plan);
        ArgumentNullException.ThrowIfNull(cluster);
        ArgumentNullException.ThrowIfNull(regions);
        ArgumentNullException.ThrowIfNull(started);
        return builder.WithActors((system, registry) =>
        {
            var sharding = ClusterSharding.Get(system);
            var region = cluster.Has(plan.Role) ? Start(system, sharding, plan, regions, props) : sharding.StartProxy(plan.TypeName, NameOf(plan), plan.Extractor);
            registry.Register<TKey>(region);
            started(region);
        });
    }

    private static IActorRef Start(ActorSystem system, ClusterSharding sharding, ShardRegionPlan plan, EntityRegions regions, Func<string, Props> props)
    {
        var settings = ClusterShardingSettings.Create(system)
            .WithRole(NameOf(plan))
            .WithRememberEntities(plan.RememberEntities)
            .WithStateStoreMode(StateStoreMode.DData)
            .WithPassivateIdleAfter(TimeSpan.Zero);
        // The same setting bounds how long reading from the journal may take who lives in a shard.
        if (plan.RememberEntities)
            settings = settings.WithTuningParameters(settings.TuningParameters.WithUpdatingStateTimeout(ReadingTakes * settings.TuningParameters.UpdatingStateTimeout));
        var cluster = Akka.Cluster.Cluster.Get(system);
        var placement = new ShardPlacement(
            plan.TypeName, type => regions.IdleShards(type), address => cluster.State.Unreachable.All(m => m.Address != address),
            address => regions.Draining.Contains(SipWay.NameOf(address.HasLocalScope ? cluster.SelfAddress : address)));
        return sharding.Start(plan.TypeName, props, settings, plan.Extractor, placement, plan.StopMessage ?? PoisonPill.Instance);
    }

    private static string NameOf(ShardRegionPlan plan) => ClusterSettings.NameOf(plan.Role);
}
