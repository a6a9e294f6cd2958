using System.Net;
using System.Net.Sockets;
using System.Text;
using Akka.Actor;
using Akka.Cluster.Sharding;
using Akka.TestKit;
using Akka.TestKit.Xunit2;
using ConfCluster.Actors.Conference;
using ConfCluster.Actors.Media;
using ConfCluster.Actors.Participant;
using ConfCluster.Actors.Sip;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Sdp;
using ConfCluster.Protocols.Sip.Dialogs;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Parsing;
using ConfCluster.Protocols.Sip.Transactions;
using ConfCluster.Protocols.Srtp;
using Xunit;

namespace ConfCluster.Actors.Tests.Participant;

public sealed class ParticipantEntityTests : TestKit
{
    private static readonly ParticipantId Id = new("0123456789abcdef0123456789abcdef");
    private static readonly ConferenceId Room = new("room");
    private static readonly MixerId Mixer = new(Room, 0, 1);
    private static readonly MediaAddress Ports = MediaAddress.From(IPAddress.Loopback, 40000);
    private static readonly SipFlow Flow = new(
        SipTransport.Udp, new IPEndPoint(IPAddress.Loopback, 5060), new IPEndPoint(IPAddress.Loopback, 5080));

    private readonly TestProbe _shard;
    private readonly TestProbe _endpoint;
    private readonly TestProbe _conferences;
    private readonly TestProbe _mixers;
    private readonly TestProbe _journal;
    private readonly EntityRegions _regions;

    public ParticipantEntityTests() : base("akka.scheduler.implementation = \"Akka.TestKit.TestScheduler, Akka.TestKit\"")
    {
        (_shard, _endpoint, _conferences, _mixers, _journal) =
            (CreateTestProbe(), CreateTestProbe(), CreateTestProbe(), CreateTestProbe(), CreateTestProbe());
        _regions = new EntityRegions { Conferences = _conferences.Ref, Mixers = _mixers.Ref, SipEndpoint = _endpoint.Ref };
    }

    [Fact]
    public void A_call_goes_from_INVITE_to_BYE_and_the_entity_goes_when_its_facts_are_stored()
    {
        var entity = Recovered();
        Send(entity, "INVITE", 1, "", Offer);
        _conferences.ExpectMsg(new JoinConference(Room, Id, "sip:alice@example.com", null) { Ability = new LegAbility(false, IsProtected: true, "") });
        entity.Tell(new Joined(Id, Room, Mixer, new Ssrc(1), new Incarnation(1)));
        _mixers.ExpectMsg<OpenLeg>(m => m.Mixer == Mixer && m.Participant == Id && m.Family == AddressFamily.InterNetwork && m.Uplink.Length == 1);
        entity.Tell(new LegOpened(Id, Mixer, Ports, Ports.WithPort(40001)));
        Assert.Equal(200, _endpoint.ExpectMsg<Respond>().Response.StatusCode);
        using (var before = _mixers.ExpectMsg<SetLegMedia>().Media) Assert.False(before.IsConfirmed);

        entity.Tell(new SipAckArrived(Id, Request("ACK", 1, Id.Value), Flow));
        using (var media = _mixers.ExpectMsg<SetLegMedia>().Media) Assert.True(media.IsConfirmed);
        var confirmed = _journal.ExpectMsg<StoreFact>();
        Assert.IsType<DialogFact.DialogConfirmed>(confirmed.Fact);
        Assert.Equal(LegKeyAnswer.Ready, _conferences.ExpectMsg<LegKeyReport>().Answer);

        Send(entity, "BYE", 2, Id.Value);
        Assert.Equal(200, _endpoint.ExpectMsg<Respond>().Response.StatusCode);
        _mixers.ExpectMsg(new CloseLeg(Mixer, Id));
        _conferences.ExpectMsg(new LeaveConference(Room, Id, LeaveReason.Bye));
        var ended = _journal.ExpectMsg<StoreFact>();
        entity.Tell(new LeaveAcknowledged(Id, Room));
        entity.Tell(new FactStored(confirmed.Fact));
        _shard.ExpectNoMsg(TimeSpan.FromMilliseconds(50));
        entity.Tell(new FactStored(ended.Fact));
        _shard.ExpectMsg<Passivate>();
    }

