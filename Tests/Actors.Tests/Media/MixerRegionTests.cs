using ConfCluster.Actors.Media;
using ConfCluster.Protocols.Conference;
using Xunit;

namespace ConfCluster.Actors.Tests.Media;

public sealed class MixerRegionTests
{
    [Fact]
    public void The_incarnations_of_a_mixer_go_round_the_shards_and_conferences_are_spread_over_them()
    {
        var mixer = new MixerId(new ConferenceId("100"), 0, 1);
        var shards = Enumerable.Range(1, 10).Select(i => MixerRegion.ShardOf(mixer with { Incarnation = i }, 10)).ToList();
        Assert.Equal(10, shards.Distinct().Count());
        Assert.Equal(shards[0], MixerRegion.ShardOf(mixer with { Incarnation = 11 }, 10));
        var spread = Enumerable.Range(0, 1000).GroupBy(i => MixerRegion.ShardOf(new MixerId(new ConferenceId($"{i}"), 0, 1), 10)).Select(g => g.Count()).ToList();
        Assert.Equal(10, spread.Count);
        Assert.All(spread, n => Assert.InRange(n, 50, 150));
    }
}
