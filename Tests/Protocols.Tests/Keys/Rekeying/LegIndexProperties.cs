using ConfCluster.Protocols.Keys.Rekeying;
using CsCheck;
using Xunit;

namespace ConfCluster.Protocols.Tests.Keys.Rekeying;

public sealed class LegIndexProperties
{
    [Fact]
    public void The_index_always_says_what_the_legs_say() =>
        Gen.Select(RekeyProperties.AnyPolicy, RekeyProperties.AnyStory).Sample((policy, story) =>
        {
            var world = new RekeyWorld(policy, TimeSpan.FromMilliseconds(10));
            world.Heard = (_, _) => Compare(world.State);
            foreach (var (pause, happening) in story)
            {
                world.Run(pause);
                happening.Act(world);
            }

            world.Run(TimeSpan.FromMinutes(1));
        }, iter: 1000);

    private static void Compare(RekeyState state)
    {
        var anew = state.Legs.Values.Aggregate(LegIndex.Empty, (index, leg) => index.With(null, leg));
        Assert.Equal(anew.Moves, state.Index.Moves);
        Assert.Equal(anew.Retries, state.Index.Retries);
        Assert.Equal(anew.Out, state.Index.Out);
        Assert.Equal(anew.Lapses, state.Index.Lapses);
        Assert.Equal(anew.Sheds, state.Index.Sheds);
        Assert.Equal(anew.Free, state.Index.Free);
        Assert.Equal(anew.Tallies, state.Index.Tallies);
    }
}
