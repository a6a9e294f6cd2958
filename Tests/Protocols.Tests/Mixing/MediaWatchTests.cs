using ConfCluster.Protocols.Mixing;
using Xunit;

namespace ConfCluster.Protocols.Tests.Mixing;

public class MediaWatchTests
{
    private static readonly TimeSpan After = TimeSpan.FromSeconds(30);
    private MediaWatch _watch;

    [Fact]
    public void Somebody_who_never_sends_is_missed_once()
    {
        Assert.False(Look(true, null, 100));
        Assert.False(Look(true, null, 129));
        Assert.True(Look(true, null, 130));
        Assert.True(_watch.IsMissing);
        Assert.False(Look(true, null, 500));
    }

    [Fact]
    public void Every_packet_begins_the_time_anew_and_one_ends_the_absence()
    {
        Look(true, null, 0);
        Assert.False(Look(true, 29, 58));
        Assert.True(Look(true, 29, 59));
        Assert.True(Look(true, 60, 60));
        Assert.False(_watch.IsMissing);
        Assert.True(Look(true, 60, 90));
    }

    [Fact]
    public void Whoever_need_not_send_is_not_missed_and_has_the_whole_time_afterwards()
    {
        Look(true, 0, 0);
        Assert.False(Look(false, 0, 100));
        Assert.False(Look(true, 0, 101));
        Assert.False(Look(true, 0, 130));
        Assert.True(Look(true, 0, 131));
        Assert.True(Look(false, 0, 132));
        Assert.False(_watch.IsMissing);
    }

    [Fact]
    public void Without_a_time_nobody_is_watched()
    {
        Assert.False(_watch.Look(true, null, TimeSpan.Zero, TimeSpan.Zero));
        Assert.False(_watch.Look(true, null, TimeSpan.FromDays(1), TimeSpan.Zero));
    }

    private bool Look(bool expected, double? heard, double now) =>
        _watch.Look(expected, heard is { } at ? TimeSpan.FromSeconds(at) : null, TimeSpan.FromSeconds(now), After);
}
