using ConfCluster.Protocols.Codecs;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Transactions;
using ConfCluster.Protocols.Srtp;
using Xunit;
using static ConfCluster.Protocols.Focus.ParticipantEffect;
using static ConfCluster.Protocols.Tests.Focus.ParticipantScene;

namespace ConfCluster.Protocols.Tests.Focus;

public sealed class ParticipantAckTests
{
    [Fact]
    [Trait("RFC", "3261 §13.3.1.4")]
    public void The_2xx_is_repeated_at_T1_doubling_to_T2_until_the_ACK()
    {
        var scene = Answered();
        var response = scene.Response;
        var waits = new List<double>();
        for (var i = 0; i < 6; i++)
        {
            waits.Add(scene.Effects.OfType<Start>().Single(s => s.Timer == ParticipantTimer.Repeat2xx).After.TotalSeconds);
            scene.Fire(ParticipantTimer.Repeat2xx);
            Assert.Same(response, scene.Response);
        }

        Assert.Equal([0.5, 1, 2, 4, 4, 4], waits);
        Assert.Contains(new Start(ParticipantTimer.NoAck, TimeSpan.FromSeconds(32)), scene.All);
        scene.Ack();
        Assert.Contains(new Cancel(ParticipantTimer.Repeat2xx), scene.Effects);
        Assert.Contains(new Cancel(ParticipantTimer.NoAck), scene.Effects);
    }

    [Fact]
    public void The_ACK_confirms_the_dialog_once_and_starts_the_media()
    {
        var scene = Confirmed();

        using var media = scene.Only<SetLegMedia>().Media;
        Assert.Equal(Id, media.Participant);
        Assert.Equal("127.0.0.1:50000", media.Remote.ToString());
        Assert.Equal(AudioCodec.Pcmu, media.Codec);
        Assert.Equal(MediaDirection.SendReceive, media.Direction);
        Assert.Equal(Key(1), Convert.ToBase64String(UplinkOf(media)));
        var fact = Assert.IsType<DialogFact.DialogConfirmed>(scene.Only<Store>().Fact);
        Assert.Equal(Room, fact.Conference);
        Assert.Equal("call-1", fact.Dialog.CallId);

        scene.Ack();
        Assert.Empty(scene.Effects);
    }

    /// <summary>Nobody says that it was heard.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void That_it_is_in_is_said_again_three_times_whatever_it_does_meanwhile(bool isAsking)
    {
        var scene = Grouped();
        var ready = scene.Only<ReportKey>();
        Assert.Equal((LegKeyAnswer.Ready, new KeyEpoch(1)), (ready.Answer, ready.Epoch));
        var waits = new List<double> { Wait() };
        if (isAsking) scene.OfferKey(2, 1);
        for (var i = 0; i < 3; i++)
        {
            scene.Fire(ParticipantTimer.RepeatReady);
            Assert.Equal(ready, scene.Only<ReportKey>());
            if (i < 2) waits.Add(Wait());
        }

        Assert.Equal([4, 8, 16], waits);
        scene.None<Start>();
        scene.Receive(Later("BYE", 2));
        scene.Fire(ParticipantTimer.RepeatReady);
        scene.None<ReportKey>();

        double Wait() => scene.Effects.OfType<Start>().Single(s => s.Timer == ParticipantTimer.RepeatReady).After.TotalSeconds;
    }

