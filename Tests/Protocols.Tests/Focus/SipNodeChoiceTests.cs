using System.Net;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.Sip.Messages;
using Xunit;

namespace ConfCluster.Protocols.Tests.Focus;

public sealed class SipNodeChoiceTests
{
    private static readonly ParticipantId Alice = new("a");

    private static readonly SipFlow Flow =
        new(SipTransport.Tcp, new IPEndPoint(IPAddress.Loopback, 5060), new IPEndPoint(IPAddress.Loopback, 5080), 7) { Node = "n2" };

    [Fact]
    public void A_request_goes_over_the_connection_of_the_node_that_has_it() => Assert.Equal(Flow, SipNodeChoice.Route(Flow, Alice, ["n1", "n2", "n3"]));

    [Fact]
    public void When_that_node_is_gone_another_one_connects_anew()
    {
        var flow = SipNodeChoice.Route(Flow, Alice, ["n1", "n3"]);
        Assert.Equal(0, flow!.Connection);
        Assert.Contains(flow.Node, new[] { "n1", "n3" });
        Assert.Equal(Flow.Remote, flow.Remote);
        Assert.Equal(flow, SipNodeChoice.Route(Flow, Alice, ["n1", "n3"]));
    }

    [Fact]
    public void Who_takes_over_is_named_when_the_node_of_a_datagram_flow_goes()
    {
        var udp = Flow with { Transport = SipTransport.Udp, Connection = 0 };
        Assert.Equal("n1", SipNodeChoice.Successor(udp, Alice, ["n1", "n2"], ["n1"]));
        Assert.Null(SipNodeChoice.Successor(udp, Alice, ["n1", "n2"], ["n2"]));
        Assert.Null(SipNodeChoice.Successor(udp, Alice, ["n1", "n2"], []));
        Assert.Equal("n1", SipNodeChoice.Successor(Flow, Alice, ["n1", "n2"], ["n1"]));
        Assert.Equal("n1", SipNodeChoice.Successor(Flow with { Transport = SipTransport.Tls }, Alice, ["n1", "n2"], ["n1"]));

        // Its node went earlier: who took over then goes now.
        Assert.Equal("n3", SipNodeChoice.Successor(udp, Alice, ["n1"], ["n3"]));
    }

    [Theory]
    [Trait("RFC", "3261 §12.2")]
    [InlineData("<sip:room@0.0.0.0:5060;transport=udp>;isfocus", "<sip:room@192.0.2.7:5070;transport=udp>;isfocus")]
    [InlineData("<sips:room@0.0.0.0:5061>;isfocus", "<sips:room@192.0.2.7:5071>;isfocus")]
    [InlineData("<sip:room@conf.example:5060;transport=udp>;isfocus", "<sip:room@conf.example:5060;transport=udp>;isfocus")]
    public void A_contact_that_was_left_open_gets_the_address_of_the_node_that_sends_it(string written, string sent)
    {
        var request = new SipRequest(SipMethod.Update, SipUri.Sip("a", "192.0.2.9", 5060)) { Headers = SipHeaders.Empty.Append("Contact", written) };
        Assert.Equal(sent, SipNodeChoice.At(request, "192.0.2.7", t => t == SipTransport.Udp ? 5070 : 5071).Headers.First("Contact"));
    }

    [Fact]
    public void A_flow_through_another_node_leads_to_the_same_peer_and_leaves_our_address_open()
    {
        var through = SipNodeChoice.Through(Flow with { Transport = SipTransport.Udp }, "n9");
        Assert.Equal(("n9", IPAddress.Any, 0L), (through.Node, through.Local.Address, through.Connection));
        Assert.Equal(Flow.Remote, through.Remote);
    }

    [Fact]
    public void Without_any_node_there_is_no_way() => Assert.Null(SipNodeChoice.Route(Flow, Alice, []));

    [Fact]
    public void Many_participants_use_all_nodes() => Assert.Equal(
        3, Enumerable.Range(0, 100).Select(i => SipNodeChoice.Any(new ParticipantId($"p{i}"), ["n1", "n2", "n3"])).Distinct().Count());
}
