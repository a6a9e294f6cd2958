using Akka.Actor;
using ConfCluster.Actors.Participant;
using ConfCluster.Actors.Sip;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Transactions;
using Xunit;

namespace ConfCluster.Actors.Tests.Sip;

/// <summary>The endpoint over TCP.</summary>
public sealed class SipStreamTests : SipEndpointScene
{
    [Fact]
    [Trait("RFC", "3261 §18.3")]
    public void A_message_that_drips_byte_by_byte_arrives_whole_and_is_answered_on_its_connection()
    {
        var phone = Tcp(Start());
        foreach (var b in System.Text.Encoding.UTF8.GetBytes(phone.Request("INVITE"))) phone.Send([b]);
        Assert.Equal(100, phone.Response().StatusCode);
        var arrived = Participants.ExpectMsg<SipRequestArrived>();
        Assert.Equal((SipTransport.Tcp, phone.Local), (arrived.Flow.Transport, arrived.Flow.Remote));
        Answer(arrived, 486, "Busy");
        Assert.Equal(486, phone.Response().StatusCode);
    }

    [Fact]
    public void Several_messages_in_one_piece_arrive_in_order()
    {
        var phone = Tcp(Start());
        phone.Send(phone.Request("INVITE") + phone.Request("CANCEL") + "\r\n" + phone.Request("OPTIONS", "z9hG4bKo"));
        Assert.Equal(["INVITE", "CANCEL"], [Arrived(), Arrived()]);
        Assert.Equal(200, phone.Answer().StatusCode);
    }

    [Fact]
    [Trait("RFC", "5626 §3.5.1")]
    public void A_ping_gets_a_pong()
    {
        var phone = Tcp(Start());
        phone.Send("\r\n\r\n");
        Assert.Equal("\r\n"u8.ToArray(), phone.ReceiveBytes());
    }

    [Fact]
    public void A_stream_of_garbage_is_closed_and_the_next_one_served()
    {
        var endpoint = Start();
        var vandal = Tcp(endpoint);
        vandal.Send("{\"this\": \"is not SIP\"}\r\n\r\n");
        AwaitAssert(() => Assert.Equal(1, Listening(endpoint).Connections));
        AwaitClosed(endpoint);
        Assert.Empty(vandal.ReceiveBytes());
        var phone = Tcp(endpoint);
        phone.Send(phone.Request("OPTIONS"));
        Assert.Equal(200, phone.Response().StatusCode);
    }

    [Fact]
    [Trait("RFC", "3261 §20.14")]
    public void A_request_without_Content_Length_gets_its_400_before_the_stream_is_closed()
    {
        var endpoint = Start();
        var phone = Tcp(endpoint);
        phone.Send(phone.Request("INVITE").Replace("Content-Length: 0\r\n", "", StringComparison.Ordinal));
        Assert.Equal(400, phone.Response().StatusCode);
        AwaitClosed(endpoint);
        Assert.Empty(phone.ReceiveBytes());
        ExpectSilence();
    }

    [Fact]
    public void A_request_of_ours_takes_the_connection_that_the_call_came_by()
    {
        var endpoint = Start();
        var phone = Tcp(endpoint);
        var call = Call(phone);
        endpoint.Tell(new SendRequest(call.Participant, InDialog(call, SipMethod.Bye), call.Flow));
        var bye = (SipRequest)phone.Receive();
        Assert.Equal(("BYE", "TCP"), (bye.Method.Name, bye.Headers.TopVia!.Transport));
        Assert.Equal(1, Listening(endpoint).Connections);
    }

    [Fact]
    [Trait("RFC", "3261 §17.1.4")]
    public void A_request_to_a_peer_that_is_gone_fails_at_once()
    {
        var endpoint = Start();
        var phone = Tcp(endpoint);
        var call = Call(phone);
        phone.Dispose();
        AwaitAssert(() => Assert.Equal(0, Listening(endpoint).Connections));
        endpoint.Tell(new SendRequest(call.Participant, InDialog(call, SipMethod.Bye), call.Flow));
        var failed = Participants.ExpectMsg<SipTransactionFailed>();
        Assert.Equal((call.Participant, TransactionFailure.Transport), (failed.Participant, failed.Reason));
    }

    [Fact]
    public void Connections_above_the_limit_are_closed()
    {
        var endpoint = Start(Settings with { MaxConnections = 1 });
        var first = Tcp(endpoint);
        first.Send(first.Request("OPTIONS"));
        Assert.Equal(200, first.Response().StatusCode);
        Assert.Empty(Tcp(endpoint).ReceiveBytes());
        first.Send(first.Request("OPTIONS", "z9hG4bKb"));
        Assert.Equal(200, first.Response().StatusCode);
    }

    [Fact]
    public void A_connection_that_never_finishes_a_message_is_closed_however_often_it_drips()
    {
        var endpoint = Start();
        var slow = Tcp(endpoint);
        slow.Send("INVITE sip:");
        AwaitAssert(() => Assert.Equal(1, Listening(endpoint).Connections));
        Clock.Advance(TimeSpan.FromMinutes(9));
        slow.Send("room");
        Assert.Equal(1, Listening(endpoint).Connections);
        Clock.Advance(TimeSpan.FromMinutes(2));
        Assert.Empty(slow.ReceiveBytes());
    }

    /// <summary>Moves the clock over the pause that a closing connection leaves for its last answer.</summary>
    private void AwaitClosed(IActorRef endpoint) => AwaitAssert(() =>
    {
        Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(0, Listening(endpoint).Connections);
    });

    private string Arrived() => Participants.ExpectMsg<SipRequestArrived>().Request.Method.Name;

    private SipRequestArrived Call(TcpPeer phone)
    {
        phone.Send(phone.Request("INVITE"));
        var arrived = Participants.ExpectMsg<SipRequestArrived>();
        Answer(arrived, 200, "OK");
        phone.Answer();
        return arrived;
    }
}
