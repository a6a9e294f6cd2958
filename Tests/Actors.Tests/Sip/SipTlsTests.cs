using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;
using Akka.Actor;
using ConfCluster.Actors.Participant;
using ConfCluster.Actors.Sip;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Transactions;
using Xunit;

namespace ConfCluster.Actors.Tests.Sip;

/// <summary>The endpoint over TLS: handshakes, limits, and what flows after them.</summary>
public sealed class SipTlsTests : TlsScene
{
    [Fact]
    [Trait("RFC", "3261 §26.3.1")]
    public void A_call_over_TLS_arrives_and_is_answered_on_its_connection()
    {
        var phone = Tls(Start(WithTls()));
        phone.Send(phone.Request("INVITE"));
        Assert.Equal(100, phone.Response().StatusCode);
        var arrived = Participants.ExpectMsg<SipRequestArrived>();
        Assert.Equal((SipTransport.Tls, phone.Local), (arrived.Flow.Transport, arrived.Flow.Remote));
        Answer(arrived, 486, "Busy");
        Assert.Equal(486, phone.Response().StatusCode);
    }

    [Fact]
    public void A_message_in_many_records_arrives_whole_and_many_in_one_record_in_order()
    {
        var phone = Tls(Start(WithTls()));
        foreach (var piece in Encoding.UTF8.GetBytes(phone.Request("INVITE")).Chunk(7)) phone.Send(piece);
        phone.Send(phone.Request("CANCEL") + "\r\n" + phone.Request("OPTIONS", "z9hG4bKo"));
        Assert.Equal(["INVITE", "CANCEL"], [Arrived(), Arrived()]);
        Assert.Equal(200, phone.Answer().StatusCode);
    }

    [Fact]
    [Trait("RFC", "5626 §3.5.1")]
    public void A_ping_gets_a_pong()
    {
        var phone = Tls(Start(WithTls()));
        phone.Send("\r\n\r\n");
        Assert.Equal("\r\n"u8.ToArray(), phone.ReceiveBytes());
    }

    [Theory]
    [InlineData(SslProtocols.Tls12)]
    [InlineData(SslProtocols.Tls13)]
    public void Both_versions_of_today_are_spoken(SslProtocols version)
    {
        var phone = Own(TlsPhone.Connect(Listening(Start(WithTls())).Tls!, versions: version));
        Assert.Equal(version, phone.Version);
        phone.Send(phone.Request("OPTIONS"));
        Assert.Equal(200, phone.Response().StatusCode);
    }

    [Theory]
    [InlineData("OPTIONS sip:room@127.0.0.1 SIP/2.0\r\n\r\n")]
    [InlineData("\u0016\u0003\u0001\u0000\u0005garbage that is no ClientHello")]
    public void Garbage_in_place_of_a_handshake_is_closed_counted_and_forgotten(string garbage)
    {
        var endpoint = Start(WithTls());
        using var vandal = Raw(endpoint);
        vandal.Send(Encoding.Latin1.GetBytes(garbage));
        AwaitAssert(() => Assert.Contains("Protocol", Failures));
        AwaitAssert(() => Assert.Equal((0, 0), Counts(endpoint)));
        var phone = Tls(endpoint);
        phone.Send(phone.Request("OPTIONS"));
        Assert.Equal(200, phone.Response().StatusCode);
    }

    [Fact]
    public void Half_a_handshake_is_given_up_when_its_time_is_over()
    {
        var endpoint = Start(WithTls());
        using var slow = Raw(endpoint);
        slow.Send([0x16, 3, 1]);
        AwaitAssert(() => Assert.Equal((0, 1), Counts(endpoint)));
        Clock.Advance(TimeSpan.FromSeconds(9));
        Assert.Equal((0, 1), Counts(endpoint));
        AwaitAssert(() =>
        {
            Clock.Advance(TimeSpan.FromSeconds(2));
            Assert.Equal((0, 0), Counts(endpoint));
        });
        Assert.Contains("TimedOut", Failures);
        Assert.Equal(0, ReceiveRaw(slow));
    }

