using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.Sip.Messages;
using Xunit;
using static ConfCluster.Protocols.Focus.ParticipantEffect;
using static ConfCluster.Protocols.Tests.Focus.ParticipantScene;

namespace ConfCluster.Protocols.Tests.Focus;

public sealed class ParticipantClosingTests
{
    public static TheoryData<bool> JoinedOrNot => [false, true];

    [Theory]
    [MemberData(nameof(JoinedOrNot))]
    [Trait("RFC", "3261 §9.2")]
    public void CANCEL_before_the_answer_ends_the_INVITE_with_487(bool joined)
    {
        var scene = joined ? Opening() : Joining();
        scene.Receive(Request("CANCEL"));

        var responses = scene.Effects.OfType<Respond>().ToList();
        Assert.Equal([200, 487], responses.Select(r => r.Response.StatusCode));
        Assert.Equal([SipMethod.Cancel, SipMethod.Invite], responses.Select(r => r.Key.Method));
        Assert.All(responses, r => Assert.Equal(Id.Value, r.Response.Headers.To.Tag));
        Assert.Equal(new Leave(Room, LeaveReason.Cancelled), scene.Only<Leave>());
        Assert.Equal(joined, scene.Effects.OfType<CloseLeg>().Any());
    }

    [Fact]
    [Trait("RFC", "3261 §9.2")]
    public void CANCEL_after_the_answer_changes_nothing()
    {
        var scene = Answered();
        scene.Receive(Request("CANCEL"));
        Assert.Equal(200, scene.Response.StatusCode);
        Assert.IsType<ParticipantState.Answered>(scene.State);
        scene.None<Leave>();
        scene.Ack();
        scene.Receive(Later("INVITE", 2, Offer(2)));
        scene.Receive(Request("CANCEL", "z9hG4bKINVITE2", 2, Id.Value));
        Assert.Equal(200, scene.Response.StatusCode);
    }

    [Fact]
    [Trait("RFC", "3261 §9.2")]
    public void CANCEL_of_nothing_gets_481()
    {
        var scene = new ParticipantScene();
        scene.Receive(Request("CANCEL"));
        Assert.Equal(481, scene.Response.StatusCode);
        scene.Only<Stop>();

        scene = Joining();
        scene.Receive(Request("CANCEL", "z9hG4bKother"));
        Assert.Equal(481, scene.Response.StatusCode);
        Assert.IsType<ParticipantState.Joining>(scene.State);
    }

    [Fact]
    [Trait("RFC", "3261 §15.1.2")]
    public void BYE_ends_the_call_everywhere()
    {
        var scene = Confirmed();
        scene.Receive(Later("BYE", 2));

        Assert.Equal(200, scene.Response.StatusCode);
        Assert.Equal(new CloseLeg(Mixer), scene.Only<CloseLeg>());
        Assert.Equal(new Leave(Room, LeaveReason.Bye), scene.Only<Leave>());
        Assert.Equal(new DialogFact.DialogEnded(LeaveReason.Bye), scene.Only<Store>().Fact);
        Assert.Empty(scene.State.Secrets);
    }

    [Fact]
    public void The_leave_is_repeated_until_it_is_acknowledged()
    {
        var scene = Confirmed();
        scene.Receive(Later("BYE", 2));
        scene.Fire(ParticipantTimer.RepeatLeave);
        Assert.Equal(new Leave(Room, LeaveReason.Bye), scene.Only<Leave>());
        scene.None<Stop>();
        scene.Do(new ParticipantInput.LeaveAcknowledged(Room));
        Assert.Contains(new Cancel(ParticipantTimer.RepeatLeave), scene.Effects);
        scene.Only<Stop>();
        scene.Fire(ParticipantTimer.RepeatLeave);
        Assert.Empty(scene.Effects);
    }

    [Fact]
    public void After_the_end_requests_get_481_and_an_INVITE_482_and_an_ACK_nothing()
    {
        var scene = Confirmed();
        scene.Receive(Later("BYE", 2));
        foreach (var method in (string[])["INVITE", "UPDATE", "BYE", "OPTIONS"])
        {
            scene.Receive(Later(method, 3, method is "INVITE" ? Offer(2) : ""));
            Assert.Equal(481, scene.Response.StatusCode);
        }

        scene.Receive(Request("INVITE", "z9hG4bK9", sdp: Offer()));
        Assert.Equal(482, scene.Response.StatusCode);
        scene.Ack(3);
        scene.None<Respond>();
    }

