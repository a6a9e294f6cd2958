using System.Collections.Immutable;
using Akka.Actor;
using Akka.Cluster.Sharding;
using Akka.TestKit.Xunit2;
using ConfCluster.Actors.Media;
using ConfCluster.Actors.Nodes;
using ConfCluster.Protocols.Conference;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace ConfCluster.Actors.Tests.Media;

/// <summary>What a node with conferences knows of the nodes with lanes.</summary>
public sealed class MixerHomesTests : TestKit
{
    private const int Shards = 10;
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(20);
    private readonly FakeTimeProvider _clock = new();
    private readonly MixerHomes _homes;

    public MixerHomesTests() => _homes = new MixerHomes(Shards, TimeSpan.FromSeconds(1), new DrainingNodes(_clock), _clock);

    [Fact]
    public void A_lost_mixer_goes_on_where_somebody_answers()
    {
        var lost = new MixerId(new ConferenceId("room"), 0, 1);
        var shard = MixerRegion.ShardNumber(lost, Shards);
        var further = Enumerable.Range(0, Shards).Select(i => (shard + i) % Shards).ToList();
        _homes.Heard("a", [.. further.Take(4)]);
        _homes.Heard("b", [.. further.Skip(4).Take(3)]);
        _homes.Heard("c", [.. further.Skip(7)]);
        Assert.Equal(5, _homes.Next(lost, lost.Incarnation, []));
        Assert.Equal(2, _homes.Next(lost, null, []));

        // b says nothing for too long, and then is not in the cluster any more.
        _clock.Advance(TimeSpan.FromSeconds(2));
        _homes.Heard("a", null);
        _homes.Heard("c", null);
        Assert.Equal(8, _homes.Next(lost, lost.Incarnation, []));
        _homes.Forget("b");
        Assert.Null(_homes.HomeOf(further[4]));
        Assert.Equal("a", _homes.HomeOf(shard));
    }

    [Fact]
    public void A_node_without_room_gets_no_mixer_for_a_while_where_another_can_have_it()
    {
        var full = new MixerId(new ConferenceId("room"), 0, 1);
        var shard = MixerRegion.ShardNumber(full, Shards);
        var further = Enumerable.Range(0, Shards).Select(i => (shard + i) % Shards).ToList();
        _homes.Heard("a", [.. further.Take(4)]);
        _homes.Heard("b", [.. further.Skip(4)]);
        Assert.Equal(2, _homes.Next(full, null, []));
        _homes.NoRoom(full);
        Assert.Equal(5, _homes.Next(full, null, []));
        Assert.True(_homes.HasRoom());
        _homes.NoRoom(full with { Incarnation = 5 });
        Assert.False(_homes.HasRoom());

        _clock.Advance(TimeSpan.FromSeconds(6));
        _homes.Heard("a", null);
        Assert.True(_homes.HasRoom());
        Assert.Equal(2, _homes.Next(full, null, []));
    }

    [Fact]
    public async Task A_node_is_asked_again_and_again_and_its_answers_count()
    {
        var region = CreateTestProbe();
        Sys.ActorOf(Props.Create(() => new MixerHomeProbe("n", new ActorSelection(region.Ref, ""), _homes, Interval)));
        await region.ExpectMsgAsync<GetShardRegionStats>();
        region.Reply(new ShardRegionStats(ImmutableDictionary<string, int>.Empty.Add("3", 0).Add("7", 2), ImmutableHashSet<string>.Empty));
        await region.ExpectMsgAsync<GetCurrentRegions>();
        region.Reply(new CurrentRegions(ImmutableHashSet<Address>.Empty));
        await AwaitAssertAsync(() => Assert.Equal(("n", "n", null), (_homes.HomeOf(3), _homes.HomeOf(7), _homes.HomeOf(4))));
    }

    [Fact]
    public async Task Who_opens_a_shard_goes_at_once()
    {
        var shard = CreateTestProbe();
        shard.ChildActorOf(Props.Create(() => new ShardOpener()));
        await shard.ExpectMsgAsync<Passivate>();
    }

    [Theory]
    [InlineData("shard:7", "7")]
    [InlineData("room/0.1", null)]
    [InlineData("shard:7/0.1", null)]
    public void No_mixer_has_the_name_of_who_opens_a_shard(string id, string? shard) => Assert.Equal(shard, ShardOpener.ShardOf(id));
}
