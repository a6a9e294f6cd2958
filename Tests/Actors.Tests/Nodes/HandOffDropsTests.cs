using Akka.Actor;
using Akka.Event;
using Akka.TestKit.Xunit2;
using ConfCluster.Actors.Nodes;
using ConfCluster.Actors.Participant;
using ConfCluster.Protocols.Conference;
using Xunit;

namespace ConfCluster.Actors.Tests.Nodes;

public sealed class HandOffDropsTests : TestKit
{
    private static readonly LeaveAcknowledged Message = new(new ParticipantId("p"), new ConferenceId("c"));

    [Fact]
    public void Only_what_a_move_dropped_is_handed_on()
    {
        var region = CreateTestProbe();
        var regions = new EntityRegions { Participants = region.Ref };
        var watch = Sys.ActorOf(Props.Create(() => new HandOffDrops(regions)));
        watch.Tell(new DeadLetter(new Dropped(Message, "ShardRegion buffer is full", TestActor, ActorRefs.NoSender), TestActor, TestActor));
        watch.Tell(new DeadLetter(new Dropped("no message of ours", HandOffDrops.Reason, TestActor, ActorRefs.NoSender), TestActor, TestActor));
        watch.Tell(new DeadLetter(new Dropped(Message, HandOffDrops.Reason, TestActor, ActorRefs.NoSender), TestActor, TestActor));
        region.ExpectMsg(Message);
        Assert.Equal(TestActor, region.LastSender);
        region.ExpectNoMsg(TimeSpan.Zero);
    }
}
