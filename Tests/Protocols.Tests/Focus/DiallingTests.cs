using System.Net.Sockets;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.Sip.Messages;
using Xunit;
using static ConfCluster.Protocols.Tests.Focus.DialScene;

namespace ConfCluster.Protocols.Tests.Focus;

public sealed class DiallingTests
{
    [Fact]
    public void Nobody_rings_before_the_conference_has_agreed_and_the_ports_are_there()
    {
        var scene = new DialScene();
        scene.Dial();
        Assert.Equal(new ParticipantEffect.AskToDial(Room, "sip:bob@192.0.2.5"), scene.Effects[0]);
        scene.Grant();
        Assert.Contains(new ParticipantEffect.OpenLeg(Mixer, AddressFamily.InterNetwork), scene.Effects);
        scene.Open();
        Assert.Equal("sip:bob@192.0.2.5", Assert.Single(scene.Effects.OfType<ParticipantEffect.Locate>()).NextHop.ToString());
        Assert.Empty(scene.Sent);
        scene.Locate("192.0.2.5:5060");
        Assert.Equal(["INVITE 1 - 192.0.2.5:5060"], scene.Sent);
    }

    [Fact]
    [Trait("RFC", "4579 §5.2")]
    public void The_INVITE_says_that_a_focus_calls_and_what_it_can_do()
    {
        var headers = Calling().Invite.Headers;
        Assert.Equal("<sip:room@127.0.0.1:5060;transport=udp>;isfocus", headers.First("Contact"));
        Assert.Equal($"<sip:room@127.0.0.1:5060>;tag={Id.Value}", headers.First("From"));
        Assert.Equal("<sip:bob@192.0.2.5>", headers.First("To"));
        Assert.Equal(70, headers.MaxForwards);
        Assert.Contains("100rel", headers.List("Supported"));
        Assert.Equal(RequestRouting.Allow, headers.First("Allow"));
        Assert.False(headers.Has("Via"));
    }

    [Fact]
    public void The_offer_has_an_individual_key_for_every_suite_and_no_MKI()
    {
        var scene = Calling();
        var media = Assert.Single(Assert.Single(scene.Offers).Media);
        Assert.Equal(scene.Context.Settings.Media.Suites.Length, media.Crypto.Length);
        Assert.All(media.Crypto, c => Assert.False(Assert.Single(c.Keys).Mki.IsPresent));
    }

    [Fact]
    [Trait("RFC", "3261 §8.1.2")]
    public void Through_a_loose_proxy_the_callee_stays_in_the_Request_URI()
    {
        var scene = Calling(Through("sip:proxy.example;lr"));
        Assert.Equal("sip:bob@192.0.2.5", scene.Invite.RequestUri.ToString());
        Assert.Equal("<sip:proxy.example;lr>", scene.Invite.Headers.First("Route"));
        Assert.Equal("sip:proxy.example;lr", scene.All.OfType<ParticipantEffect.Locate>().Single().NextHop.ToString());
    }

    [Fact]
    [Trait("RFC", "3261 §12.2.1.1")]
    public void Through_a_strict_proxy_the_callee_waits_at_the_end_of_the_route()
    {
        var scene = Calling(Through("sip:proxy.example"));
        Assert.Equal("sip:proxy.example", scene.Invite.RequestUri.ToString());
        Assert.Equal("<sip:bob@192.0.2.5>", scene.Invite.Headers.First("Route"));
    }

    [Fact]
    public void Whoever_answers_is_joined_stored_acknowledged_and_heard_in_this_order()
    {
        var scene = Calling();
        scene.Respond(200, sdp: Answer());
        Assert.Equal(new ParticipantEffect.Join(Room, "sip:bob@192.0.2.5", null), Assert.Single(scene.Effects.OfType<ParticipantEffect.Join>()));
        Assert.Empty(scene.SentNow);
        scene.Accept();
        Assert.Equal(["ACK 1 bob 192.0.2.5:5062"], scene.SentNow);
        var order = scene.Effects.Where(e => e is ParticipantEffect.Store or ParticipantEffect.SendAck or ParticipantEffect.SetLegMedia)
            .Select(e => e.GetType().Name);
        Assert.Equal(["Store", "SendAck", "SetLegMedia"], order);
        Assert.Equal((CalloutState.Joined, 200), (scene.Report.State, scene.Report.Status));
    }

    [Fact]
    public void What_is_stored_is_enough_to_hang_up_after_a_restart()
    {
        var fact = Joined().All.OfType<ParticipantEffect.Store>().Single().Fact;
        var again = new DialScene();
        again.Do(new ParticipantInput.Recovered([fact]));
        again.Do(new ParticipantInput.EndRequested(Room, LeaveReason.NodeLost));
        Assert.StartsWith("BYE 1002 bob 192.0.2.5:5062", Assert.Single(again.SentNow), StringComparison.Ordinal);
    }

    [Fact]
    [Trait("RFC", "3261 §12.1.2")]
    public void The_route_of_the_dialog_is_the_Record_Route_backwards()
    {
        var scene = Calling();
        scene.Respond(200, sdp: Answer(), extra: "Record-Route: <sip:192.0.2.81;lr>, <sip:192.0.2.82;lr>\r\n");
        scene.Accept();
        var ack = scene.Effects.OfType<ParticipantEffect.SendAck>().Single();
        Assert.Equal(["<sip:192.0.2.82;lr>", "<sip:192.0.2.81;lr>"], ack.Request.Headers.All("Route"));
        Assert.Equal("192.0.2.82:5060", ack.Flow.Remote.ToString());
    }