    [Fact]
    public void The_facts_hold_the_SDP_and_no_key()
    {
        var scene = Confirmed();
        var fact = (DialogFact.DialogConfirmed)scene.Only<Store>().Fact;

        Assert.Contains("m=audio 40000 RTP/SAVP", fact.LocalSdp, StringComparison.Ordinal);
        Assert.Contains("m=audio 50000 RTP/SAVP", fact.RemoteSdp, StringComparison.Ordinal);
        Assert.DoesNotContain("crypto", fact.ToString(), StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("inline", fact.ToString(), StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData(2u, "0123456789abcdef0123456789abcdef")]
    [InlineData(1u, "another")]
    public void An_ACK_of_something_else_says_nothing(uint cseq, string tag)
    {
        var scene = Answered();
        scene.Do(new ParticipantInput.AckArrived(Request("ACK", "z9hG4bKx", cseq, tag)));
        Assert.Empty(scene.Effects);
        Assert.IsType<ParticipantState.Answered>(scene.State);
    }

    [Fact]
    [Trait("RFC", "3261 §13.3.1.4")]
    public void Without_an_ACK_the_call_ends_by_BYE()
    {
        var scene = Answered();
        scene.Fire(ParticipantTimer.NoAck);

        Assert.Equal(SipMethod.Bye, scene.Only<SendRequest>().Request.Method);
        Assert.Equal(new Leave(Room, LeaveReason.NoAck), scene.Only<Leave>());
        scene.Only<CloseLeg>();
        Assert.Empty(scene.All.OfType<Store>());
    }

    [Fact]
    [Trait("RFC", "3261 §15")]
    public void Who_is_put_out_before_its_ACK_hears_BYE_only_after_it()
    {
        var scene = Answered();
        scene.Do(new ParticipantInput.EndRequested(Room, LeaveReason.Evicted));
        scene.None<SendRequest>();
        scene.Ack();

        Assert.Equal(SipMethod.Bye, scene.Only<SendRequest>().Request.Method);
        Assert.Equal(new Leave(Room, LeaveReason.Evicted), scene.Only<Leave>());
        scene.None<SetLegMedia>();
    }

    [Fact]
    public void Who_is_put_out_and_never_sends_its_ACK_hears_BYE_after_64_T1()
    {
        var scene = Answered();
        scene.Do(new ParticipantInput.EndRequested(Room, LeaveReason.Evicted));
        scene.Fire(ParticipantTimer.NoAck);
        Assert.Equal(new Leave(Room, LeaveReason.Evicted), scene.Only<Leave>());
    }

    [Fact]
    public void A_BYE_before_the_ACK_ends_the_call()
    {
        var scene = Answered();
        scene.Receive(Later("BYE", 2));

        Assert.Equal(200, scene.Response.StatusCode);
        Assert.Equal(new Leave(Room, LeaveReason.Bye), scene.Only<Leave>());
        Assert.Contains(new Cancel(ParticipantTimer.Repeat2xx), scene.Effects);
        scene.Fire(ParticipantTimer.Repeat2xx);
        scene.None<Respond>();
    }

    [Fact]
    public void A_2xx_that_cannot_be_sent_ends_the_call()
    {
        var scene = Answered();
        scene.Do(new ParticipantInput.TransactionFailed(TransactionKey.OfReceived(Request("INVITE")), TransactionFailure.Transport));
        Assert.Equal(new Leave(Room, LeaveReason.DialogFailed), scene.Only<Leave>());
    }

    [Theory]
    [InlineData("AES_CM_128_HMAC_SHA1_80", "1")]
    [InlineData("AES_CM_128_HMAC_SHA1_32", "2")]
    [Trait("RFC", "3261 §13.2.1")]
    public void An_INVITE_without_SDP_is_offered_a_key_per_suite_and_answers_in_its_ACK(string suite, string tag)
    {
        var scene = Offerless();
        using var offer = Description(scene.Response.Body);
        Assert.Equal(["AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32"], offer.Media[0].Crypto.Select(c => c.Suite));
        Assert.False(offer.Media[0].Crypto[0].Repeats(offer.Media[0].Crypto[1].Keys[0]));

        scene.Ack(sdp: Offer(suite: suite, tag: tag));
        using var media = scene.Only<SetLegMedia>().Media;
        Assert.Equal(SrtpProfile.Find(suite), media.Downlink.Profile);
        Assert.True(offer.Media[0].Crypto.Single(c => c.Suite == suite).Repeats(media.Downlink));
        Assert.IsType<ParticipantState.Confirmed>(scene.State);
    }

    [Theory]
    [InlineData("")]
    [InlineData("v=0\r\nhello\r\n")]
    public void An_ACK_without_a_valid_answer_ends_the_call(string sdp) => EndsWithBye(sdp);

    [Fact]
    public void An_ACK_whose_answer_repeats_our_key_or_brings_none_ends_the_call()
    {
        EndsWithBye(Offer(suite: ""));
        EndsWithBye(Offer(tag: "7"));
    }

    private static void EndsWithBye(string sdp)
    {
        var scene = Offerless();
        scene.Ack(sdp: sdp);
        Assert.Equal(SipMethod.Bye, scene.Only<SendRequest>().Request.Method);
        Assert.Equal(new Leave(Room, LeaveReason.DialogFailed), scene.Only<Leave>());
        Assert.Equal(new Count(ParticipantRefusal.BadAnswer), scene.Only<Count>());
        Assert.Empty(scene.All.OfType<SetLegMedia>());
    }

    private static ParticipantScene Offerless()
    {
        var scene = new ParticipantScene();
        scene.Receive(Request("INVITE"));
        scene.Accept();
        scene.Open();
        return scene;
    }
}
