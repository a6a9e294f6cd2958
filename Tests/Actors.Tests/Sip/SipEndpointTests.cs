using System.Net;
using System.Net.Sockets;
using System.Text;
using Akka.Actor;
using ConfCluster.Actors.Participant;
using ConfCluster.Actors.Sip;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Transactions;
using Xunit;

namespace ConfCluster.Actors.Tests.Sip;

public sealed class SipEndpointTests : SipEndpointScene
{
    [Fact]
    public void A_call_reaches_its_participant_and_the_answer_the_caller()
    {
        var phone = Udp(Start());
        phone.Send(phone.Request("INVITE"));
        Assert.Equal(100, phone.Response().StatusCode);
        var arrived = Participants.ExpectMsg<SipRequestArrived>();
        Assert.Equal(Tags.ForIncoming("call-1", "alice1", 1), arrived.Participant);
        Assert.Equal(phone.Local, arrived.Flow.Remote);

        Answer(arrived, 200, "OK");
        var ok = phone.Response();
        Assert.Equal((200, arrived.Participant.Value), (ok.StatusCode, ok.Headers.To.Tag));
        Assert.Equal($"{phone.Local.Port}", ok.Headers.TopVia!.Parameters["rport"]);

        phone.Send(phone.Request("ACK", "z9hG4bKb", arrived.Participant.Value));
        Assert.Equal(arrived.Participant, Participants.ExpectMsg<SipAckArrived>().Participant);
    }

    [Fact]
    public void An_answer_with_keys_is_cleared_once_it_needs_no_repeating()
    {
        var endpoint = Start();
        var phone = Udp(endpoint);
        phone.Send(phone.Request("INVITE"));
        var invite = Participants.ExpectMsg<SipRequestArrived>();
        var first = WithBody(invite);
        endpoint.Tell(new Respond(invite.Key, first));
        Assert.Equal("keys", Encoding.UTF8.GetString(phone.Answer().Body.Span));
        Listening(endpoint);
        Assert.True(first.Body.Span.IndexOfAnyExcept((byte)0) < 0);

        phone.Send(phone.Request("UPDATE", "z9hG4bKu", invite.Participant.Value));
        var update = Participants.ExpectMsg<SipRequestArrived>();
        endpoint.Tell(new Respond(update.Key, WithBody(update)));
        phone.Answer();
        phone.Send(phone.Request("UPDATE", "z9hG4bKu", invite.Participant.Value));
        Assert.Equal("keys", Encoding.UTF8.GetString(phone.Answer().Body.Span));

        static SipResponse WithBody(SipRequestArrived arrived) =>
            arrived.Request.CreateResponse(200, "OK", arrived.Participant.Value) with { Body = new SipBody("keys"u8.ToArray()) };
    }

    [Fact]
    [Trait("RFC", "3261 §17.2.1")]
    public void A_copy_of_an_INVITE_is_absorbed_and_answered_from_the_transaction()
    {
        var phone = Udp(Start());
        phone.Send(phone.Request("INVITE"));
        Answer(Participants.ExpectMsg<SipRequestArrived>(), 180, "Ringing");
        Assert.Equal(180, phone.Answer().StatusCode);
        phone.Send(phone.Request("INVITE"));
        Assert.Equal(180, phone.Answer().StatusCode);
        ExpectSilence();
    }

    [Fact]
    public void A_forged_tag_gets_481_wakes_nobody_and_leaves_no_transaction()
    {
        var endpoint = Start();
        var phone = Udp(endpoint);
        phone.Send(phone.Request("BYE", toTag: new string('a', 32)));
        Assert.Equal(481, phone.Response().StatusCode);
        phone.Send(phone.Request("ACK", "z9hG4bKb", new string('a', 32)));
        ExpectSilence();
        Assert.Equal(0, Listening(endpoint).Transactions);
    }

