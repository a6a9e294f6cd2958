using System.Net;
using Akka.Actor;
using ConfCluster.Actors.Participant;
using ConfCluster.Actors.Sip;
using ConfCluster.Protocols.Sip.Admission;
using ConfCluster.Protocols.Sip.Messages;
using Xunit;

namespace ConfCluster.Actors.Tests.Sip;

public sealed class SipAdmissionTests : SipEndpointScene
{
    private static readonly AdmissionLimits Limits = AdmissionLimits.None with { RetryAfterMin = 5, RetryAfterMax = 20 };

    [Fact]
    [Trait("RFC", "3261 §21.5.4")]
    public void A_node_that_is_late_refuses_what_begins_and_serves_what_is_on()
    {
        var endpoint = Limited(Limits with { Overload = new OverloadLimits(1000, TimeSpan.FromMilliseconds(300), TimeSpan.FromSeconds(1)) });
        var phone = Udp(endpoint);
        var call = Invite(phone, "call-1");
        Answer(call, 200, "OK");
        Assert.Equal(200, phone.Answer().StatusCode);

        // The clock of this scene stands still but for these steps, so a tick after the first is late by one.
        AwaitOverloaded(endpoint, true, TimeSpan.FromSeconds(1));
        foreach (var method in (string[])["INVITE", "OPTIONS"])
        {
            phone.Send(phone.Request(method, $"z9hG4bK{method}", callId: method));
            var refused = phone.Answer();
            Assert.Equal(503, refused.StatusCode);
            Assert.InRange(int.Parse(refused.Headers.First("Retry-After")!, System.Globalization.CultureInfo.InvariantCulture), 5, 20);
        }

        phone.Send(phone.Request("ACK", "z9hG4bKack", call.Participant.Value));
        Participants.ExpectMsg<SipAckArrived>();
        phone.Send(phone.Request("BYE", "z9hG4bKbye", call.Participant.Value, 2));
        Answer(Participants.ExpectMsg<SipRequestArrived>(), 200, "OK");
        Assert.Equal(200, phone.Answer().StatusCode);

        // In steps so small that no tick looks late.
        AwaitOverloaded(endpoint, false, TimeSpan.FromMilliseconds(60));
        Invite(phone, "call-2");
    }

    [Fact]
    public void An_INVITE_that_was_let_in_keeps_its_place_when_its_copies_come_late()
    {
        var endpoint = Limited(Limits with { MaxUnanswered = 1 });
        var phone = Udp(endpoint);
        var call = Invite(phone, "call-1");
        phone.Send(phone.Request("INVITE", "z9hG4bKother", callId: "call-2"));
        Assert.Equal(503, phone.Answer().StatusCode);
        phone.Send(phone.Request("INVITE", "z9hG4bKcall-1", callId: "call-1"));
        Assert.Equal(100, phone.Response().StatusCode);
        Answer(call, 200, "OK");
        Assert.Equal(200, phone.Answer().StatusCode);
        Invite(phone, "call-3");
    }

    [Fact]
    public void A_source_above_its_rate_is_refused_and_its_calls_go_on()
    {
        var endpoint = Limited(Limits with { Rate = new BucketRate(1, 2), MaxSources = 16 });
        var phone = Udp(endpoint);
        var call = Invite(phone, "call-1");
        phone.Send("this is not SIP at all\r\n\r\n");
        phone.Send(phone.Request("OPTIONS", "z9hG4bKo", callId: "o"));
        SipResponse answer;
        do answer = phone.Answer();
        while (answer.StatusCode == 400);
        Assert.Equal((503, "Too Many Requests From Your Address"), (answer.StatusCode, answer.Reason));
        phone.Send(phone.Request("BYE", "z9hG4bKbye", call.Participant.Value, 2));
        Participants.ExpectMsg<SipRequestArrived>();
        Advance(endpoint, TimeSpan.FromSeconds(1));
        phone.Send(phone.Request("OPTIONS", "z9hG4bKo2", callId: "o"));
        Assert.Equal(200, phone.Answer().StatusCode);
    }

