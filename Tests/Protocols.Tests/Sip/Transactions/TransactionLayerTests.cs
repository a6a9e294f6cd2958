using System.Net;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Transactions;
using Xunit;
using static ConfCluster.Protocols.Sip.Transactions.TransactionEffect;

namespace ConfCluster.Protocols.Tests.Sip.Transactions;

/// <summary>Matching, addressing and the bound of the table.</summary>
public sealed class TransactionLayerTests
{
    private readonly TransactionLayer _layer = new(SipTimings.Default, 2);

    [Fact]
    [Trait("RFC", "3261 §17.2.3")]
    public void Same_branch_and_sent_by_is_a_copy_and_anything_else_is_new()
    {
        Assert.Single(Passed(SipTexts.Request("INVITE")));
        Assert.Empty(Passed(SipTexts.Request("INVITE")));
        Assert.Single(Passed(SipTexts.Request("INVITE", via: "192.0.2.8:6000")));
    }

    [Fact]
    [Trait("RFC", "3261 §17.2.3")]
    public void An_ACK_matches_its_INVITE_and_a_CANCEL_is_a_transaction_of_its_own()
    {
        var key = Passed(SipTexts.Request("INVITE")).Single().Key;
        Assert.Single(Passed(SipTexts.Request("CANCEL")));
        _layer.Respond(key, SipTexts.Answer(SipTexts.Request("INVITE"), 487));
        var effects = _layer.ReceiveRequest(SipTexts.Request("ACK", toTag: "room1"), SipTexts.Udp);
        Assert.DoesNotContain(effects, e => e is PassAck);
        Assert.Contains(new Cancel(key, SipTimer.H), effects);
    }

    [Fact]
    [Trait("RFC", "3261 §13.2.2.4")]
    public void The_ACK_to_a_2xx_has_a_branch_of_its_own_and_passes_up()
    {
        var key = Passed(SipTexts.Request("INVITE")).Single().Key;
        _layer.Respond(key, SipTexts.Answer(SipTexts.Request("INVITE"), 200));
        Assert.IsType<PassAck>(Assert.Single(_layer.ReceiveRequest(SipTexts.Request("ACK", "z9hG4bKother", "room1"), SipTexts.Udp)));
        Assert.Equal(1, _layer.ServerCount);
    }

    [Fact]
    [Trait("RFC", "3261 §17.2.3")]
    public void A_peer_without_the_magic_cookie_is_matched_by_the_fields_that_RFC_2543_gives()
    {
        foreach (var branch in new[] { "", "1", "z9hG4bK" })
        {
            var layer = new TransactionLayer(SipTimings.Default, 9);
            var invite = SipTexts.Request("INVITE", branch);
            var key = layer.ReceiveRequest(invite, SipTexts.Udp).OfType<PassRequest>().Single().Key;
            Assert.Empty(layer.ReceiveRequest(SipTexts.Request("INVITE", branch), SipTexts.Udp).OfType<PassRequest>());
            Assert.Single(layer.ReceiveRequest(SipTexts.Request("INVITE", branch, callId: "call-2"), SipTexts.Udp).OfType<PassRequest>());
            layer.Respond(key, SipTexts.Answer(invite, 486));
            Assert.Contains(new Cancel(key, SipTimer.H), layer.ReceiveRequest(SipTexts.Request("ACK", branch, "room1"), SipTexts.Udp));
        }
    }

    [Fact]
    [Trait("RFC", "3261 §8.2.7")]
    public void Above_the_limit_a_request_gets_503_with_Retry_After_and_leaves_nothing_behind()
    {
        Passed(SipTexts.Request("INVITE", "z9hG4bK1"));
        Passed(SipTexts.Request("INVITE", "z9hG4bK2"));
        var refused = SipTexts.Request("INVITE", "z9hG4bK3");
        var send = (Send)Assert.Single(_layer.ReceiveRequest(refused, SipTexts.Udp));
        var again = (Send)Assert.Single(_layer.ReceiveRequest(refused, SipTexts.Udp));
        var response = (SipResponse)send.Message;
        Assert.Equal(503, response.StatusCode);
        Assert.Equal("32", response.Headers.First("Retry-After"));
        Assert.Equal(response.Headers.To.Tag, again.Message.Headers.To.Tag);
        Assert.Null(send.Key);
        Assert.Equal(2, _layer.ServerCount);
        Assert.IsType<PassAck>(Assert.Single(_layer.ReceiveRequest(SipTexts.Request("ACK", "z9hG4bK3"), SipTexts.Udp)));
    }

