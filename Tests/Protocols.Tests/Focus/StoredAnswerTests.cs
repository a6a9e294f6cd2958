using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Sip.Messages;
using Xunit;
using static ConfCluster.Protocols.Focus.ParticipantEffect;
using static ConfCluster.Protocols.Tests.Focus.ParticipantScene;

namespace ConfCluster.Protocols.Tests.Focus;

/// <summary>In a cluster nobody is told that it is in before the journal knows it: whoever dies with its node in between is neither lost nor answered twice.</summary>
public sealed class StoredAnswerTests
{
    private const int TakeOver = 13;

    [Fact]
    public void The_answer_waits_for_the_journal_and_the_ACK_stores_nothing_more()
    {
        var scene = Held();
        var fact = Assert.IsType<DialogFact.DialogConfirmed>(scene.Only<Store>().Fact);
        Assert.Equal("z9hG4bK1", fact.Invite!.Key.Branch);
        Assert.Contains("m=audio 50000 RTP/SAVP", fact.RemoteSdp, StringComparison.Ordinal);
        scene.None<Respond>();

        scene.Stored();
        Assert.Equal(200, scene.Response.StatusCode);
        scene.Do(new ParticipantInput.FactStored(fact));
        Assert.Empty(scene.Effects);

        scene.Ack();
        Assert.Equal(LegKeyAnswer.Ready, scene.Only<ReportKey>().Answer);
        scene.None<Store>();
    }

    [Fact]
    public void A_slow_journal_keeps_nobody_waiting_for_longer_than_T1()
    {
        var scene = Held();
        var store = scene.Only<Store>();
        Assert.Contains(new Start(ParticipantTimer.Repeat2xx, TimeSpan.FromSeconds(0.5)), scene.Effects);
        scene.Fire(ParticipantTimer.Repeat2xx);
        Assert.Equal(200, scene.Response.StatusCode);
        scene.Do(new ParticipantInput.FactStored(store.Fact));
        Assert.Empty(scene.Effects);
    }

    /// <summary>Its SDP comes with the ACK.</summary>
    [Fact]
    public void Who_offers_nothing_is_answered_at_once_and_stored_with_the_ACK()
    {
        var scene = Held("");
        Assert.Equal(200, scene.Response.StatusCode);
        scene.None<Store>();
        scene.Ack(sdp: Offer());
        Assert.Null(((DialogFact.DialogConfirmed)scene.Only<Store>().Fact).Invite);
        Assert.Equal(LegKeyAnswer.Ready, scene.Only<ReportKey>().Answer);
    }

    [Fact]
    public void Without_an_ACK_the_end_is_stored_too()
    {
        var scene = Held();
        scene.Stored();
        scene.Fire(ParticipantTimer.NoAck);
        Assert.Equal(SipMethod.Bye, scene.Only<SendRequest>().Request.Method);
        scene.Fire(ParticipantTimer.ByeUnanswered);
        Assert.Equal(new DialogFact.DialogEnded(LeaveReason.NoAck), scene.Only<Store>().Fact);
    }

    [Fact]
    [Trait("RFC", "3261 §15.1.2")]
    public void A_BYE_in_the_early_dialog_lets_the_answer_go()
    {
        var scene = Held(extra: "Require: 100rel\r\n");
        var sequence = Assert.IsType<ParticipantState.Early>(scene.State).Pending.Sequence;
        scene.Receive(Later("PRACK", 2, extra: $"RAck: {sequence} 1 INVITE\r\n"));
        Assert.Equal(SipMethod.Prack, scene.Only<Respond>().Key.Method);
        scene.Receive(Later("BYE", 3));
        Assert.Equal(["INVITE", "BYE"], scene.Effects.OfType<Respond>().Select(r => r.Key.Method.Name));
        Assert.All(scene.Effects.OfType<Respond>(), r => Assert.Equal(200, r.Response.StatusCode));
        Assert.Contains(scene.Effects, e => e is Store { Fact: DialogFact.DialogEnded });
    }