    [Fact]
    public void A_handshake_that_breaks_off_leaves_nothing_behind()
    {
        var endpoint = Start(WithTls());
        using (var broken = Raw(endpoint)) broken.Send([0x16, 3, 1]);
        AwaitAssert(() => Assert.Contains("Closed", Failures));
        AwaitAssert(() => Assert.Equal((0, 0), Counts(endpoint)));
    }

    [Fact]
    public void Handshakes_count_against_the_limit_of_connections()
    {
        var endpoint = Start(WithTls() with { MaxConnections = 1 });
        using var first = Raw(endpoint);
        AwaitAssert(() => Assert.Equal((0, 1), Counts(endpoint)));
        using (var second = Raw(endpoint)) Assert.Equal(0, ReceiveRaw(second));
        first.Dispose();
        AwaitAssert(() => Assert.Equal((0, 0), Counts(endpoint)));
        var phone = Tls(endpoint);
        phone.Send(phone.Request("OPTIONS"));
        Assert.Equal(200, phone.Response().StatusCode);
    }

    [Fact]
    public void An_idle_connection_is_closed()
    {
        var endpoint = Start(WithTls());
        var phone = Tls(endpoint);
        AwaitAssert(() => Assert.Equal((1, 0), Counts(endpoint)));
        Clock.Advance(TimeSpan.FromMinutes(11));
        Assert.Empty(phone.ReceiveBytes());
        AwaitAssert(() => Assert.Equal((0, 0), Counts(endpoint)));
    }

    [Fact]
    public void A_message_too_long_is_refused_and_the_connection_closed()
    {
        var endpoint = Start(WithTls());
        var phone = Tls(endpoint);
        phone.Send(phone.Request("OPTIONS", extra: $"Subject: {new string('x', 70_000)}\r\n"));
        AwaitAssert(() =>
        {
            Clock.Advance(TimeSpan.FromSeconds(1));
            Assert.Equal((0, 0), Counts(endpoint));
        });
    }

    [Fact]
    public void A_request_of_ours_takes_the_connection_that_the_call_came_by()
    {
        var endpoint = Start(WithTls());
        var phone = Tls(endpoint);
        var call = Call(phone);
        endpoint.Tell(new SendRequest(call.Participant, InDialog(call, SipMethod.Bye), call.Flow));
        var bye = (SipRequest)phone.Receive();
        Assert.Equal(("BYE", "TLS"), (bye.Method.Name, bye.Headers.TopVia!.Transport));
        Assert.Equal((1, 0), Counts(endpoint));
    }

    [Fact]
    [Trait("RFC", "3261 §17.1.4")]
    public void A_request_to_a_peer_that_is_gone_fails_and_never_goes_in_the_clear()
    {
        var endpoint = Start(WithTls());
        var phone = Tls(endpoint);
        var call = Call(phone);
        phone.Dispose();
        AwaitAssert(() => Assert.Equal((0, 0), Counts(endpoint)));
        endpoint.Tell(new SendRequest(call.Participant, InDialog(call, SipMethod.Bye), call.Flow));
        var failed = Participants.ExpectMsg<SipTransactionFailed>();
        Assert.Equal((call.Participant, TransactionFailure.Transport), (failed.Participant, failed.Reason));
    }

    private (int Open, int Handshakes) Counts(IActorRef endpoint)
    {
        var listening = Listening(endpoint);
        return (listening.Connections, listening.Handshakes);
    }

    private Socket Raw(IActorRef endpoint)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveTimeout = 5000, NoDelay = true };
        socket.Connect(Listening(endpoint).Tls!);
        return socket;
    }

    private static int ReceiveRaw(Socket socket)
    {
        try
        {
            return socket.Receive(new byte[100]);
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionReset)
        {
            return 0;
        }
    }

    private string Arrived() => Participants.ExpectMsg<SipRequestArrived>().Request.Method.Name;

    private SipRequestArrived Call(TlsPhone phone)
    {
        phone.Send(phone.Request("INVITE"));
        var arrived = Participants.ExpectMsg<SipRequestArrived>();
        Answer(arrived, 200, "OK");
        phone.Answer();
        return arrived;
    }
}
