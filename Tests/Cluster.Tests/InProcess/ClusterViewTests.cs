using System.Collections.Immutable;
using Akka.Actor;
using Akka.Cluster.Sharding;
using ConfCluster.Actors;
using ConfCluster.Actors.Media;
using ConfCluster.Host;
using Xunit;

namespace ConfCluster.Cluster.Tests.InProcess;

public sealed class ClusterViewTests : IAsyncLifetime
{
    private readonly ActorSystem _system = ActorSystem.Create("view");

    public Task InitializeAsync() => Task.CompletedTask;

    public Task DisposeAsync() => _system.Terminate();

    /// <summary>The answer has the nodes that have registered with whoever gives shards their homes; it has none when one was late.</summary>
    [Fact]
    public async Task Only_a_shard_that_was_named_is_empty()
    {
        Assert.Equal(["2"], await IdleAsync((1, "1", 3), (1, "2", 0), (2, "3", 1)));
        Assert.Equal(["2", "4"], await IdleAsync((1, "2", 0), (2, "3", 1), (2, "4", 0)));
        Assert.Empty(await IdleAsync());
    }

    private async Task<IEnumerable<string>> IdleAsync(params (int Node, string Shard, int Entities)[] told)
    {
        var stats = new ClusterShardingStats(told.GroupBy(t => new Address("akka", "view", "127.0.0.1", t.Node)).ToImmutableDictionary(
            n => n.Key, n => new ShardRegionStats(n.ToImmutableDictionary(t => t.Shard, t => t.Entities), ImmutableHashSet<string>.Empty)));
        var region = _system.ActorOf(Props.Create(() => new Region(stats)));
        var idle = await new ClusterView(_system, new EntityRegions { Mixers = region }).IdleShardsAsync(MixerRegion.TypeName);
        return idle.Order(StringComparer.Ordinal);
    }

    private sealed class Region : ReceiveActor
    {
        public Region(ClusterShardingStats stats) => Receive<GetClusterShardingStats>(_ => Sender.Tell(stats));
    }
}