    /// <summary>
    /// Of its leg nothing is kept at the mixer: it gets new keys, and the conference hears that it can be sent others. Not before a copy of the INVITE has had the
    /// time to say that nobody has answered it.
    /// </summary>
    [Fact]
    public void Whose_node_dies_after_the_answer_gets_its_leg_again()
    {
        var scene = Held();
        scene.Stored();
        var next = scene.NextLife(seconds: TakeOver);
        next.Move(Mixer, mayOffer: true);
        Assert.Equal(Mixer, next.Only<AskLeg>().Mixer);
        Assert.Contains(new Start(ParticipantTimer.RepeatAsk, TimeSpan.FromSeconds(1)), next.Effects);
        next.Do(new ParticipantInput.LegFound(Mixer, null));
        Assert.Equal<ParticipantEffect>([new Start(ParticipantTimer.RepeatAsk, TimeSpan.FromSeconds(2.5))], next.Effects);
        next.Fire(ParticipantTimer.RepeatAsk);
        Assert.Equal(Mixer, next.Only<AskLeg>().Mixer);
        next.Do(new ParticipantInput.LegFound(Mixer, null));
        next.Only<OpenLeg>();
        Assert.Equal(LegKeyAnswer.Anew, next.Only<ReportKey>().Answer);
        next.Open();
        Assert.Equal(SipMethod.Invite, next.Only<SendRequest>().Request.Method);
        Assert.Equal(LegKeyAnswer.Ready, next.Only<ReportKey>().Answer);
        next.Receive(Later("BYE", 2));
        Assert.Equal(200, next.Response.StatusCode);
    }