    [Fact]
    public void It_is_on_its_way_in_until_its_dialog_is_stored()
    {
        Assert.Equal(0, _regions.SetUps.Count);
        var entity = Answered();
        AwaitCondition(() => _regions.SetUps.Count == 1);
        entity.Tell(new SipAckArrived(Id, Request("ACK", 1, Id.Value), Flow));
        var confirmed = _journal.ExpectMsg<StoreFact>();
        _conferences.ExpectMsg<LegKeyReport>();
        Assert.Equal(1, _regions.SetUps.Count);
        entity.Tell(new FactStored(confirmed.Fact));
        AwaitCondition(() => _regions.SetUps.Count == 0);

        // What comes later is no way in.
        Send(entity, "BYE", 2, Id.Value);
        _endpoint.ExpectMsg<Respond>();
        _conferences.ExpectMsg<LeaveConference>();
        Assert.Equal(0, _regions.SetUps.Count);
    }

    [Fact]
    public void In_a_cluster_the_2xx_goes_out_when_the_dialog_is_stored()
    {
        var entity = Recovered(Settings with { CallsOutliveNode = true });
        Send(entity, "INVITE", 1, "", Offer);
        _conferences.ExpectMsg<JoinConference>();
        entity.Tell(new Joined(Id, Room, Mixer, new Ssrc(1), new Incarnation(1)));
        _mixers.ExpectMsg<OpenLeg>();
        entity.Tell(new LegOpened(Id, Mixer, Ports, Ports.WithPort(40001)));
        var stored = _journal.ExpectMsg<StoreFact>();
        _endpoint.ExpectNoMsg(TimeSpan.FromMilliseconds(50));
        entity.Tell(new FactStored(stored.Fact));
        Assert.Equal(200, _endpoint.ExpectMsg<Respond>().Response.StatusCode);

        // Its answer is repeated from here until the ACK.
        AwaitCondition(() => _regions.SetUps.Count == 1);
        entity.Tell(new SipAckArrived(Id, Request("ACK", 1, Id.Value), Flow));
        Assert.Equal(LegKeyAnswer.Ready, _conferences.ExpectMsg<LegKeyReport>().Answer);
        AwaitCondition(() => _regions.SetUps.Count == 0);
    }

    [Fact]
    public void One_that_dies_is_not_on_its_way_in_any_more()
    {
        var entity = Answered();
        AwaitCondition(() => _regions.SetUps.Count == 1);
        Kill(entity);
        Assert.Equal(0, _regions.SetUps.Count);
    }

    [Fact]
    public void The_2xx_is_repeated_to_the_endpoint_that_passed_the_INVITE()
    {
        var entity = Answered();

        // Its timer starts after the answer that was seen; what answers this has started it.
        entity.Tell(new Identify(0), TestActor);
        ExpectMsg<ActorIdentity>();
        ((TestScheduler)Sys.Scheduler).Advance(TimeSpan.FromMilliseconds(500));
        Assert.Equal(200, _endpoint.ExpectMsg<Respond>().Response.StatusCode);
        Watch(entity);
        ((TestScheduler)Sys.Scheduler).Advance(TimeSpan.FromSeconds(32));
        Assert.Equal(SipMethod.Bye, _endpoint.FishForMessage<SendRequest>(_ => true).Request.Method);
    }

