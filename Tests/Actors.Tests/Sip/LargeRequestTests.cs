using System.Net;
using System.Net.Sockets;
using Akka.Actor;
using ConfCluster.Actors.Participant;
using ConfCluster.Actors.Sip;
using ConfCluster.Protocols.Sip.Dialogs;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Parsing;
using Xunit;

namespace ConfCluster.Actors.Tests.Sip;

/// <summary>Requests of the node that are too large for a datagram (RFC 3261 §18.1.1).</summary>
public sealed class LargeRequestTests : SipEndpointScene
{
    [Fact]
    [Trait("RFC", "3261 §18.1.1")]
    public void A_large_request_goes_over_TCP_and_its_answer_is_heard()
    {
        var endpoint = Start();
        var (call, phone) = Call(endpoint);
        using var listener = Listen(phone.Local);
        endpoint.Tell(Send(call, 2000));
        using var connection = listener.Accept();
        var update = Read(connection);
        Assert.Equal(("UPDATE", "TCP", 2000), (update.Method.Name, update.Headers.TopVia!.Transport, update.Body.Length));
        Assert.All(update.Body.Span.ToArray(), b => Assert.Equal((byte)'x', b));
        connection.Send(SipWriter.ToBytes(update.CreateResponse(200, "OK", "alice1")));
        Assert.Equal(200, Participants.ExpectMsg<SipResponseArrived>().Response.StatusCode);
    }

    [Fact]
    [Trait("RFC", "3261 §18.1.1")]
    public void Where_nobody_takes_connections_it_comes_as_a_datagram_and_nobody_is_told_of_a_failure()
    {
        var endpoint = Start();
        var (call, phone) = Call(endpoint);
        endpoint.Tell(Send(call, 2000));
        var update = (SipRequest)phone.Receive();
        Assert.Equal(("UPDATE", "UDP", 2000), (update.Method.Name, update.Headers.TopVia!.Transport, update.Body.Length));
        Assert.All(update.Body.Span.ToArray(), b => Assert.Equal((byte)'x', b));
        phone.Send(SipWriter.ToBytes(update.CreateResponse(200, "OK", "alice1")));
        Assert.Equal(200, Participants.ExpectMsg<SipResponseArrived>().Response.StatusCode);
        ExpectSilence();

        // And it is not tried again for a while: a listener that is there now gets nothing.
        using var listener = Listen(phone.Local);
        endpoint.Tell(Send(call, 2000));
        Assert.Equal("UDP", ((SipRequest)phone.Receive()).Headers.TopVia!.Transport);
        Assert.False(listener.Poll(TimeSpan.Zero, SelectMode.SelectRead));
    }

    [Fact]
    public void A_small_request_and_one_to_a_peer_behind_a_NAT_stay_datagrams()
    {
        var endpoint = Start();
        var (call, phone) = Call(endpoint);
        using var listener = Listen(phone.Local);
        endpoint.Tell(Send(call, 100));
        Assert.Equal("UDP", ((SipRequest)phone.Receive()).Headers.TopVia!.Transport);
        endpoint.Tell(Send(call, 2000) with { KeepsTransport = true });
        Assert.Equal("UDP", ((SipRequest)phone.Receive()).Headers.TopVia!.Transport);
        Assert.False(listener.Poll(TimeSpan.Zero, SelectMode.SelectRead));
    }

    [Fact]
    public void Without_a_TCP_listener_of_ours_everything_is_a_datagram()
    {
        var endpoint = Start(Settings with { Tcp = null });
        var (call, phone) = Call(endpoint);
        endpoint.Tell(Send(call, 2000));
        Assert.Equal("UDP", ((SipRequest)phone.Receive()).Headers.TopVia!.Transport);
    }

    [Fact]
    [Trait("RFC", "3261 §9.1")]
    public void The_CANCEL_of_a_large_INVITE_takes_its_way()
    {
        var endpoint = Start();
        var (call, phone) = Call(endpoint);
        using var listener = Listen(phone.Local);
        endpoint.Tell(Send(call, 2000, SipMethod.Invite));
        using var connection = listener.Accept();
        var invite = Read(connection);
        connection.Send(SipWriter.ToBytes(invite.CreateResponse(180, "Ringing", "alice1")));
        var ringing = Participants.ExpectMsg<SipResponseArrived>().Response;
        var headers = invite.Headers.Fields.Where(f => f.Name is "From" or "To" or "Call-ID");
        var cancel = new SipRequest(SipMethod.Cancel, invite.RequestUri)
        {
            Headers = new SipHeaders([.. headers]).Prepend("Via", ringing.Headers.TopVia!.ToString())
                .Append("CSeq", new CSeq(invite.Headers.CSeq.Number, SipMethod.Cancel).ToString()),
        };
        endpoint.Tell(new SendRequest(call.Participant, cancel, call.Flow));
        Assert.Equal("CANCEL", Read(connection).Method.Name);
    }

    [Fact]
    public void A_large_ACK_goes_over_TCP_and_as_a_datagram_where_nobody_takes_it()
    {
        var endpoint = Start();
        var (call, phone) = Call(endpoint);
        var ack = Dialog.FromRequest(call.Request, call.Participant.Value).Ack(1) with { Body = Body(2000) };
        endpoint.Tell(new SendAck(ack, call.Flow));
        Assert.Equal("UDP", ((SipRequest)phone.Receive()).Headers.TopVia!.Transport);

        var (other, second) = Call(endpoint, "call-2");
        using var listener = Listen(second.Local);
        ack = Dialog.FromRequest(other.Request, other.Participant.Value).Ack(1) with { Body = Body(2000) };
        endpoint.Tell(new SendAck(ack, other.Flow));
        using var connection = listener.Accept();
        Assert.Equal(("ACK", "TCP"), (Read(connection).Method.Name, "TCP"));
    }

    private static SendRequest Send(SipRequestArrived call, int body, SipMethod? method = null) =>
        new(call.Participant, InDialog(call, method ?? SipMethod.Update) with { Body = Body(body) }, call.Flow);

    private static SipBody Body(int length) => new([.. Enumerable.Repeat((byte)'x', length)]);

    private (SipRequestArrived Call, UdpPeer Phone) Call(IActorRef endpoint, string callId = "call-1")
    {
        var phone = Udp(endpoint);
        phone.Send(phone.Request("INVITE", $"z9hG4bK{callId}", callId: callId));
        var arrived = Participants.ExpectMsg<SipRequestArrived>();
        Answer(arrived, 200, "OK");
        phone.Answer();
        return (arrived, phone);
    }

    /// <summary>Where the phone's datagrams go, over TCP.</summary>
    private static Socket Listen(IPEndPoint at)
    {
        var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveTimeout = 5000 };
        listener.Bind(at);
        listener.Listen(4);
        return listener;
    }

    private static SipRequest Read(Socket connection)
    {
        using var framer = new SipFramer();
        var buffer = new byte[4096];
        connection.ReceiveTimeout = 5000;
        while (true)
        {
            if (framer.Next(out var frame, out _) == SipFrameOutcome.Done)
                return SipReader.TryRead(frame, out var message, out var error) ? (SipRequest)message! : throw new InvalidDataException(error.Detail);
            var read = connection.Receive(buffer);
            if (read == 0) throw new EndOfStreamException();
            framer.Append(buffer.AsSpan(0, read));
        }
    }
}
