using Akka.Actor;
using Akka.Cluster;
using Akka.Configuration;
using Akka.TestKit.Xunit2;
using ConfCluster.Actors.Conference;
using ConfCluster.Protocols.Conference;
using Xunit;

namespace ConfCluster.Actors.Tests.Conference;

public sealed class FocusWatchTests() : TestKit(
    "akka.actor.provider = cluster\nakka.cluster.roles = [focus]\nakka.remote.dot-netty.tcp { hostname = \"127.0.0.1\", port = 0 }")
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private readonly ActiveConferences _active = new(10);

    [Fact]
    public void Each_conference_of_this_node_calls_its_legs_when_a_node_with_participants_is_gone()
    {
        ConferenceId[] on = [new("sales"), new("board")];
        foreach (var conference in on) Assert.Equal(Admission.Open, _active.Admit(conference));
        Begin().Tell(GoneIs(Sys));
        ConferenceId[] called = [ExpectMsg<RecallLegs>(Patience).Conference, ExpectMsg<RecallLegs>(Patience).Conference];
        Assert.Equivalent(on, called);
    }

    [Fact]
    public async Task A_node_without_participants_takes_nobody_along()
    {
        _active.Admit(new ConferenceId("sales"));
        var other = ActorSystem.Create("other", ConfigurationFactory.ParseString("akka.cluster.roles = [media]").WithFallback(Sys.Settings.Config));
        try
        {
            var watch = Begin();
            watch.Tell(GoneIs(other));
            watch.Tell(GoneIs(Sys));
            ExpectMsg<RecallLegs>(Patience);
            ExpectNoMsg(TimeSpan.FromMilliseconds(100));
        }
        finally
        {
            await other.Terminate();
        }
    }

    /// <summary>A system that has joined nobody says that it was removed, under its address and with its roles.</summary>
    private static ClusterEvent.MemberRemoved GoneIs(ActorSystem system) => new(Akka.Cluster.Cluster.Get(system).SelfMember, MemberStatus.Exiting);

    private IActorRef Begin() => Sys.ActorOf(Props.Create(() => new FocusWatch(new EntityRegions { Conferences = TestActor }, _active)));
}