    [Theory]
    [InlineData("INVITE sip:a SIP/3.0\r\nVia: SIP/2.0/UDP {0};rport;branch=z9hG4bKa\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n\r\n", 505)]
    [InlineData("INVITE sip:a SIP/2.0\r\nVia: SIP/2.0/UDP {0};rport;branch=z9hG4bKa\r\nFrom: <sip:a@b>;tag=1\r\nTo: \"open <\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n\r\n", 400)]
    [InlineData("INVITE sip:a SIP/2.0\r\nVia: SIP/2.0/UDP {0};rport;branch=z9hG4bKa\r\nVia: <>\r\nFrom: ><\r\nTo: <sip:c@d>\r\nCall-ID: 1\r\nCSeq: x\r\n\r\n", 400)]
    [InlineData("INVITE sip:a SIP/2.0\r\nVia: SIP/2.0/UDP {0};rport;branch=z9hG4bKa\r\n\r\n", 400)]
    [InlineData("BYE sip:a SIP/2.0\r\nVia: SIP/2.0/UDP {0};rport;branch=z9hG4bKa\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n\r\n", 400)]
    public void A_broken_request_is_answered_with_the_clause_and_the_endpoint_goes_on(string text, int status)
    {
        var endpoint = Start();
        var phone = Udp(endpoint);
        phone.Send(string.Format(System.Globalization.CultureInfo.InvariantCulture, text, phone.Local));
        // Its From and CSeq may be as broken as they came, so the raw start line is what counts.
        Assert.StartsWith($"SIP/2.0 {status} ", phone.ReceiveText(), StringComparison.Ordinal);
        phone.Send(phone.Request("OPTIONS"));
        Assert.Equal(200, phone.Response().StatusCode);
        Assert.Equal(0, Listening(endpoint).Transactions);
    }

    [Fact]
    public void Garbage_and_keep_alives_get_no_answer()
    {
        var phone = Udp(Start());
        phone.Send("\r\n\r\n");
        phone.Send("GET / HTTP/1.1\r\n\r\n");
        phone.Send([0x80, 0, 1, 2, 3]);
        phone.Send("SIP/2.0 200 OK\r\n\r\n");
        phone.Send(phone.Request("OPTIONS"));
        Assert.Equal("OPTIONS", phone.Response().Headers.CSeq.Method.Name);
    }

    [Fact]
    [Trait("RFC", "3261 §21.5.7")]
    public void A_message_over_the_limit_gets_513()
    {
        var phone = Udp(Start(Settings with { MaxMessageSize = 1000 }));
        phone.Send(phone.Request("INVITE", extra: $"X-Long: {new string('x', 1000)}\r\n"));
        Assert.Equal(513, phone.Response().StatusCode);
        ExpectSilence();
    }

    [Fact]
    [Trait("RFC", "3261 §17.2.1")]
    public void A_refusal_is_repeated_until_its_ACK_and_then_the_transaction_ends()
    {
        var endpoint = Start();
        var phone = Udp(endpoint);
        phone.Send(phone.Request("INVITE"));
        Answer(Participants.ExpectMsg<SipRequestArrived>(), 486, "Busy");
        var busy = phone.Answer();
        Advance(endpoint, TimeSpan.FromMilliseconds(501));
        Assert.Equal(486, phone.Response().StatusCode);
        phone.Send(phone.Request("ACK", toTag: busy.Headers.To.Tag!));
        AwaitAssert(() =>
        {
            Clock.Advance(TimeSpan.FromSeconds(6));
            Assert.Equal(0, Listening(endpoint).Transactions);
        });
        ExpectSilence();
    }

    [Fact]
    [Trait("RFC", "3261 §8.1.1.7")]
    public void A_request_of_ours_has_a_branch_of_its_own_and_its_answer_finds_the_owner()
    {
        var endpoint = Start();
        var phone = Udp(endpoint);
        var call = Call(phone);
        endpoint.Tell(new SendRequest(call.Participant, InDialog(call, SipMethod.Bye), call.Flow));
        endpoint.Tell(new SendRequest(call.Participant, InDialog(call, SipMethod.Update), call.Flow));
        var (bye, update) = ((SipRequest)phone.Receive(), (SipRequest)phone.Receive());
        Assert.StartsWith(Via.MagicCookie, bye.Headers.TopVia!.Branch, StringComparison.Ordinal);
        Assert.NotEqual(bye.Headers.TopVia.Branch, update.Headers.TopVia!.Branch);

        phone.Send(Protocols.Sip.Parsing.SipWriter.ToBytes(bye.CreateResponse(200, "OK")));
        var response = Participants.ExpectMsg<SipResponseArrived>();
        Assert.Equal((call.Participant, 200, SipMethod.Bye), (response.Participant, response.Response.StatusCode, response.Key.Method));
    }