    [Fact]
    public void Ringing_is_reported_once()
    {
        var scene = Calling();
        scene.Respond(100, tag: "");
        scene.Respond(180);
        scene.Respond(180, tag: "other");
        Assert.Single(scene.All.OfType<ParticipantEffect.ReportDial>());
        Assert.Equal((CalloutState.Ringing, 180), (scene.Report.State, scene.Report.Status));
    }

    [Fact]
    public void The_ports_are_kept_while_it_rings()
    {
        var scene = Calling();
        scene.Fire(ParticipantTimer.RepeatAsk);
        Assert.Contains(new ParticipantEffect.OpenLeg(Mixer, AddressFamily.InterNetwork), scene.Effects);
        scene.Open();
        Assert.Empty(scene.SentNow);
        Assert.IsType<ParticipantState.Calling>(scene.State);
    }

    [Fact]
    public void Other_ports_than_those_of_the_offer_end_the_call()
    {
        var scene = Calling();
        scene.Respond(180);
        scene.Do(new ParticipantInput.LegOpened(Mixer, Ports.WithPort(41000), Ports.WithPort(41001)));
        Assert.Equal(["CANCEL 1 - 192.0.2.5:5060"], scene.SentNow);
    }

    [Theory]
    [InlineData("2", "AES_CM_128_HMAC_SHA1_80", "tag of another suite")]
    [InlineData("9", "AES_CM_128_HMAC_SHA1_80", "tag that was not offered")]
    [InlineData("1", "", "no key at all")]
    [Trait("RFC", "4568 §5.1.3")]
    public void An_answer_that_is_none_to_our_offer_is_acknowledged_and_hung_up(string tag, string suite, string why)
    {
        var scene = Calling();
        scene.Respond(200, sdp: Answer(tag: tag, suite: suite));
        Assert.True(scene.SentNow.SequenceEqual(["ACK 1 bob 192.0.2.5:5062", "BYE 2 bob 192.0.2.5:5062"]), why);
        Assert.Equal((CalloutState.Failed, 488), (scene.Report.State, scene.Report.Status));
        Assert.Empty(scene.All.OfType<ParticipantEffect.SetLegMedia>());
    }

    [Theory]
    [InlineData(486)]
    [InlineData(488)]
    [InlineData(404)]
    [InlineData(500)]
    [InlineData(603)]
    [InlineData(401)]
    [InlineData(422)]
    public void A_refusal_ends_it_with_its_status(int status)
    {
        var scene = Calling();
        scene.Respond(status);
        Assert.Equal((CalloutState.Failed, status, StatusCode.Reason(status)), (scene.Report.State, scene.Report.Status, scene.Report.Reason));
        Assert.Contains(new ParticipantEffect.CloseLeg(Mixer), scene.Effects);
        Assert.Contains(new ParticipantEffect.Stop(), scene.Effects);
        Assert.Empty(scene.State.Secrets);
    }

    [Fact]
    public void A_conference_that_is_full_calls_nobody()
    {
        var scene = new DialScene();
        scene.Dial();
        scene.Do(new ParticipantInput.JoinRefused(Room, Rejection.ConferenceFull));
        Assert.Empty(scene.Sent);
        Assert.Equal((CalloutState.Failed, 486, "Conference Full"), (scene.Report.State, scene.Report.Status, scene.Report.Reason));
    }

    [Fact]
    public void Whoever_answers_a_conference_that_has_filled_up_is_hung_up()
    {
        var scene = Calling();
        scene.Respond(200, sdp: Answer());
        scene.Do(new ParticipantInput.JoinRefused(Room, Rejection.ConferenceFull));
        Assert.Equal(["ACK 1 bob 192.0.2.5:5062", "BYE 2 bob 192.0.2.5:5062"], scene.SentNow);
    }

    [Fact]
    [Trait("RFC", "4028 §7.3")]
    public void An_interval_that_is_too_small_is_raised_once()
    {
        var scene = Calling();
        scene.Respond(422, extra: "Min-SE: 1800\r\n");
        Assert.Equal(["INVITE 2 - 192.0.2.5:5060"], scene.SentNow);
        Assert.Equal(("1800;refresher=uac", "1800"), (scene.Invite.Headers.First("Session-Expires"), scene.Invite.Headers.First("Min-SE")));
        scene.Respond(422, extra: "Min-SE: 3600\r\n");
        Assert.Equal(422, scene.Report.Status);
    }

    [Fact]
    public void A_BYE_that_comes_before_our_ACK_is_taken()
    {
        var scene = Calling();
        scene.Respond(200, sdp: Answer());
        scene.Receive("BYE");
        Assert.Equal(200, scene.Effects.OfType<ParticipantEffect.Respond>().Single().Response.StatusCode);
        Assert.Contains(scene.Effects, e => e is ParticipantEffect.Leave);
        Assert.Equal(CalloutState.Failed, scene.Report.State);
    }

    [Fact]
    public void Once_in_it_is_a_participant_like_every_other()
    {
        var scene = Joined();
        scene.Receive("BYE", cseq: 5);
        Assert.Equal(200, scene.Effects.OfType<ParticipantEffect.Respond>().Single().Response.StatusCode);
        scene.Do(new ParticipantInput.LeaveAcknowledged(Room));
        Assert.DoesNotContain(scene.All, e => e is ParticipantEffect.Stop);
        scene.Fire(ParticipantTimer.LateAnswers);
        Assert.Contains(scene.Effects, e => e is ParticipantEffect.Stop);
    }

    private static OutboundPolicy Through(string proxy)
    {
        Assert.True(Protocols.Sip.Parsing.SipReader.TryReadUri(proxy, out var uri));
        return new OutboundPolicy { Allow = [new CalleePattern("*", "*")], Route = [new NameAddr(uri!)] };
    }
}
