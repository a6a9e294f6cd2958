using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.Sip.Transactions;
using Xunit;
using static ConfCluster.Protocols.Tests.Focus.DialScene;

namespace ConfCluster.Protocols.Tests.Focus;

/// <summary>The next server, the next contact, or the end.</summary>
public sealed class DialFailureTests
{
    [Theory]
    [Trait("RFC", "3263 §4.3")]
    [InlineData("503")]
    [InlineData("timeout")]
    [InlineData("transport")]
    public void The_same_request_goes_to_the_next_server(string how)
    {
        var scene = Located("192.0.2.1:5060", "192.0.2.2:5060");
        Fail(scene, how);
        Assert.Equal(["INVITE 1 - 192.0.2.1:5060", "INVITE 1 - 192.0.2.2:5060"], scene.Sent);
        Fail(scene, how);
        Assert.Equal(CalloutState.Failed, scene.Report.State);
        Assert.Equal(how == "timeout" ? 408 : 503, scene.Report.Status);
    }

    [Fact]
    public void A_refusal_is_the_callees_and_no_reason_to_ask_another_server()
    {
        var scene = Located("192.0.2.1:5060", "192.0.2.2:5060");
        scene.Respond(486);
        Assert.Single(scene.Sent);
    }

    [Fact]
    [Trait("RFC", "3261 §8.1.3.4")]
    public void Contacts_of_a_redirect_are_tried_by_q_with_another_key_each()
    {
        var scene = Calling();
        scene.Respond(302, contact: "Contact: <sip:second@192.0.2.7>;q=0.5, <sip:first@192.0.2.6>\r\n");
        scene.Locate("192.0.2.6:5060");
        scene.Respond(480);
        scene.Locate("192.0.2.7:5060");
        Assert.Equal(["INVITE 1 - 192.0.2.5:5060", "INVITE 2 - 192.0.2.6:5060", "INVITE 3 - 192.0.2.7:5060"], scene.Sent);
        Assert.Equal("sip:second@192.0.2.7", scene.Invite.RequestUri.ToString());
        Assert.Equal("<sip:bob@192.0.2.5>", scene.Invite.Headers.First("To"));
        var origins = scene.Offers.Select(o => o.Origin.SessionId).Distinct();
        Assert.Equal(3, origins.Count());
    }

    [Fact]
    public void A_redirect_to_where_we_came_from_ends_the_call()
    {
        var scene = Calling();
        scene.Respond(302, contact: "Contact: <sip:carol@192.0.2.6>\r\n");
        scene.Locate("192.0.2.6:5060");
        scene.Respond(302, contact: "Contact: <sip:bob@192.0.2.5>\r\n");
        Assert.Equal((CalloutState.Failed, 302), (scene.Report.State, scene.Report.Status));
    }

    [Fact]
    public void A_call_is_led_to_five_places_at_most()
    {
        var scene = Calling();
        for (var i = 0; i < 10 && scene.State is ParticipantState.Calling; i++)
        {
            scene.Respond(302, contact: $"Contact: <sip:next{i}@192.0.2.6>\r\n");
            if (scene.State is ParticipantState.Locating) scene.Locate("192.0.2.6:5060");
        }

        Assert.Equal(5, scene.Sent.Count());
        Assert.Equal(CalloutState.Failed, scene.Report.State);
    }

    [Theory]
    [InlineData("<tel:+15550100>")]
    [InlineData("<sip:a@pay.example>")]
    [InlineData("<sip:a@192.0.2.6;maddr=198.51.100.1>")]
    [InlineData("<sip:a@192.0.2.6?Route=%3Csip:evil.example%3E>")]
    public void A_redirect_leads_nowhere_that_may_not_be_called(string contact)
    {
        var scene = Calling(new OutboundPolicy { Allow = [new CalleePattern("*", "192.0.2.*")], FollowsRedirects = true });
        scene.Respond(302, contact: $"Contact: {contact}\r\n");
        Assert.Equal((CalloutState.Failed, 302), (scene.Report.State, scene.Report.Status));
    }

    [Fact]
    public void Redirects_are_refused_where_the_operator_says_so()
    {
        var scene = Calling(new OutboundPolicy { Allow = [new CalleePattern("*", "*")], FollowsRedirects = false });
        scene.Respond(301, contact: "Contact: <sip:carol@192.0.2.6>\r\n");
        Assert.Equal((CalloutState.Failed, 301), (scene.Report.State, scene.Report.Status));
    }

    [Fact]
    public void A_callee_that_was_asked_for_securely_is_not_followed_to_an_open_line()
    {
        var scene = Calling(uri: "sips:bob@192.0.2.5");
        scene.Respond(302, contact: "Contact: <sip:carol@192.0.2.6>\r\n");
        Assert.Equal(CalloutState.Failed, scene.Report.State);
    }

    [Fact]
    [Trait("RFC", "3261 §21.6")]
    public void A_6xx_speaks_for_every_place()
    {
        var scene = Calling();
        scene.Respond(302, contact: "Contact: <sip:a@192.0.2.6>;q=0.9, <sip:b@192.0.2.7>;q=0.1\r\n");
        scene.Locate("192.0.2.6:5060");
        scene.Respond(603);
        Assert.Equal((CalloutState.Failed, 603), (scene.Report.State, scene.Report.Status));
    }

    [Fact]
    public void A_name_that_leads_nowhere_is_told_with_its_reason()
    {
        var scene = Located();
        Assert.Equal((CalloutState.Failed, 502, "nowhere"), (scene.Report.State, scene.Report.Status, scene.Report.Reason));
        Assert.Empty(scene.Sent);
    }

    private static DialScene Located(params string[] hops)
    {
        var scene = new DialScene();
        scene.Dial();
        scene.Grant();
        scene.Open();
        scene.Locate(hops);
        return scene;
    }

    private static void Fail(DialScene scene, string how)
    {
        if (how == "503") scene.Respond(503);
        else scene.Fail(how == "timeout" ? TransactionFailure.Timeout : TransactionFailure.Transport);
    }
}
