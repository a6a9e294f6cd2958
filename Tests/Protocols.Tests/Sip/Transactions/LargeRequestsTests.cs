using System.Net;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Parsing;
using ConfCluster.Protocols.Sip.Transactions;
using Xunit;

namespace ConfCluster.Protocols.Tests.Sip.Transactions;

/// <summary>Requests that are too large for a datagram.</summary>
public class LargeRequestsTests
{
    private static readonly SipFlow Flow = new(SipTransport.Udp, new IPEndPoint(IPAddress.Loopback, 5060), new IPEndPoint(IPAddress.Loopback, 5080));
    private static readonly TimeSpan Later = LargeRequestTable<string>.Memory - TimeSpan.FromSeconds(1);

    [Theory]
    [InlineData(0)]
    [InlineData(9)]
    [InlineData(10)]
    [InlineData(1234)]
    public void The_size_is_that_on_the_wire(int body)
    {
        var request = Request(body);
        Assert.Equal(SipWriter.ToBytes(request).Length, LargeRequests.Size(request));
    }

    [Fact]
    [Trait("RFC", "3261 §18.1.1")]
    public void Of_1300_octets_it_is_a_datagram_and_of_1301_not()
    {
        var table = new LargeRequestTable<string>();
        var fits = Request(LargeRequests.MaxDatagram - LargeRequests.Size(Request(0)) - 3);
        Assert.Equal(1300, LargeRequests.Size(fits));
        Assert.False(table.IsTooLarge(fits, Flow, TimeSpan.Zero));
        Assert.True(table.IsTooLarge(fits with { Body = new SipBody(new byte[fits.Body.Length + 1]) }, Flow, TimeSpan.Zero));
    }

    [Fact]
    public void Over_a_connection_nothing_is_too_large() =>
        Assert.False(new LargeRequestTable<string>().IsTooLarge(Request(5000), Flow with { Transport = SipTransport.Tls }, TimeSpan.Zero));

    [Fact]
    [Trait("RFC", "3261 §18.1.1")]
    public void What_nobody_takes_comes_back_once_and_the_next_ones_to_that_peer_are_datagrams_for_a_while()
    {
        var table = new LargeRequestTable<string>();
        var (request, key) = (Request(2000), TransactionKey.OfSent(Request(2000)));
        table.Lifted(key, new LiftedRequest<string>("again", Flow.Remote, TimeSpan.Zero));
        Assert.True(table.IsLifted(key));
        Assert.Equal("again", table.Unsent(key, TimeSpan.Zero)?.Sent);
        Assert.Null(table.Unsent(key, TimeSpan.Zero));
        Assert.False(table.IsTooLarge(request, Flow, Later));
        Assert.True(table.IsTooLarge(request, Flow with { Remote = new IPEndPoint(IPAddress.Loopback, 5081) }, Later));
        Assert.True(table.IsTooLarge(request, Flow, LargeRequestTable<string>.Memory));
    }

    [Fact]
    public void What_was_answered_does_not_come_back()
    {
        var table = new LargeRequestTable<string>();
        var key = TransactionKey.OfSent(Request(2000));
        table.Lifted(key, new LiftedRequest<string>("again", Flow.Remote, TimeSpan.Zero));
        table.Delivered(key);
        Assert.Null(table.Unsent(key, TimeSpan.Zero));
        Assert.True(table.IsTooLarge(Request(2000), Flow, TimeSpan.Zero));
    }

    [Fact]
    public void What_nobody_answers_is_forgotten()
    {
        var table = new LargeRequestTable<string>();
        table.Lifted(TransactionKey.OfSent(Request(2000)), new LiftedRequest<string>("again", Flow.Remote, TimeSpan.Zero));
        table.Sweep(LargeRequestTable<string>.Patience);
        Assert.Equal(1, table.Count);
        table.Sweep(LargeRequestTable<string>.Patience + TimeSpan.FromTicks(1));
        Assert.Equal(0, table.Count);
    }

    [Theory]
    [InlineData("TCP", true)]
    [InlineData("UDP", false)]
    [Trait("RFC", "3261 §9.1")]
    public void A_CANCEL_goes_where_its_Via_says_that_the_INVITE_went(string transport, bool lifted)
    {
        var cancel = Request(0, transport) with { Method = SipMethod.Cancel };
        Assert.Equal(lifted, LargeRequests.WasLifted(cancel, Flow));
        Assert.False(LargeRequests.WasLifted(cancel, Flow with { Transport = SipTransport.Tcp }));
    }

    private static SipRequest Request(int body, string transport = "UDP") => new(SipMethod.Invite, SipUri.Sip("room", "127.0.0.1"))
    {
        Headers = SipHeaders.Empty
            .Append("Via", $"SIP/2.0/{transport} 127.0.0.1:5060;branch=z9hG4bKabc")
            .Append("From", "<sip:a@127.0.0.1>;tag=1")
            .Append("To", "<sip:room@127.0.0.1>")
            .Append("Call-ID", "c")
            .Append("CSeq", "1 INVITE"),
        Body = new SipBody(new byte[body]),
    };
}
