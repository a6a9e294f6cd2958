using ConfCluster.Actors.Media;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace ConfCluster.Actors.Tests.Media;

public class PortRangeTests
{
    private readonly FakeTimeProvider _clock = new();

    [Fact]
    [Trait("RFC", "3550 §11")]
    public void RTP_ports_are_even_and_leave_room_for_RTCP()
    {
        var range = new PortRange(40001, 40006, _clock);
        Assert.Equal(2, range.Pairs);
        Assert.Equal([40002, 40004], [Take(range), Take(range)]);
        Assert.False(range.TryTake(out _));
    }

    [Fact]
    public void A_freed_pair_rests_before_it_is_given_out_again()
    {
        var range = new PortRange(40000, 40001, _clock);
        range.Return(Take(range));
        Assert.False(range.TryTake(out _));
        _clock.Advance(PortRange.Quarantine);
        Assert.Equal(40000, Take(range));
    }

    private static int Take(PortRange range)
    {
        Assert.True(range.TryTake(out var port));
        return port;
    }
}
