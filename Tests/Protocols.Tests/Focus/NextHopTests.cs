using System.Net;
using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.Sip.Dialogs;
using ConfCluster.Protocols.Sip.Messages;
using Xunit;
using static ConfCluster.Protocols.Tests.Focus.ParticipantScene;

namespace ConfCluster.Protocols.Tests.Focus;

public sealed class NextHopTests
{
    private static readonly SipFlow Tcp = new(SipTransport.Tcp, Flow.Local, new IPEndPoint(IPAddress.Loopback, 41234), 9);

    [Theory]
    [Trait("RFC", "3261 §12.2.1.1")]
    [InlineData("<sip:alice@192.0.2.1:5070>", "Udp 192.0.2.1:5070")]
    [InlineData("<sip:alice@192.0.2.1>", "Udp 192.0.2.1:5060")]
    [InlineData("<sip:alice@192.0.2.1;transport=tcp>", "Tcp 192.0.2.1:5060")]
    [InlineData("<sip:alice@192.0.2.1;transport=tls>", "Tls 192.0.2.1:5061")]
    [InlineData("<sips:alice@192.0.2.1;transport=tcp>", "Tls 192.0.2.1:5061")]
    [InlineData("<sip:alice@[2001:db8::1]:5070>", "Udp [2001:db8::1]:5070")]
    [InlineData("<sip:alice@phone.example.com:5070>", "Udp 127.0.0.1:5080")]
    public void A_request_goes_to_the_address_of_the_remote_target(string contact, string flow) =>
        Assert.Equal(flow, NextHop.Of(Dialog(contact), Flow, hidden: false).ToString());

    [Fact]
    public void A_route_comes_before_the_target()
    {
        var dialog = Dialog("<sip:alice@192.0.2.1>", "Record-Route: <sip:192.0.2.9;lr>\r\n");
        Assert.Equal("Udp 192.0.2.9:5060", NextHop.Of(dialog, Flow, hidden: false).ToString());
    }

    [Fact]
    public void A_connection_to_the_peer_is_used_again_and_names_where_it_listens() =>
        Assert.Equal(
            Tcp with { Remote = new IPEndPoint(IPAddress.Loopback, 5080) },
            NextHop.Of(Dialog("<sip:alice@127.0.0.1:5080>"), Tcp, hidden: false));

    [Fact]
    [Trait("RFC", "3581 §4")]
    public void A_peer_behind_a_NAT_is_reached_over_its_flow_alone()
    {
        var outside = Flow with { Remote = new IPEndPoint(IPAddress.Parse("203.0.113.5"), 3456) };
        Assert.True(NextHop.IsHidden(Request("INVITE"), outside));
        Assert.False(NextHop.IsHidden(Request("INVITE"), Flow));
        Assert.Equal(outside, NextHop.Of(Dialog("<sip:alice@10.0.0.1:5060>"), outside, hidden: true));
    }

    private static Dialog Dialog(string contact, string extra = "") =>
        Protocols.Sip.Dialogs.Dialog.FromRequest(Request("INVITE", contact: contact, extra: extra), Id.Value);
}