    [Fact]
    [Trait("RFC", "3261 §17.1.2.2")]
    public void A_request_that_nobody_answers_is_repeated_and_fails()
    {
        var endpoint = Start();
        var phone = Udp(endpoint);
        var call = Call(phone);
        endpoint.Tell(new SendRequest(call.Participant, InDialog(call, SipMethod.Bye), call.Flow));
        var first = phone.Receive();
        Advance(endpoint, TimeSpan.FromMilliseconds(501));
        Assert.Equal(first.Headers.TopVia, phone.Receive().Headers.TopVia);
        Advance(endpoint, TimeSpan.FromSeconds(32));
        var failed = Participants.ExpectMsg<SipTransactionFailed>();
        Assert.Equal((call.Participant, TransactionFailure.Timeout), (failed.Participant, failed.Reason));
    }

    [Fact]
    public void Above_its_transactions_a_node_answers_503_and_wakes_nobody()
    {
        var phone = Udp(Start(Settings with { MaxTransactions = 1 }));
        phone.Send(phone.Request("INVITE"));
        Participants.ExpectMsg<SipRequestArrived>();
        phone.Send(phone.Request("INVITE", "z9hG4bKb", callId: "call-2"));
        var refused = phone.Answer();
        Assert.Equal((503, "32"), (refused.StatusCode, refused.Headers.First("Retry-After")));
        ExpectSilence();
    }

    [Fact]
    public void A_node_that_stops_takes_no_new_call_but_lets_the_running_ones_end()
    {
        var endpoint = Start();
        var phone = Udp(endpoint);
        phone.Send(phone.Request("INVITE"));
        var arrived = Participants.ExpectMsg<SipRequestArrived>();
        endpoint.Tell(StopAccepting.Instance);
        phone.Send(phone.Request("INVITE"));
        Assert.Equal([100, 100], [phone.Response().StatusCode, phone.Response().StatusCode]);
        phone.Send(phone.Request("INVITE", "z9hG4bKnew", callId: "call-2"));
        Assert.Equal(503, phone.Response().StatusCode);
        phone.Send(phone.Request("OPTIONS", "z9hG4bKquestion", callId: "question"));
        Assert.Equal(503, phone.Response().StatusCode);
        phone.Send(phone.Request("BYE", "z9hG4bKbye", arrived.Participant.Value, 2));
        Assert.Equal("BYE", Participants.ExpectMsg<SipRequestArrived>().Request.Method.Name);
    }

    [Theory]
    [InlineData("UDP")]
    [InlineData("TCP")]
    public void A_port_that_is_taken_is_named_in_a_sentence_and_nothing_stays_bound(string transport)
    {
        var (kind, protocol) = transport == "UDP" ? (SocketType.Dgram, ProtocolType.Udp) : (SocketType.Stream, ProtocolType.Tcp);
        using var other = new Socket(AddressFamily.InterNetwork, kind, protocol);
        other.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        if (transport == "TCP") other.Listen();
        var taken = (IPEndPoint)other.LocalEndPoint!;

        var listening = Listening(Start(transport == "UDP" ? Settings with { Udp = taken } : Settings with { Tcp = taken }));
        Assert.Equal($"SIP cannot listen on {transport} {taken}: another process listens there.", listening.Refusal);
        Assert.Equal((null, null), (listening.Udp, listening.Tcp));
    }

    private SipRequestArrived Call(UdpPeer phone)
    {
        phone.Send(phone.Request("INVITE"));
        var arrived = Participants.ExpectMsg<SipRequestArrived>();
        Answer(arrived, 200, "OK");
        phone.Answer();
        return arrived;
    }
}
