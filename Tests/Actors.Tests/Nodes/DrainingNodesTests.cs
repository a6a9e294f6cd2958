using Akka.Actor;
using Akka.TestKit.Xunit2;
using ConfCluster.Actors.Nodes;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace ConfCluster.Actors.Tests.Nodes;

public sealed class DrainingNodesTests() : TestKit("akka.actor.provider = cluster\nakka.remote.dot-netty.tcp { hostname = \"127.0.0.1\", port = 0 }")
{
    [Fact]
    public void A_node_that_says_it_no_longer_is_as_any_other()
    {
        var clock = new FakeTimeProvider();
        var draining = new DrainingNodes(clock);
        draining.Heard("127.0.0.2:4053");
        Assert.True(draining.Contains("127.0.0.2:4053"));
        Assert.False(draining.Contains("127.0.0.3:4053"));
        clock.Advance(DrainingNodes.Kept);
        Assert.False(draining.Contains("127.0.0.2:4053"));
    }

    [Fact]
    public void The_watch_keeps_what_others_say_and_says_its_own()
    {
        var draining = new DrainingNodes(TimeProvider.System);
        var watch = Sys.ActorOf(Props.Create(() => new DrainWatch(draining)), DrainWatch.Name);
        watch.Tell(new NodeDraining("127.0.0.2:4053"));
        AwaitAssert(() => Assert.True(draining.Contains("127.0.0.2:4053")));
        watch.Tell(BeginDraining.Instance);
        AwaitAssert(() => Assert.True(draining.Contains(ConfCluster.Actors.Sip.SipWay.NameOf(Akka.Cluster.Cluster.Get(Sys).SelfAddress))));
    }
}
