using System.Collections.Immutable;
using ConfCluster.Protocols.Conference;
using CsCheck;
using Xunit;

namespace ConfCluster.Protocols.Tests.Conference;

/// <summary>Where the next mixer of a conference goes.</summary>
public sealed class MixerChoiceTests
{
    private const int Shards = 10;
    private static readonly TimeSpan Silent = TimeSpan.FromSeconds(1);

    [Fact]
    public void While_nothing_is_known_it_is_the_next_number() => Assert.Equal(4, Next(3, 3));

    [Fact]
    public void The_first_mixer_goes_where_the_next_number_leads_if_somebody_is_there()
    {
        Assert.Equal(4, Next(3, null, Node("a", 0, 3, 4, 5), Node("b", 0, 6)));
        Assert.Equal(6, Next(3, null, Node("a", 2000, 3, 4, 5), Node("b", 10, 6)));
    }

    [Fact]
    public void After_a_loss_it_goes_to_another_node_even_when_the_old_one_still_seems_to_be_there() =>
        Assert.Equal(8, Next(3, 3, Node("a", 900, 3, 4, 5, 6, 7), Node("b", 10, 8, 9)));

    [Fact]
    public void Shards_begin_anew_at_the_end() => Assert.Equal(11, Next(7, 7, Node("a", 0, 7, 8, 9, 0), Node("b", 0, 1)));

    [Fact]
    public void What_was_lost_need_not_be_the_mixer_that_began_last() =>
        Assert.Equal(10, Next(8, 4, Node("a", 900, 4, 9), Node("b", 10, 8, 0)));

    [Fact]
    public void Of_two_silent_nodes_neither_gets_it() =>
        Assert.Equal(9, Next(3, 3, Node("a", 900, 3, 4, 5), Node("b", 1500, 6, 7, 8), Node("c", 20, 9)));

    [Fact]
    public void The_only_node_keeps_it_while_it_answers() => Assert.Equal(4, Next(3, 3, Node("a", 100, 3, 4, 5)));

    [Fact]
    public void The_only_node_does_not_keep_it_when_it_seems_to_be_gone() => Assert.Equal(6, Next(3, 3, Node("a", 700, 3, 4, 5)));

    [Fact]
    public void When_nobody_answers_a_shard_without_a_home_may_get_one() => Assert.Equal(6, Next(3, 3, Node("a", 3000, 3, 4, 5)));

    [Fact]
    public void When_all_are_at_home_at_nodes_that_are_silent_it_is_the_next_number() =>
        Assert.Equal(4, Next(3, 3, Node("a", 3000, [.. Enumerable.Range(0, Shards)])));

    [Fact]
    public void Of_two_that_say_that_they_have_a_shard_the_one_heard_of_last_has_it() =>
        Assert.Equal(4, Next(3, null, Node("a", 5000, 3, 4), Node("b", 10, 4)));

    [Fact]
    public void Numbers_always_rise_and_a_live_node_that_is_not_the_lost_one_is_always_taken() => Gen.Select(
        Gen.Long[0, 1000], Gen.Int[0, 2].Array[Shards], Gen.Int[0, 2000].Array[3]).Sample((before, homes, silences) =>
    {
        var nodes = Enumerable.Range(0, 3).Select(n => Node($"{n}", silences[n], [.. Enumerable.Range(0, Shards).Where(s => homes[s] == n)])).ToArray();
        var next = Next(before, before, nodes);
        Assert.InRange(next, before + 1, before + Shards);
        var lost = homes[before % Shards];
        if (nodes.Any(n => n.Silence < Silent && n.Name != $"{lost}" && !n.Shards.IsEmpty))
        {
            Assert.True(nodes[homes[next % Shards]].Silence < Silent);
            Assert.NotEqual(lost, homes[next % Shards]);
        }
    });

    [Fact]
    public void A_mixer_beside_others_goes_where_the_fewest_of_them_are()
    {
        MediaNode[] nodes = [Node("a", 0, 1, 2, 3), Node("b", 0, 4, 5), Node("c", 0, 6)];
        Assert.Equal(2, Beside(1, null, [], nodes));
        Assert.Equal(4, Beside(1, null, [1], nodes));
        Assert.Equal(6, Beside(1, null, [1, 4], nodes));
        Assert.Equal(4, Beside(1, null, [1, 2, 4, 6], nodes));
        // Rather beside another than where one was just lost, or where nobody answers.
        Assert.Equal(14, Beside(6, 6, [1, 2, 4], nodes));
        Assert.Equal(2, Beside(1, null, [1], [Node("a", 0, 1, 2), Node("b", 2000, 4)]));
    }

    private static long Beside(long before, long? lost, int[] others, MediaNode[] nodes) =>
        MixerChoice.Next(before, lost, [.. others], i => (int)(i % Shards), Shards, [.. nodes], Silent);

    private static long Next(long before, long? lost, params MediaNode[] nodes) =>
        MixerChoice.Next(before, lost, [], i => (int)(i % Shards), Shards, [.. nodes], Silent);

    private static MediaNode Node(string name, int silence, params int[] shards) => new(name, TimeSpan.FromMilliseconds(silence), [.. shards]);
}
