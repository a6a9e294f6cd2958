using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.Sip.Messages;
using Xunit;
using static ConfCluster.Protocols.Tests.Focus.ParticipantScene;

namespace ConfCluster.Protocols.Tests.Focus;

/// <summary>The dialog over TLS.</summary>
public sealed class SecureContactTests
{
    private static readonly SipFlow Tls = Flow with { Transport = SipTransport.Tls, Connection = 5 };

    [Theory]
    [Trait("RFC", "3261 §12.1.1")]
    [InlineData("sip:room@127.0.0.1", "<sip:alice@127.0.0.1:5080>", "", "<sip:room@127.0.0.1:5060;transport=tls>;isfocus")]
    [InlineData("sips:room@127.0.0.1", "<sip:alice@127.0.0.1:5080>", "", "<sips:room@127.0.0.1:5060>;isfocus")]
    [InlineData("sip:room@127.0.0.1", "<sips:alice@127.0.0.1:5080>", "", "<sips:room@127.0.0.1:5060>;isfocus")]
    [InlineData("sip:room@127.0.0.1", "<sip:alice@127.0.0.1:5080>", "Record-Route: <sips:p.example.com;lr>\r\n", "<sips:room@127.0.0.1:5060>;isfocus")]
    [InlineData("sip:room@127.0.0.1", "<sips:alice@127.0.0.1:5080>", "Record-Route: <sip:p.example.com;lr>\r\n", "<sip:room@127.0.0.1:5060;transport=tls>;isfocus")]
    public void The_Contact_is_a_sips_URI_when_the_caller_asked_for_one(string uri, string contact, string extra, string ours)
    {
        var scene = new ParticipantScene();
        scene.Receive(Request("INVITE", uri: uri, contact: contact, extra: extra, sdp: Offer()), Tls);
        scene.Accept();
        scene.Open();
        Assert.Equal((200, ours), (scene.Response.StatusCode, scene.Response.Headers.First("Contact")));
    }

    [Fact]
    [Trait("RFC", "3261 §26.2.2")]
    public void A_sips_call_that_came_in_the_clear_is_refused_and_nobody_is_asked()
    {
        var scene = new ParticipantScene();
        scene.Receive(Request("INVITE", uri: "sips:room@127.0.0.1", sdp: Offer()));
        Assert.Equal(480, scene.Response.StatusCode);
        scene.None<ParticipantEffect.Join>();
    }
}