    [Fact]
    public void Nothing_is_decided_before_the_journal_has_spoken()
    {
        var entity = _shard.ChildActorOf(ParticipantRegion.PropsOf(Id, Settings, _regions, (_, _) => Forwarder.To(_journal)));
        Send(entity, "INVITE", 1, "", Offer);
        _conferences.ExpectNoMsg(TimeSpan.FromMilliseconds(50));
        entity.Tell(new FactsRecovered([]));
        _conferences.ExpectMsg<JoinConference>();
    }

    [Fact]
    public void A_participant_of_a_cluster_that_comes_back_asks_for_its_mixer_and_there_for_its_leg()
    {
        var dialog = new DialogFacts("c1", $"<sip:room@127.0.0.1>;tag={Id.Value}", "<sip:alice@example.com>;tag=alice", null, 1, "sip:alice@127.0.0.1:5080", [], false);
        var settings = Settings with { CallsOutliveNode = true };
        var entity = _shard.ChildActorOf(ParticipantRegion.PropsOf(Id, settings, _regions, (_, _) => Forwarder.To(_journal)));
        entity.Tell(new FactsRecovered([new DialogFact.DialogConfirmed(Room, dialog, Flow, false, Offer, Offer)]));
        entity.Tell(new OfferGroupKey(Id, Room, GroupKey.Generate(new KeyEpoch(2), SrtpProfile.Usual, s => s.Fill(1)), null));
        _conferences.ExpectMsg(new FindMixer(Room, Id));
        entity.Tell(new MoveLeg(Id, Room, Mixer, new Incarnation(2), MayOffer: false));
        _mixers.ExpectMsg(new FindLeg(Mixer, Id));
        entity.Tell(new LegFound(Id, Mixer, null));
        _mixers.ExpectMsg<OpenLeg>(m => m.Mixer == Mixer && m.Participant == Id && m.Family == AddressFamily.InterNetwork);
        entity.Tell(new LegOpened(Id, Mixer, Ports, Ports.WithPort(40001)));
        Assert.Equal(SipMethod.Invite, _endpoint.ExpectMsg<SendRequest>().Request.Method);
    }

    [Fact]
    public void A_request_of_a_dialog_that_nobody_knows_gets_481_and_writes_nothing()
    {
        var entity = Recovered();
        Send(entity, "BYE", 2, Id.Value);
        Assert.Equal(481, _endpoint.ExpectMsg<Respond>().Response.StatusCode);
        _shard.ExpectMsg<Passivate>();
        _journal.ExpectNoMsg(TimeSpan.FromMilliseconds(50));
    }

    [Fact]
    public void A_node_that_comes_back_says_BYE_in_the_dialogs_it_had_and_does_not_bear_them_again()
    {
        var journal = DialogWriter.Journal(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(8));
        var entity = Answered(_shard.ChildActorOf(ParticipantRegion.PropsOf(Id, Settings, _regions, journal)));
        entity.Tell(new SipAckArrived(Id, Request("ACK", 1, Id.Value), Flow));
        _mixers.ExpectMsg<SetLegMedia>().Media.Dispose();
        AwaitStored("DialogConfirmed");
        _conferences.ExpectMsg<LegKeyReport>();
        Kill(entity);

        entity = _shard.ChildActorOf(ParticipantRegion.PropsOf(Id, Settings, _regions, journal));
        entity.Tell(new EndDialog(Id, Room, LeaveReason.NodeLost));
        var bye = _endpoint.ExpectMsg<SendRequest>().Request;
        Assert.Equal("call-1", bye.Headers.CallId);
        _conferences.ExpectMsg(new LeaveConference(Room, Id, LeaveReason.NodeLost));
        entity.Tell(new SipResponseArrived(Id, new TransactionKey(false, "b", "", SipMethod.Bye), bye.CreateResponse(200, "OK")));
        entity.Tell(new LeaveAcknowledged(Id, Room));
        _shard.ExpectMsg<Passivate>();
        Kill(entity);

        entity = _shard.ChildActorOf(ParticipantRegion.PropsOf(Id, Settings, _regions, journal));
        Send(entity, "INVITE", 1, "", Offer);
        Assert.Equal(482, _endpoint.ExpectMsg<Respond>().Response.StatusCode);
        _shard.ExpectMsg<Passivate>();
    }

