using ConfCluster.Protocols.Nodes;
using CsCheck;
using Xunit;

namespace ConfCluster.Protocols.Tests.Nodes;

public sealed class CutOffTests
{
    [Theory]
    [InlineData("1", false)]
    [InlineData("11", false)]
    [InlineData("10", false)]
    [InlineData("01", true)]
    [InlineData("110", false)]
    [InlineData("100", true)]
    [InlineData("0011", true)]
    [InlineData("1001", false)]
    [InlineData("11000", true)]
    [InlineData("00111", false)]
    public void The_smaller_side_or_of_two_equal_ones_that_without_the_lowest_address(string heard, bool isMinority) =>
        Assert.Equal(isMinority, CutOff.IsMinority([.. heard.Select(c => c == '1')]));

    /// <summary>A node that is no member yet hears of nobody.</summary>
    [Fact]
    public void Who_is_in_no_cluster_is_cut_off_from_none() => Assert.False(CutOff.IsMinority([]));

    [Fact]
    public void It_ends_when_it_has_heard_of_the_same_few_for_so_long_and_says_so_once()
    {
        var cutOff = new CutOff(TimeSpan.FromSeconds(3));
        Assert.False(cutOff.Look([("a", true), ("b", false), ("c", false)], TimeSpan.Zero));
        Assert.False(cutOff.Look([("a", true), ("b", false), ("c", false)], TimeSpan.FromSeconds(2.9)));
        Assert.True(cutOff.Look([("a", true), ("b", false), ("c", false)], TimeSpan.FromSeconds(3)));
        Assert.False(cutOff.Look([("a", true), ("b", false), ("c", false)], TimeSpan.FromSeconds(4)));
    }

    [Fact]
    public void Whoever_is_heard_of_again_or_lost_meanwhile_begins_the_time_anew()
    {
        var cutOff = new CutOff(TimeSpan.FromSeconds(3));
        Assert.False(cutOff.Look([("a", true), ("b", false), ("c", false), ("d", false), ("e", true)], TimeSpan.Zero));
        Assert.False(cutOff.Look([("a", true), ("b", false), ("c", false), ("d", false), ("e", false)], TimeSpan.FromSeconds(2)));
        Assert.False(cutOff.Look([("a", true), ("b", false), ("c", false), ("d", false), ("e", false)], TimeSpan.FromSeconds(4)));
        Assert.False(cutOff.Look([("a", true), ("b", true), ("c", true), ("d", false), ("e", false)], TimeSpan.FromSeconds(4.5)));
        Assert.False(cutOff.Look([("a", true), ("b", false), ("c", false), ("d", false), ("e", false)], TimeSpan.FromSeconds(6)));
        Assert.True(cutOff.Look([("a", true), ("b", false), ("c", false), ("d", false), ("e", false)], TimeSpan.FromSeconds(9)));
    }

    [Fact]
    public void Of_two_sides_exactly_one_goes_on() => Gen.Bool.List[1, 12].Sample(
        side => Assert.NotEqual(CutOff.IsMinority(side), CutOff.IsMinority(side.ConvertAll(h => !h))), iter: 2000);
}
