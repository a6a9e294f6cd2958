using ConfCluster.Protocols.Nodes;
using CsCheck;
using Xunit;

namespace ConfCluster.Protocols.Tests.Nodes;

public sealed class DoorTriesTests
{
    [Fact]
    public void Two_refusals_in_a_row_mean_its_end()
    {
        Assert.Equal(DoorVerdict.Ended, After(Door.Refuses, Door.Refuses));
        Assert.Equal(DoorVerdict.TryAgain, After(Door.Refuses));
        Assert.Equal(DoorVerdict.TryAgain, After(Door.Refuses, Door.Open, Door.Refuses));
        Assert.Equal(DoorVerdict.TryAgain, After(Door.Refuses, Door.Silent, Door.Refuses));
        Assert.Equal(DoorVerdict.Ended, After(Door.Open, Door.Silent, Door.Refuses, Door.Refuses));
    }

    [Fact]
    public void It_is_not_tried_for_ever_and_the_last_try_counts_like_any_other()
    {
        Door[] open = [.. Enumerable.Repeat(Door.Open, DoorTries.Most - 2)];
        Assert.Equal(DoorVerdict.Unknown, After([.. open, Door.Open, Door.Open]));
        Assert.Equal(DoorVerdict.Unknown, After([.. open, Door.Open, Door.Refuses]));
        Assert.Equal(DoorVerdict.Ended, After([.. open, Door.Refuses, Door.Refuses]));
    }

    [Fact]
    public void Whose_door_never_refuses_twice_in_a_row_has_not_ended() => Gen.Enum<Door>().Array[1, DoorTries.Most].Sample(doors =>
    {
        var twice = doors.Zip(doors.Skip(1)).Any(p => p is (Door.Refuses, Door.Refuses));
        Assert.Equal(twice, After(doors) == DoorVerdict.Ended);
    }, iter: 2000);

    /// <summary>The first verdict that ends the tries, or the last.</summary>
    private static DoorVerdict After(params Door[] doors)
    {
        var (tries, verdict) = (default(DoorTries), DoorVerdict.TryAgain);
        foreach (var door in doors)
        {
            if (verdict == DoorVerdict.TryAgain) (tries, verdict) = tries.Tried(door);
        }

        return verdict;
    }
}
