using ConfCluster.Protocols.Nodes;
using CsCheck;
using Xunit;

namespace ConfCluster.Protocols.Tests.Nodes;

public sealed class EndedNodesTests
{
    private static readonly NodeRun Dead = new("n3", 7);
    private static readonly string[] Three = ["n1", "n2", "n3"];

    [Fact]
    public void It_is_over_when_more_than_half_of_all_found_so()
    {
        var ended = new EndedNodes();
        ended.Found("n1", Dead, TimeSpan.Zero);
        Assert.False(ended.IsOver(Dead, Three, TimeSpan.Zero));
        ended.Found("n1", Dead, TimeSpan.Zero);
        Assert.False(ended.IsOver(Dead, Three, TimeSpan.Zero));
        ended.Found("n2", Dead, TimeSpan.Zero);
        Assert.True(ended.IsOver(Dead, Three, TimeSpan.Zero));
    }

    [Fact]
    public void Of_two_nodes_neither_may_say_it_of_the_other()
    {
        var ended = new EndedNodes();
        ended.Found("n1", Dead, TimeSpan.Zero);
        Assert.False(ended.IsOver(Dead, ["n1", "n3"], TimeSpan.Zero));
    }

    [Fact]
    public void The_next_run_at_the_same_address_is_not_over()
    {
        var ended = new EndedNodes();
        ended.Found("n1", Dead, TimeSpan.Zero);
        ended.Found("n2", Dead, TimeSpan.Zero);
        Assert.False(ended.IsOver(Dead with { Incarnation = 8 }, Three, TimeSpan.Zero));
    }

    [Fact]
    public void What_was_found_long_ago_by_a_stranger_or_by_itself_does_not_count()
    {
        var ended = new EndedNodes();
        ended.Found("n1", Dead, TimeSpan.Zero);
        ended.Found("n2", Dead, EndedNodes.Kept);
        Assert.False(ended.IsOver(Dead, Three, EndedNodes.Kept));
        ended.Found("n9", Dead, EndedNodes.Kept);
        ended.Found("n3", Dead, EndedNodes.Kept);
        Assert.False(ended.IsOver(Dead, Three, EndedNodes.Kept));
        ended.Found("n1", Dead, EndedNodes.Kept);
        Assert.True(ended.IsOver(Dead, Three, EndedNodes.Kept));
        Assert.False(ended.IsOver(Dead, Three, 2 * EndedNodes.Kept));
    }

    /// <summary>However a cluster is parted, and whatever refuses in whose name: nobody is taken out by a side that may have to end itself.</summary>
    [Fact]
    public void Only_a_side_with_more_than_half_of_all_ever_says_it() => Gen.Select(Gen.Int[2, 9], Gen.Int[0, 511]).Sample((count, mask) =>
    {
        var members = Enumerable.Range(0, count).Select(i => $"n{i}").ToList();
        var side = members.Where((_, i) => (mask & (1 << i)) != 0).ToList();
        var ended = new EndedNodes();
        foreach (var lost in members.Except(side))
        {
            var run = new NodeRun(lost, 1);
            foreach (var finder in side) ended.Found(finder, run, TimeSpan.Zero);
            Assert.Equal(2 * side.Count > count, ended.IsOver(run, members, TimeSpan.Zero));
        }
    }, iter: 2000);
}
