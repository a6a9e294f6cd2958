using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.Sip.Transactions;
using Xunit;
using static ConfCluster.Protocols.Tests.Focus.DialScene;

namespace ConfCluster.Protocols.Tests.Focus;

/// <summary>Several phones, late answers, and calls that are withdrawn.</summary>
public sealed class DialForkTests
{
    [Fact]
    [Trait("RFC", "3261 §13.2.2.4")]
    public void A_second_phone_that_answers_is_sent_ACK_and_BYE_and_the_first_stays()
    {
        var scene = Joined();
        scene.Respond(200, tag: "carol", sdp: Answer(key: 2));
        Assert.Equal(["ACK 1 carol 192.0.2.5:5062", "BYE 2 carol 192.0.2.5:5062"], scene.SentNow);
        scene.RespondTo("BYE", 200, "carol");
        Assert.IsType<ParticipantState.Confirmed>(Assert.IsType<ParticipantState.Forked>(scene.State).Inner);
        Assert.Single(scene.All.OfType<ParticipantEffect.SetLegMedia>());
    }

    [Fact]
    public void A_second_phone_that_answers_while_the_first_joins_is_declined_too()
    {
        var scene = Calling();
        scene.Respond(200, sdp: Answer());
        scene.Respond(200, tag: "carol", sdp: Answer(key: 2));
        Assert.Equal(["ACK 1 carol 192.0.2.5:5062", "BYE 2 carol 192.0.2.5:5062"], scene.SentNow);
        scene.Accept();
        Assert.Equal(["ACK 1 bob 192.0.2.5:5062"], scene.SentNow);
    }

    [Fact]
    public void Copies_of_a_2xx_get_their_ACK_again_and_nothing_else()
    {
        var scene = Joined();
        scene.Respond(200, sdp: Answer());
        Assert.Equal(["ACK 1 bob 192.0.2.5:5062"], scene.SentNow);
        scene.Respond(200, tag: "carol", sdp: Answer(key: 2));
        scene.Respond(200, tag: "carol", sdp: Answer(key: 2));
        Assert.Equal(["ACK 1 carol 192.0.2.5:5062"], scene.SentNow);
    }

    [Fact]
    public void The_BYE_of_a_declined_phone_does_not_end_the_BYE_of_the_kept_one()
    {
        var scene = Joined();
        scene.Respond(200, tag: "carol", sdp: Answer(key: 2));
        scene.Do(new ParticipantInput.EndRequested(Room, LeaveReason.Evicted));
        scene.RespondTo("BYE", 200, "carol");
        Assert.IsType<ParticipantState.Ending>(((ParticipantState.Forked)scene.State).Inner);
        scene.RespondTo("BYE", 200);
        Assert.IsType<ParticipantState.Ended>(((ParticipantState.Forked)scene.State).Inner);
    }

    [Fact]
    [Trait("RFC", "3261 §9.1")]
    public void A_CANCEL_waits_for_a_provisional_response_and_has_the_Via_of_its_INVITE()
    {
        var scene = Calling();
        scene.Do(new ParticipantInput.EndRequested(Room, LeaveReason.ConferenceEnded));
        Assert.Empty(scene.SentNow);
        scene.Respond(100, tag: "");
        var cancel = Assert.Single(scene.Effects.OfType<ParticipantEffect.SendRequest>()).Request;
        Assert.Equal("SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKours;rport", cancel.Headers.First("Via"));
        Assert.Equal((scene.Invite.Headers.First("From"), scene.Invite.Headers.First("To")), (cancel.Headers.First("From"), cancel.Headers.First("To")));
        Assert.Equal("1 CANCEL", cancel.Headers.First("CSeq"));
        scene.Respond(180);
        Assert.Empty(scene.SentNow);
        scene.RespondTo("CANCEL", 200, cseq: 1);
        Assert.IsType<ParticipantState.Withdrawing>(scene.State);
        scene.Respond(487);
        Assert.Equal((CalloutState.Failed, "The conference ended"), (scene.Report.State, scene.Report.Reason));
    }

