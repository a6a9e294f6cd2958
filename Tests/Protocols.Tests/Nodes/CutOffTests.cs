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
    public void Of_two_sides_exactly_one_goes_on() => Gen.Bool.List[1, 12].Sample(
        side => Assert.NotEqual(CutOff.IsMinority(side), CutOff.IsMinority(side.ConvertAll(h => !h))), iter: 2000);
}
