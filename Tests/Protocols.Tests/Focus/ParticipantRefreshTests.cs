using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Sessions;
using ConfCluster.Protocols.Sip.Transactions;
using Xunit;
using static ConfCluster.Protocols.Focus.ParticipantEffect;
using static ConfCluster.Protocols.Tests.Focus.ParticipantScene;

namespace ConfCluster.Protocols.Tests.Focus;

/// <summary>Session timers in a call, and the requests that we send because of them.</summary>
public sealed class ParticipantRefreshTests
{
    private const string TakesUpdate = "Allow: INVITE, ACK, BYE, UPDATE\r\n";
    private static readonly SessionTimerPolicy Policy = new(TimeSpan.FromMinutes(30), SessionExpires.DefaultMinimum);

    [Fact]
    [Trait("RFC", "4028 §9")]
    public void A_peer_without_session_timers_is_refreshed_by_UPDATE_when_half_of_the_interval_is_over()
    {
        var scene = Answered(TakesUpdate);
        Assert.Equal("1800;refresher=uas", scene.Response.Headers.First("Session-Expires"));
        Assert.Contains(new Start(ParticipantTimer.Refresh, TimeSpan.FromMinutes(15)), scene.Effects);
        Assert.Contains(new Start(ParticipantTimer.SessionExpired, TimeSpan.FromSeconds(1768)), scene.Effects);
        scene.Ack();

        var update = Refresh(scene);
        Assert.Equal(SipMethod.Update, update.Method);
        Assert.True(update.Body.IsEmpty);
        Assert.Equal("1800;refresher=uac", update.Headers.First("Session-Expires"));
        Assert.Contains("isfocus", update.Headers.First("Contact"), StringComparison.Ordinal);

        scene.Reply(update, 200);
        Assert.IsType<ParticipantState.Confirmed>(scene.State);
        Assert.Contains(new Start(ParticipantTimer.Refresh, TimeSpan.FromMinutes(15)), scene.Effects);
    }

    [Fact]
    [Trait("RFC", "4028 §7.4")]
    public void Without_UPDATE_the_refresh_is_a_re_INVITE_that_repeats_our_last_word()
    {
        var scene = Answered("");
        var answer = scene.Response.Body.Span.ToArray();
        scene.Ack();
        var invite = Refresh(scene);
        Assert.Equal(SipMethod.Invite, invite.Method);
        Assert.Equal(answer, invite.Body.Span.ToArray());

        scene.Reply(invite, 200, Offer());
        var ack = scene.Only<SendAck>().Request;
        Assert.Equal(invite.Headers.CSeq.Number, ack.Headers.CSeq.Number);
        using var media = scene.Only<SetLegMedia>().Media;
        Assert.Equal(Key(1), Convert.ToBase64String(UplinkOf(media)));

        scene.Reply(invite, 200, Offer());
        Assert.Equal(ack.Headers.CSeq, scene.Only<SendAck>().Request.Headers.CSeq);
        scene.None<SetLegMedia>();
    }

    [Fact]
    [Trait("RFC", "3264 §8.4")]
    public void A_refresh_does_not_take_a_peer_off_hold()
    {
        var scene = Confirmed(Policy, "");
        scene.Receive(Later("INVITE", 2, Offer(2, direction: "sendonly")));
        var held = scene.Response.Body.Span.ToArray();
        scene.Ack(2);
        Assert.Equal(held, Refresh(scene).Body.Span.ToArray());
    }

    [Fact]
    [Trait("RFC", "4028 §9")]
    public void A_peer_that_refreshes_and_does_not_is_hung_up_on()
    {
        var scene = Answered("Supported: timer\r\nSession-Expires: 90;refresher=uac\r\n");
        Assert.Equal("timer", scene.Response.Headers.First("Require"));
        Assert.Contains(new Start(ParticipantTimer.SessionExpired, TimeSpan.FromSeconds(60)), scene.Effects);
        Assert.Contains(new Cancel(ParticipantTimer.Refresh), scene.Effects);
        scene.Ack();
        scene.Fire(ParticipantTimer.SessionExpired);
        Assert.Equal(SipMethod.Bye, scene.Only<SendRequest>().Request.Method);
        Assert.Contains("408", scene.Only<SendRequest>().Request.Headers.First("Reason"), StringComparison.Ordinal);
        Assert.Equal(LeaveReason.SessionExpired, scene.Only<Leave>().Reason);
    }

