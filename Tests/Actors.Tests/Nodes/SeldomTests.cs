using ConfCluster.Actors.Nodes.Links;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace ConfCluster.Actors.Tests.Nodes;

public sealed class SeldomTests
{
    [Fact]
    public void What_happens_often_is_said_once_in_ten_seconds_with_how_often_it_was()
    {
        var clock = new FakeTimeProvider();
        var said = new List<string>();
        var seldom = new Seldom(clock, said.Add);
        for (var i = 0; i < 1000; i++) seldom.Say($"{i}");
        clock.Advance(TimeSpan.FromSeconds(10));
        seldom.Say("later");
        clock.Advance(TimeSpan.FromSeconds(10));
        seldom.Say("once");
        Assert.Equal(["0", "later (and 999 before it)", "once"], said);
    }
}