    [Fact]
    public void An_answer_on_its_way_outlives_the_entity_that_gave_it()
    {
        var entity = Answered();
        var body = _answer!.Body;
        Kill(entity);
        Assert.Contains("inline:", Encoding.UTF8.GetString(body.Span), StringComparison.Ordinal);
    }

    private SipResponse? _answer;

    private static FocusSettings Settings => new(SipTimings.Default, null, "test", MediaCapabilities.Default);

    private static string Offer =>
        "v=0\r\no=alice 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 50000 RTP/SAVP 0\r\n" +
        $"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{Convert.ToBase64String("thirty octets that are no key!"u8)}\r\n";

    private IActorRef Recovered(FocusSettings? settings = null)
    {
        var entity = _shard.ChildActorOf(ParticipantRegion.PropsOf(Id, settings ?? Settings, _regions, (_, _) => Forwarder.To(_journal)));
        entity.Tell(new FactsRecovered([]));
        return entity;
    }

    private IActorRef Answered(IActorRef? entity = null)
    {
        entity ??= Recovered();
        Send(entity, "INVITE", 1, "", Offer);
        _conferences.ExpectMsg<JoinConference>();
        entity.Tell(new Joined(Id, Room, Mixer, new Ssrc(1), new Incarnation(1)));
        _mixers.ExpectMsg<OpenLeg>();
        entity.Tell(new LegOpened(Id, Mixer, Ports, Ports.WithPort(40001)));
        _answer = _endpoint.ExpectMsg<Respond>().Response;
        return entity;
    }

    private void Send(IActorRef entity, string method, uint cseq, string toTag, string sdp = "")
    {
        var request = Request(method, cseq, toTag, sdp);
        entity.Tell(new SipRequestArrived(Id, TransactionKey.OfReceived(request), request, Flow, _endpoint.Ref));
    }

    /// <summary>Reads the journal with a reader of its own.</summary>
    private void AwaitStored(string fact) => AwaitAssert(() =>
    {
        var reader = CreateTestProbe();
        var writer = reader.ChildActorOf(Props.Create(() => new DialogWriter(Id, null, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(8))));
        var facts = reader.ExpectMsg<FactsRecovered>().Facts;
        Sys.Stop(writer);
        Assert.Contains(facts, f => f.GetType().Name == fact);
    });

    private void Kill(IActorRef entity)
    {
        Watch(entity);
        Sys.Stop(entity);
        ExpectTerminated(entity);
    }

    private static SipRequest Request(string method, uint cseq, string toTag, string sdp = "")
    {
        var text = $"{method} sip:room@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5080;branch=z9hG4bK{method}{cseq}\r\n" +
            $"Max-Forwards: 70\r\nFrom: <sip:alice@example.com>;tag=alice\r\n" +
            $"To: <sip:room@127.0.0.1>{(toTag.Length > 0 ? $";tag={toTag}" : "")}\r\nCall-ID: call-1\r\n" +
            $"CSeq: {cseq} {method}\r\nContact: <sip:alice@127.0.0.1:5080>\r\n" +
            $"{(sdp.Length > 0 ? "Content-Type: application/sdp\r\n" : "")}" +
            $"Content-Length: {sdp.Length}\r\n\r\n{sdp}";
        Assert.True(SipReader.TryRead(Encoding.ASCII.GetBytes(text), out var message, out var error), error.Detail);
        return (SipRequest)message!;
    }

    /// <summary>A journal whose messages a probe sees.</summary>
    private sealed class Forwarder : ReceiveActor
    {
        public Forwarder(IActorRef target) => ReceiveAny(target.Forward);

        public static Props To(TestProbe probe)
        {
            var target = probe.Ref;
            return Props.Create(() => new Forwarder(target));
        }
    }
}