    [Fact]
    [Trait("RFC", "3261 §17.1.3")]
    public void A_response_finds_its_request_by_branch_sent_by_and_method()
    {
        var bye = SipTexts.Request("BYE", "z9hG4bKours");
        _layer.Request(bye, SipTexts.Udp);
        Assert.Equal(1, _layer.ClientCount);
        var foreign = bye.CreateResponse(200, "OK") with { Headers = bye.Headers.With("Via", "SIP/2.0/UDP 198.51.100.1;branch=z9hG4bKours") };
        Assert.IsType<StrayResponse>(Assert.Single(_layer.ReceiveResponse(foreign, SipTexts.Udp)));
        var proxied = SipTexts.Answer(bye, 200);
        proxied = proxied with { Headers = proxied.Headers.Append("Via", "SIP/2.0/UDP 255.255.255.255;branch=z9hG4bK1") };
        Assert.IsType<StrayResponse>(Assert.Single(_layer.ReceiveResponse(proxied, SipTexts.Udp)));
        var wrongMethod = bye.CreateResponse(200, "OK") with { Headers = bye.Headers.With("CSeq", "1 INVITE") };
        Assert.IsType<StrayResponse>(Assert.Single(_layer.ReceiveResponse(wrongMethod, SipTexts.Udp)));
        Assert.Contains(_layer.ReceiveResponse(bye.CreateResponse(200, "OK"), SipTexts.Udp), e => e is PassResponse);
    }

    [Fact]
    [Trait("RFC", "3581 §4")]
    public void With_rport_the_response_goes_to_the_source_port_and_says_so()
    {
        var send = Trying(SipTexts.Request("INVITE", via: "10.0.0.1:5070;rport"), SipTexts.Udp);
        Assert.Equal(SipTexts.Udp.Remote, send.Flow.Remote);
        Assert.Equal("6000", send.Message.Headers.TopVia!.Parameters["rport"]);
        Assert.Equal("192.0.2.7", send.Message.Headers.TopVia!.Received);
    }

    [Theory]
    [Trait("RFC", "3261 §18.2.2")]
    [InlineData("10.0.0.1:5070", "192.0.2.7:5070", "192.0.2.7")]
    [InlineData("192.0.2.7", "192.0.2.7:5060", null)]
    [InlineData("host.example.com:7000", "192.0.2.7:7000", "192.0.2.7")]
    [InlineData("10.0.0.1:5070;maddr=203.0.113.9;received=203.0.113.9", "192.0.2.7:5070", "192.0.2.7")]
    public void Without_rport_the_response_goes_to_the_source_address_at_the_port_of_sent_by(string via, string target, string? received)
    {
        var send = Trying(SipTexts.Request("INVITE", via: via), SipTexts.Udp);
        Assert.Equal(IPEndPoint.Parse(target), send.Flow.Remote);
        Assert.Equal(received, send.Message.Headers.TopVia!.Received);
    }

    [Fact]
    [Trait("RFC", "3261 §18.2.2")]
    public void On_a_connection_the_response_takes_the_connection() =>
        Assert.Equal(SipTexts.Tcp, Trying(SipTexts.Request("INVITE", via: "10.0.0.1:5070"), SipTexts.Tcp).Flow);

    [Fact]
    [Trait("RFC", "3261 §18.2.1")]
    public void The_stamp_touches_the_top_Via_only_and_keeps_the_order()
    {
        var request = SipTexts.Request("INVITE", via: "10.0.0.1;branch=z9hG4bKtop, SIP/2.0/TCP p.example.com", extra:
            "Via: SIP/2.0/UDP last.example.com;branch=z9hG4bK9\r\nContact: <sip:a@b>\r\n");
        var stamped = ViaStamp.Stamp(request, SipTexts.Udp.Remote);
        Assert.Equal(["10.0.0.1", "p.example.com", "last.example.com"], stamped.Headers.Vias.Select(v => v.Host));
        Assert.Equal(["192.0.2.7", null, null], stamped.Headers.Vias.Select(v => v.Received));
    }

    [Fact]
    public void An_answer_to_a_transaction_that_is_over_does_nothing() =>
        Assert.Empty(_layer.Respond(TransactionKey.OfReceived(SipTexts.Request("BYE")), SipTexts.Answer(SipTexts.Request("BYE"), 200)));

    private Send Trying(SipRequest invite, SipFlow flow) => _layer.ReceiveRequest(invite, flow).OfType<Send>().Single();

    private IEnumerable<PassRequest> Passed(SipRequest request) => _layer.ReceiveRequest(request, SipTexts.Udp).OfType<PassRequest>();
}