    [Fact]
    [Trait("RFC", "3261 §12.2.2")]
    public void A_CSeq_that_does_not_grow_gets_500()
    {
        var scene = Confirmed();
        scene.Receive(Later("OPTIONS", 5));
        scene.Receive(Later("BYE", 5));
        Assert.Equal(500, scene.Response.StatusCode);
        Assert.IsType<ParticipantState.Confirmed>(scene.State);
    }

    [Fact]
    public void A_request_of_another_dialog_gets_481()
    {
        var scene = Confirmed();
        scene.Receive(Request("BYE", "z9hG4bKb", 2, Id.Value, fromTag: "mallory"));
        Assert.Equal(481, scene.Response.StatusCode);
        Assert.IsType<ParticipantState.Confirmed>(scene.State);
    }

    [Fact]
    public void OPTIONS_in_the_dialog_tells_what_is_possible_and_INFO_is_not()
    {
        var scene = Confirmed();
        scene.Receive(Later("OPTIONS", 2));
        Assert.Equal(200, scene.Response.StatusCode);
        Assert.Contains("isfocus", scene.Response.Headers.First("Contact"), StringComparison.Ordinal);
        scene.Receive(Later("INFO", 3));
        Assert.Equal(405, scene.Response.StatusCode);
        Assert.True(scene.Response.Headers.Has("Allow"));
    }

    [Theory]
    [Trait("RFC", "3326 §2")]
    [InlineData(LeaveReason.NodeShutdown, "SIP;cause=503;text=\"Server Shutting Down\"")]
    [InlineData(LeaveReason.ConferenceEnded, "SIP;cause=410;text=\"Conference Ended\"")]
    public void Who_is_put_out_hears_BYE_with_the_reason(LeaveReason reason, string header)
    {
        var scene = Confirmed();
        scene.Do(new ParticipantInput.EndRequested(Room, reason));

        var bye = scene.Only<SendRequest>().Request;
        Assert.Equal(header, bye.Headers.First("Reason"));
        Assert.Equal("alice", bye.Headers.To.Tag);
        Assert.Equal(Id.Value, bye.Headers.From.Tag);
        Assert.Equal(new Leave(Room, reason), scene.Only<Leave>());
        scene.None<Store>();
        Assert.Contains(new Start(ParticipantTimer.ByeUnanswered, TimeSpan.FromSeconds(33)), scene.Effects);
    }

    [Theory]
    [Trait("RFC", "3261 §15.1.1")]
    [InlineData(200)]
    [InlineData(481)]
    [InlineData(408)]
    public void Whatever_answers_our_BYE_ends_the_dialog(int status)
    {
        var scene = Confirmed();
        scene.Do(new ParticipantInput.EndRequested(Room, LeaveReason.Evicted));
        var bye = scene.Only<SendRequest>().Request;
        scene.Do(new ParticipantInput.ResponseArrived(bye.CreateResponse(100, "Trying")));
        scene.None<Store>();
        scene.Do(new ParticipantInput.ResponseArrived(bye.CreateResponse(status, "x")));
        Assert.Equal(new DialogFact.DialogEnded(LeaveReason.Evicted), scene.Only<Store>().Fact);
        scene.Do(new ParticipantInput.LeaveAcknowledged(Room));
        scene.Only<Stop>();
    }

    [Fact]
    public void A_BYE_that_nobody_answers_ends_the_dialog_too()
    {
        var scene = Confirmed();
        scene.Do(new ParticipantInput.EndRequested(Room, LeaveReason.Evicted));
        scene.Do(new ParticipantInput.LeaveAcknowledged(Room));
        scene.None<Stop>();
        scene.Fire(ParticipantTimer.ByeUnanswered);
        scene.Only<Store>();
        scene.Only<Stop>();
    }

    [Fact]
    public void Two_BYEs_that_cross_are_both_answered()
    {
        var scene = Confirmed();
        scene.Do(new ParticipantInput.EndRequested(Room, LeaveReason.Evicted));
        scene.Receive(Later("BYE", 2));
        Assert.Equal(200, scene.Response.StatusCode);
        scene.None<Leave>();
    }

