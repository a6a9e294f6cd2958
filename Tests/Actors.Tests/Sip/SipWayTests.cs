using System.Net;
using Akka.Actor;
using Akka.TestKit;
using Akka.TestKit.Xunit2;
using ConfCluster.Actors.Participant;
using ConfCluster.Actors.Sip;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Transactions;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace ConfCluster.Actors.Tests.Sip;

/// <summary>A cluster of one with a probe in the place of its endpoint.</summary>
public sealed class SipWayTests() : TestKit("""
    akka.actor.provider = cluster
    akka.remote.dot-netty.tcp { hostname = "127.0.0.1", port = 0 }
    akka.cluster.roles = ["sip"]
    """)
{
    private static readonly ParticipantId Alice = new("a");
    private readonly FakeTimeProvider _clock = new();

    private static SipRequest Bye => new(SipMethod.Bye, SipUri.Sip("a", "192.0.2.9", 5060)) { Headers = SipHeaders.Empty.Append("Call-ID", "c") };

    [Fact]
    public async Task What_a_participant_sends_goes_to_the_endpoint_of_a_node_with_the_role()
    {
        var (regions, way, _) = Begin();
        var endpoint = Sys.ActorOf(Props.Create(() => new Forwarder(TestActor)), SipEndpointStart.Name);
        Assert.NotNull(endpoint);
        await JoinAsync();
        await AwaitAssertAsync(async () =>
        {
            way.Tell(new SendRequest(Alice, Bye, Flow("gone:1")));
            var sent = await ExpectMsgAsync<SendRequest>(TimeSpan.FromMilliseconds(300));
            Assert.Equal((regions.Node, 0L), (sent.Flow.Node, sent.Flow.Connection));
        }, TimeSpan.FromSeconds(10));
        way.Tell(new SendRequest(Alice, Bye, Flow(regions.Node)));
        Assert.Equal(7, (await ExpectMsgAsync<SendRequest>()).Flow.Connection);
        way.Tell(new DialogOver(Alice, regions.Node));
        await ExpectMsgAsync(new DialogOver(Alice, regions.Node));
    }

    [Fact]
    public async Task While_there_is_no_such_node_the_participant_is_told()
    {
        var (_, way, participants) = Begin();
        way.Tell(new SendRequest(Alice, Bye, Flow("gone:1")));
        var failed = await participants.ExpectMsgAsync<SipTransactionFailed>();
        Assert.Equal((Alice, SipMethod.Bye, TransactionFailure.Transport), (failed.Participant, failed.Key.Method, failed.Reason));
        way.Tell(new LocateServers(Alice, SipUri.Sip("a", "example.com", 5060), false));
        Assert.Empty((await participants.ExpectMsgAsync<ServersLocated>()).Hops);
    }

    [Fact]
    public async Task Whoever_waits_for_a_node_that_goes_is_told()
    {
        var (regions, way, participants) = Begin();
        await JoinAsync();
        await AwaitAssertAsync(async () =>
        {
            way.Tell(new SendRequest(Alice, Bye, Flow(regions.Node)));
            await participants.ExpectNoMsgAsync(TimeSpan.FromMilliseconds(100));
        }, TimeSpan.FromSeconds(10));
        way.Tell(Removed());
        Assert.Equal(Alice, (await participants.ExpectMsgAsync<SipTransactionFailed>()).Participant);
    }

    [Fact]
    public async Task A_request_in_a_dialog_over_UDP_is_not_failed_since_its_participant_sends_it_again()
    {
        var (regions, way, participants) = Begin();
        await JoinAsync();
        var update = new SipRequest(SipMethod.Update, SipUri.Sip("a", "192.0.2.9", 5060))
        {
            Headers = SipHeaders.Empty.Append("Call-ID", "c").Append("To", "<sip:a@192.0.2.9>;tag=t"),
        };
        await AwaitAssertAsync(async () =>
        {
            way.Tell(new SendRequest(Alice, update, Flow(regions.Node) with { Transport = SipTransport.Udp, Connection = 0 }));
            way.Tell(new SendRequest(Alice, Bye, Flow(regions.Node)));
            await participants.ExpectNoMsgAsync(TimeSpan.FromMilliseconds(100));
        }, TimeSpan.FromSeconds(10));
        way.Tell(Removed());
        Assert.Equal(SipMethod.Bye, (await participants.ExpectMsgAsync<SipTransactionFailed>()).Key.Method);
        await participants.ExpectNoMsgAsync(TimeSpan.FromMilliseconds(100));
    }

    private Akka.Cluster.ClusterEvent.MemberRemoved Removed() => new(
        Akka.Cluster.Cluster.Get(Sys).SelfMember.Copy(Akka.Cluster.MemberStatus.Leaving).Copy(Akka.Cluster.MemberStatus.Exiting)
            .Copy(Akka.Cluster.MemberStatus.Removed), Akka.Cluster.MemberStatus.Exiting);

    private static SipFlow Flow(string node) =>
        new(SipTransport.Tcp, new IPEndPoint(IPAddress.Loopback, 5060), new IPEndPoint(IPAddress.Loopback, 5080), 7) { Node = node };

    private (EntityRegions Regions, IActorRef Way, TestProbe Participants) Begin()
    {
        var participants = CreateTestProbe();
        var regions = new EntityRegions { Participants = participants, Node = SipWay.NameOf(Akka.Cluster.Cluster.Get(Sys).SelfAddress) };
        return (regions, Sys.ActorOf(Props.Create(() => new SipWay(regions, TimeSpan.FromSeconds(32), _clock))), participants);
    }

    private Task JoinAsync()
    {
        var cluster = Akka.Cluster.Cluster.Get(Sys);
        return cluster.JoinAsync(cluster.SelfAddress);
    }

    private sealed class Forwarder : ReceiveActor
    {
        public Forwarder(IActorRef to) => ReceiveAny(to.Tell);
    }
}
