using ConfCluster.Actors.Audit;
using Xunit;

namespace ConfCluster.Actors.Tests.Audit;

public sealed class RowGapsTests
{
    private static readonly DateTimeOffset Noon = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);
    private readonly RowGaps _gaps = new();

    [Fact]
    public void A_row_that_was_written_before_others_and_is_seen_after_them_is_not_missed()
    {
        _gaps.Look(10, 15, [11, 13, 15], Noon);
        Assert.Equal<long>([12, 14], _gaps.Missing(Noon));
        _gaps.Found([12, 13], out var found);
        Assert.Equal<long>([12], found);
        Assert.Equal<long>([14], _gaps.Missing(Noon));
        _gaps.Found([12], out var again);
        Assert.Empty(again);
    }

    [Fact]
    public void What_is_missing_at_the_end_counts_too() => Assert.Equal([12], Missing(10, 12, [11]));

    [Fact]
    public void A_number_whose_write_failed_is_not_waited_for_for_ever()
    {
        _gaps.Look(0, 2, [2], Noon);
        Assert.Equal<long>([1], _gaps.Missing(Noon.AddSeconds(29)));
        Assert.Empty(_gaps.Missing(Noon.AddSeconds(31)));
    }

    [Fact]
    public void A_jump_of_thousands_is_bounded() => Assert.Equal(1000, Missing(0, 1_000_000, [1_000_000]).Length);

    private long[] Missing(long after, long last, long[] seen)
    {
        _gaps.Look(after, last, seen, Noon);
        return [.. _gaps.Missing(Noon)];
    }
}