    [Theory]
    [Trait("RFC", "4028 §9")]
    [InlineData("UPDATE")]
    [InlineData("INVITE")]
    public void A_refresh_of_the_peer_starts_the_interval_anew_and_may_change_roles(string method)
    {
        var scene = Confirmed(Policy, "Supported: timer\r\nSession-Expires: 90;refresher=uac\r\n");
        scene.Receive(Later(
            method, 2, method == "INVITE" ? Offer() : "", extra: "Supported: timer\r\nSession-Expires: 120;refresher=uas\r\n"));
        Assert.Equal("120;refresher=uas", scene.Response.Headers.First("Session-Expires"));
        Assert.Contains(new Start(ParticipantTimer.Refresh, TimeSpan.FromSeconds(60)), scene.Effects);
    }

    [Fact]
    [Trait("RFC", "4028 §6")]
    public void An_interval_below_ours_is_refused_with_the_shortest_we_take()
    {
        var scene = new ParticipantScene(Policy);
        scene.Receive(Request("INVITE", sdp: Offer(), extra: "Supported: timer\r\nSession-Expires: 89\r\n"));
        Assert.Equal((422, "90"), (scene.Response.StatusCode, scene.Response.Headers.First("Min-SE")));
        scene.None<Join>();
    }

    [Fact]
    [Trait("RFC", "4028 §7.3")]
    public void A_422_is_heeded_once()
    {
        var scene = Confirmed(Policy, TakesUpdate);
        scene.Reply(Refresh(scene), 422, "", ("Min-SE", "3600"));
        var longer = scene.Only<SendRequest>().Request;
        Assert.Equal("3600;refresher=uac", longer.Headers.First("Session-Expires"));
        Assert.Equal("3600", longer.Headers.First("Min-SE"));
        Assert.Equal(2u, longer.Headers.CSeq.Number);

        scene.Reply(longer, 422, "", ("Min-SE", "7200"));
        scene.None<SendRequest>();
        Assert.IsType<ParticipantState.Confirmed>(scene.State);
    }

    [Fact]
    public void A_peer_that_lied_about_UPDATE_gets_a_re_INVITE()
    {
        var scene = Confirmed(Policy, TakesUpdate);
        scene.Reply(Refresh(scene), 501);
        Assert.Equal(SipMethod.Invite, scene.Only<SendRequest>().Request.Method);
    }

    [Fact]
    [Trait("RFC", "3261 §14.1")]
    public void After_glare_we_wait_up_to_two_seconds_in_steps_of_ten_milliseconds()
    {
        var scene = Confirmed(Policy, TakesUpdate);
        scene.Reply(Refresh(scene), 491);
        var wait = Assert.Single(scene.Effects.OfType<Start>()).After;
        Assert.InRange(wait, TimeSpan.Zero, TimeSpan.FromSeconds(2));
        Assert.Equal(0, wait.Milliseconds % 10);
        scene.Fire(ParticipantTimer.Retry);
        Assert.Equal(2u, scene.Only<SendRequest>().Request.Headers.CSeq.Number);
    }

    [Theory]
    [Trait("RFC", "3261 §14.2")]
    [InlineData("INVITE")]
    [InlineData("UPDATE")]
    public void An_offer_of_the_peer_that_crosses_ours_gets_491_and_the_call_goes_on(string method)
    {
        var scene = Confirmed(Policy, "");
        var invite = Refresh(scene);
        scene.Receive(Later(method, 2, Offer(2)));
        Assert.Equal(491, scene.Response.StatusCode);
        scene.Reply(invite, 491);
        scene.Receive(Later(method, 3, Offer(2)));
        Assert.Equal(200, scene.Response.StatusCode);
    }