    /// <summary>Its INVITE is over, so no copy of it can come.</summary>
    [Fact]
    public void Of_whom_the_conference_knows_that_it_acknowledged_no_copy_is_waited_for()
    {
        var scene = Held();
        scene.Stored();
        scene.Ack();
        var next = scene.NextLife(seconds: TakeOver);
        next.Do(new ParticipantInput.MoveRequested(Room, Mixer, new Incarnation(1), MayOffer: false) { IsConfirmed = true });
        next.Move(Mixer, mayOffer: true);
        next.Do(new ParticipantInput.LegFound(Mixer, null));
        next.Only<OpenLeg>();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Whose_node_dies_before_the_answer_is_answered_by_the_next_life_as_the_same_dialog(bool isCalledFirst)
    {
        var next = Held().NextLife(seconds: TakeOver);
        if (isCalledFirst)
        {
            next.Move(Mixer, mayOffer: true);
            next.Do(new ParticipantInput.LegFound(Mixer, null));
        }

        next.Receive(Request("INVITE", sdp: Offer()));
        next.Only<Join>();
        next.Accept();
        next.Open();
        Assert.Equal((200, Id.Value), (next.Response.StatusCode, next.Response.Headers.To.Tag));
        next.None<Store>();
        next.Ack();
        Assert.IsType<ParticipantState.Confirmed>(next.State);
        Assert.Equal(LegKeyAnswer.Ready, next.Only<ReportKey>().Answer);
        next.Receive(Later("BYE", 2));
        Assert.IsType<DialogFact.DialogEnded>(next.Only<Store>().Fact);
    }

    [Fact]
    public void Who_is_refused_by_the_next_life_is_over_for_the_journal_too()
    {
        var next = Held().NextLife(seconds: TakeOver);
        next.Receive(Request("INVITE", sdp: Offer()));
        next.Do(new ParticipantInput.JoinRefused(Room, Rejection.ConferenceFull));
        Assert.Equal(486, next.Response.StatusCode);
        Assert.IsType<DialogFact.DialogEnded>(next.Only<Store>().Fact);
    }

    [Fact]
    public void Who_cancels_before_the_next_life_answers_is_over_for_the_journal_too()
    {
        var next = Held().NextLife(seconds: TakeOver);
        next.Receive(Request("INVITE", sdp: Offer()));
        next.Receive(Request("CANCEL"));
        Assert.Equal([200, 487], next.Effects.OfType<Respond>().Select(r => r.Response.StatusCode).Order());
        Assert.IsType<DialogFact.DialogEnded>(next.Only<Store>().Fact);
    }

    /// <summary>Nobody takes the place of a caller by another INVITE with its Call-ID and tag, nor by the same one when nobody can be waiting for its answer any more.</summary>
    [Theory]
    [Trait("RFC", "3261 §8.2.2.2")]
    [InlineData("z9hG4bKother", TakeOver)]
    [InlineData("z9hG4bK1", 32)]
    public void Another_INVITE_is_none_that_waits_for_an_answer(string branch, int seconds)
    {
        var scene = Held();
        scene.Stored();
        var next = scene.NextLife(seconds: seconds);
        next.Receive(Request("INVITE", branch, sdp: Offer(key: 9)));
        Assert.Equal(482, next.Response.StatusCode);
        Assert.IsType<ParticipantState.Restored>(next.State);
        next.None<Join>();
    }

    /// <summary>Its conference has let it in and says so to a life that knows nothing, as when its shard moves right then.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Whose_node_dies_before_anything_is_stored_is_answered_by_the_next_life(bool isMoved)
    {
        var next = Asking().NextLife(seconds: TakeOver);
        if (isMoved) next.Move(Mixer, mayOffer: true);
        else next.Accept();
        Assert.Equal<ParticipantEffect>([new Start(ParticipantTimer.RepeatAsk, TimeSpan.FromSeconds(2.5))], next.Effects);
        next.Move(Mixer, mayOffer: true);
        Assert.Empty(next.Effects);

        next.Receive(Request("INVITE", sdp: Offer()));
        Assert.Equal(Room, next.Only<Join>().Conference);
        Assert.Equal(new Cancel(ParticipantTimer.RepeatAsk), next.Effects[0]);
        next.Accept();
        next.Open();
        next.Stored();
        Assert.Equal(200, next.Response.StatusCode);
        next.Ack();
        Assert.IsType<ParticipantState.Confirmed>(next.State);
    }

    [Fact]
    public void Whose_INVITE_does_not_come_again_was_never_in()
    {
        var next = Asking().NextLife(seconds: TakeOver);
        next.Accept();
        next.Receive(Later("BYE", 2));
        Assert.Equal(481, next.Response.StatusCode);
        next.None<Leave>();
        next.Fire(ParticipantTimer.RepeatAsk);
        Assert.Equal((Room, LeaveReason.DialogFailed), (next.Only<Leave>().Conference, next.Only<Leave>().Reason));
    }

    [Fact]
    public void Who_is_to_end_waits_for_no_INVITE()
    {
        var next = Asking().NextLife(seconds: TakeOver);
        next.Accept();
        next.Do(new ParticipantInput.EndRequested(Room, LeaveReason.ConferenceEnded));
        Assert.Equal(LeaveReason.ConferenceEnded, next.Only<Leave>().Reason);
        Assert.Contains(new Cancel(ParticipantTimer.RepeatAsk), next.Effects);
    }

    /// <summary>Alone, no participant outlives the process, and nothing is handed on again.</summary>
    [Fact]
    public void In_a_node_alone_who_knows_nothing_was_never_in()
    {
        var scene = new ParticipantScene();
        scene.Accept();
        Assert.Equal(LeaveReason.DialogFailed, scene.Only<Leave>().Reason);
    }

    private static ParticipantScene Asking()
    {
        var scene = new ParticipantScene { StoresAtOnce = false }.InCluster();
        scene.Receive(Request("INVITE", sdp: Offer()));
        scene.Only<Join>();
        return scene;
    }

    private static ParticipantScene Held(string? sdp = null, string extra = "")
    {
        var scene = new ParticipantScene { StoresAtOnce = false }.InCluster();
        scene.Receive(Request("INVITE", sdp: sdp ?? Offer(), extra: extra));
        scene.Accept();
        scene.Open();
        return scene;
    }
}
