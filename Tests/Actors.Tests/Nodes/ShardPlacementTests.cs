using System.Collections.Immutable;
using Akka.Actor;
using Akka.TestKit.Xunit2;
using ConfCluster.Actors.Nodes;
using Xunit;

namespace ConfCluster.Actors.Tests.Nodes;

public sealed class ShardPlacementTests : TestKit
{
    private static readonly IImmutableSet<string> None = ImmutableHashSet<string>.Empty;

    [Fact]
    public async Task A_shard_begins_on_the_node_with_the_fewest()
    {
        var (a, b) = (CreateTestProbe().Ref, CreateTestProbe().Ref);
        Assert.Equal(b, await Placement().AllocateShard(a, "9", Allocated((a, ["1", "2"]), (b, ["3"]))));
    }

    [Fact]
    public async Task A_shard_begins_on_a_node_that_the_cluster_does_not_miss()
    {
        var (a, b) = (RemoteRef("127.0.0.1"), RemoteRef("127.0.0.2"));
        var placement = new ShardPlacement("mixer", _ => Task.FromResult(None), address => address.Host != "127.0.0.2", _ => false);
        Assert.Equal(a, await placement.AllocateShard(a, "9", Allocated((a, ["1", "2"]), (b, []))));

        // Somebody must have it, should all be missed.
        Assert.Equal(b, await placement.AllocateShard(b, "9", Allocated((b, ["1"]))));
    }

    [Fact]
    public async Task A_node_that_came_gets_shards_in_which_nobody_is()
    {
        var (a, b) = (CreateTestProbe().Ref, CreateTestProbe().Ref);
        var moved = await Placement("4", "5", "6").Rebalance(Allocated((a, ["1", "2", "3", "4", "5", "6"]), (b, [])), None);
        Assert.Equal(["4", "5", "6"], moved.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_node_that_is_emptied_gets_no_shard_and_gives_those_away_in_which_nobody_is()
    {
        var (a, b, c) = (RemoteRef("127.0.0.1"), RemoteRef("127.0.0.2"), RemoteRef("127.0.0.3"));
        var placement = new ShardPlacement(
            "mixer", _ => Task.FromResult<IImmutableSet<string>>(["3", "5"]), _ => true, address => address.Host is "127.0.0.2");
        var shards = Allocated((a, ["1"]), (b, ["2", "3"]), (c, ["4", "5"]));
        Assert.Equal(a, await placement.AllocateShard(a, "9", shards));
        Assert.Equal(["3"], await placement.Rebalance(shards, None));
        Assert.Empty(await placement.Rebalance(Allocated((b, ["2", "3"])), None));
        Assert.Equal(b, await placement.AllocateShard(a, "9", Allocated((b, ["2"]))));
    }

    [Fact]
    public async Task A_shard_with_calls_does_not_move_for_balance_alone()
    {
        var (a, b) = (CreateTestProbe().Ref, CreateTestProbe().Ref);
        Assert.Empty(await Placement("5").Rebalance(Allocated((a, ["1", "2", "3", "4"]), (b, [])), None));
    }

    /// <summary>A coordinator that has just come is not told of nodes that have not registered with it yet.</summary>
    [Fact]
    public async Task A_shard_of_which_nobody_says_that_it_is_empty_does_not_move()
    {
        var (a, b, c) = (CreateTestProbe().Ref, CreateTestProbe().Ref, CreateTestProbe().Ref);
        var shards = Allocated((a, ["1", "2", "3"]), (b, ["4", "5", "6"]), (c, []));
        Assert.Empty(await Placement().Rebalance(shards, None));
        Assert.Equal(["5"], await Placement("5").Rebalance(shards, None));
    }

    [Fact]
    public async Task Nothing_moves_while_it_is_not_known_who_is_where_or_something_moves_already()
    {
        var (a, b) = (CreateTestProbe().Ref, CreateTestProbe().Ref);
        var uneven = Allocated((a, ["1", "2", "3", "4"]), (b, []));
        Assert.Empty(await Placement().Rebalance(uneven, None));
        Assert.Empty(await Placement("1", "2", "3", "4").Rebalance(uneven, ["1"]));
    }

    [Fact]
    public async Task Numbers_that_differ_by_one_are_equal()
    {
        var (a, b) = (CreateTestProbe().Ref, CreateTestProbe().Ref);
        Assert.Empty(await Placement("1", "2", "3", "4", "5").Rebalance(Allocated((a, ["1", "2", "3"]), (b, ["4", "5"])), None));
        Assert.Empty(await Placement("1", "2", "3").Rebalance(Allocated((a, ["1", "2", "3"])), None));
    }

    [Fact]
    public async Task No_more_shards_move_than_make_the_numbers_equal()
    {
        var (a, b, c) = (CreateTestProbe().Ref, CreateTestProbe().Ref, CreateTestProbe().Ref);
        var moved = await Placement("1", "2", "3", "4", "5", "6").Rebalance(Allocated((a, ["1", "2", "3", "4"]), (b, ["5", "6"]), (c, [])), None);
        Assert.Equal(2, moved.Count);
        Assert.Subset(ImmutableHashSet.Create("1", "2", "3", "4"), moved.ToHashSet());
    }

    private NamedRef RemoteRef(string host) => new NamedRef(new RootActorPath(new Address("akka", "test", host, 1)) / "region", Sys);

    private static ShardPlacement Placement(params string[] idle) => new("conference", _ => Task.FromResult<IImmutableSet<string>>(idle.ToImmutableHashSet()), _ => true, _ => false);

    private static ImmutableDictionary<IActorRef, IImmutableList<string>> Allocated(params (IActorRef Region, string[] Shards)[] regions) =>
        regions.ToImmutableDictionary(r => r.Region, r => (IImmutableList<string>)r.Shards.ToImmutableList());

    /// <summary>Somewhere else, as far as its path says.</summary>
    private sealed class NamedRef(ActorPath path, ActorSystem system) : MinimalActorRef
    {
        public override ActorPath Path => path;

        public override IActorRefProvider Provider => ((ExtendedActorSystem)system).Provider;
    }
}