    [Fact]
    public void A_source_above_its_rate_hears_nothing_where_the_settings_say_so()
    {
        var endpoint = Limited(Limits with { Rate = new BucketRate(1, 1), IsDropping = true });
        var phone = Udp(endpoint);
        phone.Send(phone.Request("OPTIONS", "z9hG4bK1", callId: "1"));
        phone.Send(phone.Request("OPTIONS", "z9hG4bK2", callId: "2"));
        Assert.Equal("1", phone.Answer().Headers.CallId);
        Advance(endpoint, TimeSpan.FromSeconds(1));
        phone.Send(phone.Request("OPTIONS", "z9hG4bK3", callId: "3"));
        Assert.Equal("3", phone.Answer().Headers.CallId);
    }

    [Fact]
    public void An_exempt_peer_has_no_limit_of_its_own()
    {
        var endpoint = Limited(Limits with
        {
            Rate = new BucketRate(1, 1),
            MaxDialogsPerSource = 1,
            Exempt = [IPNetwork.Parse("127.0.0.0/8")],
        });
        var phone = Udp(endpoint);
        foreach (var call in (string[])["1", "2", "3"]) Invite(phone, call);
    }

    [Fact]
    [Trait("RFC", "3261 §21.4.21")]
    public void Dialogs_of_one_source_and_of_all_have_their_limits_until_their_participants_go()
    {
        var regions = Regions();
        var endpoint = Limited(Limits with { MaxDialogsPerSource = 1 }, regions);
        var phone = Udp(endpoint);
        var call = Invite(phone, "call-1");
        phone.Send(phone.Request("INVITE", "z9hG4bK2", callId: "call-2"));
        Assert.Equal(486, phone.Answer().StatusCode);
        regions.Dialogs.Leave(call.Participant);
        Invite(phone, "call-3");

        var full = Udp(Limited(Limits with { MaxDialogs = 0 }));
        full.Send(full.Request("INVITE", callId: "call-4"));
        var refused = full.Answer();
        Assert.Equal((503, "Too Many Calls"), (refused.StatusCode, refused.Reason));
    }

    [Fact]
    public void A_source_has_a_limit_of_connections_of_its_own()
    {
        var endpoint = Limited(Limits with { MaxConnectionsPerSource = 1 });
        var first = Tcp(endpoint);
        first.Send(first.Request("OPTIONS"));
        Assert.Equal(200, first.Response().StatusCode);
        Assert.Empty(Tcp(endpoint).ReceiveBytes());
        first.Send(first.Request("OPTIONS", "z9hG4bKb"));
        Assert.Equal(200, first.Response().StatusCode);
    }

    [Fact]
    public void Ten_thousand_refused_INVITEs_leave_nothing_behind()
    {
        var regions = Regions();
        var endpoint = Limited(Limits with { Rate = new BucketRate(0.001, 1), MaxSources = 64, MaxDialogs = 0 }, regions);
        var phone = Udp(endpoint);
        for (var i = 0; i < 10_000; i++)
        {
            phone.Send(phone.Request("INVITE", $"z9hG4bK{i}", callId: $"call-{i}"));
            Assert.Equal(503, phone.Answer().StatusCode);
        }

        var listening = Listening(endpoint);
        Assert.Equal((0, 0, 0, 0, 1), (
            listening.Transactions, listening.Timers, listening.Admission!.Unanswered, listening.Admission.Dialogs, listening.Admission.Sources));
        ExpectSilence();
    }

    private IActorRef Limited(AdmissionLimits limits, EntityRegions? regions = null) => Start(Settings with { Admission = limits }, regions ?? Regions());

    private SipRequestArrived Invite(UdpPeer phone, string call)
    {
        phone.Send(phone.Request("INVITE", $"z9hG4bK{call}", callId: call));
        Assert.Equal(100, phone.Response().StatusCode);
        return Participants.ExpectMsg<SipRequestArrived>();
    }

    private void AwaitOverloaded(IActorRef endpoint, bool expected, TimeSpan step) => AwaitAssert(
        () =>
        {
            Advance(endpoint, step);
            Assert.Equal(expected, Listening(endpoint).Admission!.IsOverloaded);
        },
        TimeSpan.FromSeconds(20), TimeSpan.FromMilliseconds(50));
}