    [Fact]
    public void A_2xx_that_crosses_the_CANCEL_is_acknowledged_and_hung_up()
    {
        var scene = Calling();
        scene.Respond(180);
        scene.Fire(ParticipantTimer.RingLimit);
        Assert.Equal(["CANCEL 1 - 192.0.2.5:5060"], scene.SentNow);
        scene.Respond(200, sdp: Answer());
        Assert.Equal(["ACK 1 bob 192.0.2.5:5062", "BYE 2 bob 192.0.2.5:5062"], scene.SentNow);
        Assert.Equal((CalloutState.Failed, 408, "Nobody answered"), (scene.Report.State, scene.Report.Status, scene.Report.Reason));
        Assert.Empty(scene.All.OfType<ParticipantEffect.Join>());
        scene.Respond(200, sdp: Answer());
        Assert.Equal(["ACK 1 bob 192.0.2.5:5062"], scene.SentNow);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_phone_that_never_answers_a_CANCEL_is_given_up(bool byTransaction)
    {
        var scene = Calling();
        scene.Respond(180);
        scene.Fire(ParticipantTimer.RingLimit);
        if (byTransaction) scene.Fail(TransactionFailure.Timeout);
        else scene.Fire(ParticipantTimer.CancelLimit);
        Assert.IsType<ParticipantState.Ended>(scene.State);
        Assert.Empty(scene.State.Secrets);
    }

    [Fact]
    [Trait("RFC", "3262 §4")]
    public void A_reliable_provisional_response_is_acknowledged_once_and_in_order()
    {
        var scene = Calling();
        Reliable(scene, 180, 7);
        Assert.Equal(["PRACK 2 bob 192.0.2.5:5062"], scene.SentNow);
        Assert.Equal("7 1 INVITE", scene.Effects.OfType<ParticipantEffect.SendRequest>().Single().Request.Headers.First("RAck"));
        Reliable(scene, 180, 7);
        Assert.Empty(scene.SentNow);
        Reliable(scene, 180, 9);
        Assert.Empty(scene.SentNow);
        Reliable(scene, 183, 8);
        Assert.Equal(["PRACK 3 bob 192.0.2.5:5062"], scene.SentNow);
        Reliable(scene, 180, 70, tag: "carol");
        Assert.Equal(["PRACK 2 carol 192.0.2.5:5062"], scene.SentNow);
    }

    [Fact]
    [Trait("RFC", "3262 §5")]
    public void An_answer_in_a_reliable_provisional_response_counts_and_the_dialog_goes_on_counting()
    {
        var scene = Calling();
        Reliable(scene, 183, 1, Answer());
        scene.Respond(200);
        scene.Accept();
        Assert.Single(scene.Effects.OfType<ParticipantEffect.SetLegMedia>());
        scene.Do(new ParticipantInput.EndRequested(Room, LeaveReason.Evicted));
        Assert.Equal(["BYE 3 bob 192.0.2.5:5062"], scene.SentNow);
    }

    [Fact]
    public void A_bad_answer_before_the_2xx_is_acknowledged_and_the_call_cancelled()
    {
        var scene = Calling();
        Reliable(scene, 183, 1, Answer(tag: "9"));
        Assert.Equal(["PRACK 2 bob 192.0.2.5:5062", "CANCEL 1 - 192.0.2.5:5060"], scene.SentNow);
        scene.Respond(487);
        Assert.Equal(488, scene.Report.Status);
    }

    [Fact]
    public void The_phone_that_answers_may_have_chosen_another_suite_than_the_one_that_rang()
    {
        var scene = Calling();
        Reliable(scene, 183, 1, Answer());
        scene.Respond(200, tag: "carol", sdp: Answer(key: 2, tag: "2", suite: "AES_CM_128_HMAC_SHA1_32"));
        scene.Accept();
        var media = scene.Effects.OfType<ParticipantEffect.SetLegMedia>().Single().Media;
        Assert.Equal("AES_CM_128_HMAC_SHA1_32", media.Downlink.Profile.Name);
        _ = media.Downlink.KeyAndSalt.Reveal();
    }

    private static void Reliable(DialScene scene, int status, uint sequence, string sdp = "", string tag = "bob") =>
        scene.Respond(status, tag, sdp, $"Require: 100rel\r\nRSeq: {sequence}\r\n");
}