    [Theory]
    [InlineData(LeaveReason.NodeShutdown, 503)]
    [InlineData(LeaveReason.ConferenceEnded, 487)]
    public void Who_is_put_out_before_the_answer_gets_a_final_response(LeaveReason reason, int status)
    {
        var scene = Opening();
        scene.Do(new ParticipantInput.EndRequested(Room, reason));
        Assert.Equal(status, scene.Response.StatusCode);
        Assert.Equal(new Leave(Room, reason), scene.Only<Leave>());
    }

    [Fact]
    public void Without_a_mixer_for_its_leg_the_call_ends()
    {
        var scene = Confirmed();
        scene.Do(new ParticipantInput.LegRefused(Mixer, Rejection.NoMediaCapacity));
        Assert.Equal(new Leave(Room, LeaveReason.MediaFailed), scene.Only<Leave>());
        scene.Only<SendRequest>();
    }

    [Fact]
    public void A_join_that_nobody_waits_for_is_left_again()
    {
        var scene = new ParticipantScene();
        scene.Accept();
        scene.Only<Leave>();
        scene.None<Stop>();
        scene.Do(new ParticipantInput.LeaveAcknowledged(Room));
        scene.Only<Stop>();
    }

    [Fact]
    [Trait("RFC", "3261 §8.2.2.2")]
    public void A_call_that_was_never_confirmed_is_remembered_for_its_forked_copies()
    {
        var scene = Opening();
        scene.Receive(Request("CANCEL"));
        scene.Do(new ParticipantInput.LeaveAcknowledged(Room));
        scene.None<Stop>();
        scene.Receive(Request("INVITE", "z9hG4bK2", sdp: Offer()));
        Assert.Equal(482, scene.Response.StatusCode);
        scene.Fire(ParticipantTimer.Forget);
        scene.Only<Stop>();
    }

    [Fact]
    public void A_dialog_of_the_journal_is_ended_by_BYE_with_a_CSeq_that_cannot_be_old()
    {
        var fact = (DialogFact.DialogConfirmed)Confirmed().Only<Store>().Fact;
        var scene = Restored(fact);
        scene.Do(new ParticipantInput.EndRequested(Room, LeaveReason.NodeLost));

        var bye = scene.Only<SendRequest>().Request;
        Assert.Equal("call-1", bye.Headers.CallId);
        Assert.True(bye.Headers.CSeq.Number > 1000);
        Assert.Equal(Id.Value, bye.Headers.From.Tag);
        Assert.Equal(new Leave(Room, LeaveReason.NodeLost), scene.Only<Leave>());
        scene.Do(new ParticipantInput.ResponseArrived(bye.CreateResponse(200, "OK")));
        Assert.Equal(new DialogFact.DialogEnded(LeaveReason.NodeLost), scene.Only<Store>().Fact);
    }

    [Theory]
    [InlineData("BYE", 200, LeaveReason.Bye)]
    [InlineData("INVITE", 481, LeaveReason.NodeLost)]
    public void A_request_in_a_dialog_of_the_journal_ends_it(string method, int status, LeaveReason reason)
    {
        var scene = Restored((DialogFact.DialogConfirmed)Confirmed().Only<Store>().Fact);
        scene.Receive(Later(method, 2));
        Assert.Equal(status, scene.Response.StatusCode);
        Assert.Equal(new Leave(Room, reason), scene.Only<Leave>());
        Assert.Equal(new DialogFact.DialogEnded(reason), scene.Only<Store>().Fact);
    }

    [Fact]
    public void Who_has_ended_is_not_born_again()
    {
        var fact = Confirmed().Only<Store>().Fact;
        foreach (var (request, status) in (IEnumerable<(SipRequest, int)>)[(Request("INVITE", sdp: Offer()), 482), (Later("BYE", 2), 481)])
        {
            var scene = new ParticipantScene();
            scene.Do(new ParticipantInput.Recovered([fact, new DialogFact.DialogEnded(LeaveReason.Bye)]));
            scene.Receive(request);
            Assert.Equal(status, scene.Response.StatusCode);
            scene.None<Store>();
            scene.Only<Stop>();
        }
    }

    [Fact]
    public void A_request_in_a_dialog_that_nobody_knows_gets_481_and_leaves_nothing_behind()
    {
        var scene = new ParticipantScene();
        scene.Receive(Later("BYE", 2));
        Assert.Equal(481, scene.Response.StatusCode);
        scene.None<Store>();
        scene.Only<Stop>();
    }

    private static ParticipantScene Restored(DialogFact fact)
    {
        var scene = new ParticipantScene();
        scene.Do(new ParticipantInput.Recovered([fact]));
        return scene;
    }
}