    [Theory]
    [Trait("RFC", "3261 §12.2.1.2")]
    [InlineData(408)]
    [InlineData(481)]
    [InlineData(0)]
    public void A_peer_that_does_not_know_the_dialog_or_is_silent_is_out(int status)
    {
        var scene = Confirmed(Policy, TakesUpdate);
        var update = Refresh(scene);
        if (status > 0) scene.Reply(update, status);
        else scene.Do(new ParticipantInput.TransactionFailed(new TransactionKey(false, "b", "h", SipMethod.Update), TransactionFailure.Timeout));
        Assert.Equal(SipMethod.Bye, scene.Only<SendRequest>().Request.Method);
        Assert.Equal(LeaveReason.Unreachable, scene.Only<Leave>().Reason);
    }

    [Fact]
    public void A_refusal_by_a_peer_without_timers_shows_that_it_is_there()
    {
        var scene = Confirmed(Policy, TakesUpdate);
        scene.Reply(Refresh(scene), 488);
        Assert.Contains(new Start(ParticipantTimer.Refresh, TimeSpan.FromMinutes(15)), scene.Effects);

        scene = Confirmed(Policy, TakesUpdate + "Supported: timer\r\n");
        scene.Reply(Refresh(scene), 488);
        Assert.DoesNotContain(scene.Effects, e => e is Start { Timer: ParticipantTimer.SessionExpired });
    }

    [Fact]
    public void The_peer_may_hang_up_while_our_refresh_is_out()
    {
        var scene = Confirmed(Policy, TakesUpdate);
        Refresh(scene);
        scene.Receive(Later("BYE", 2));
        Assert.Equal(200, scene.Response.StatusCode);
        Assert.Equal(LeaveReason.Bye, scene.Only<Leave>().Reason);
        Assert.Contains(new Cancel(ParticipantTimer.RequestUnanswered), scene.Effects);
    }

    [Fact]
    public void A_refresh_waits_while_a_2xx_of_ours_is_unacknowledged()
    {
        var scene = Answered(TakesUpdate);
        scene.Fire(ParticipantTimer.Refresh);
        scene.None<SendRequest>();
        Assert.Equal(ParticipantTimer.Refresh, scene.Only<Start>().Timer);
    }

    [Fact]
    [Trait("RFC", "3261 §12.2.1.2")]
    public void The_answer_to_our_request_moves_the_remote_target()
    {
        var scene = Confirmed(Policy, TakesUpdate);
        scene.Reply(Refresh(scene), 200, "", ("Contact", "<sip:alice@127.0.0.1:5099>"));
        scene.Do(new ParticipantInput.EndRequested(Room, LeaveReason.Evicted));
        Assert.Equal(5099, scene.Only<SendRequest>().Request.RequestUri.Port);
    }

    [Fact]
    [Trait("RFC", "3261 §13.2.2.4")]
    public void A_2xx_to_our_re_INVITE_that_crosses_our_BYE_is_acknowledged()
    {
        var scene = Confirmed(Policy, "");
        var invite = Refresh(scene);
        scene.Do(new ParticipantInput.EndRequested(Room, LeaveReason.Evicted));
        scene.Reply(invite, 200, Offer());
        Assert.Equal(invite.Headers.CSeq.Number, scene.Only<SendAck>().Request.Headers.CSeq.Number);
        Assert.IsType<ParticipantState.Ending>(scene.State);
    }

    [Fact]
    public void An_unacceptable_answer_to_our_re_INVITE_is_acknowledged_and_ends_the_call()
    {
        var scene = Confirmed(Policy, "");
        scene.Reply(Refresh(scene), 200, Offer(suite: ""));
        scene.Only<SendAck>();
        Assert.Equal(SipMethod.Bye, scene.Only<SendRequest>().Request.Method);
        Assert.Contains(new Count(ParticipantRefusal.BadAnswer), scene.Effects);
    }

    private static ParticipantScene Answered(string extra)
    {
        var scene = new ParticipantScene(Policy);
        scene.Receive(Request("INVITE", sdp: Offer(), extra: extra));
        scene.Accept();
        scene.Open();
        return scene;
    }

    private static SipRequest Refresh(ParticipantScene scene)
    {
        scene.Fire(ParticipantTimer.Refresh);
        return scene.Only<SendRequest>().Request;
    }
}
