using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Sessions;
using Xunit;
using static ConfCluster.Protocols.Focus.ParticipantEffect;
using static ConfCluster.Protocols.Tests.Focus.KeyScene;
using static ConfCluster.Protocols.Tests.Focus.ParticipantScene;

namespace ConfCluster.Protocols.Tests.Focus;

/// <summary>New group keys in a dialog that is on: the offer, its outcomes, and what it waits for.</summary>
public sealed class KeyOfferTests
{
    private static readonly SessionTimerPolicy Timer = new(TimeSpan.FromMinutes(30), SessionExpires.DefaultMinimum);

    [Theory]
    [InlineData(TakesUpdate, "UPDATE")]
    [InlineData("", "INVITE")]
    public void A_new_key_goes_out_beside_the_one_in_use_and_the_legs_own(string extra, string method)
    {
        var scene = Grouped(extra);
        scene.OfferKey(2, 1);
        var request = Sent(scene);
        Assert.Equal(method, request.Method.Name);
        Assert.Equal([1u, 2u, 1u << 31 | 1], MkisIn(request.Body));

        scene.Reply(request, 200, Offer(1, mki: "|1:4"));
        Assert.Equal(new ReportKey(Room, LegKeyAnswer.Took, new KeyEpoch(2), TimeSpan.Zero), scene.Only<ReportKey>());
        Assert.Equal(method == "INVITE" ? 1 : 0, scene.Effects.OfType<SendAck>().Count());
        scene.None<SetLegMedia>();

        scene.OfferKey(3, 2);
        Assert.Equal([2u, 3u, 1u << 31 | 1], MkisIn(Sent(scene).Body));
    }

    [Fact]
    public void The_key_it_took_last_stays_in_the_SDP_since_it_may_be_moved_there_meanwhile()
    {
        var scene = Grouped();
        Take(scene, 2, inUse: 1);
        scene.OfferKey(3, inUse: 1);
        Assert.Equal([1u, 2u, 3u, 1u << 31 | 1], MkisIn(Sent(scene).Body));
        scene.Reply(Sent(scene), 200, Offer(1, mki: "|1:4"));
        scene.OfferKey(4, inUse: null);
        Assert.Equal([3u, 4u, 1u << 31 | 1], MkisIn(Sent(scene).Body));
    }

    [Fact]
    public void Only_the_keys_differ_from_our_last_word()
    {
        var scene = Grouped();
        scene.OfferKey(2, 1);
        var first = Sent(scene);
        scene.Reply(first, 200, Offer(1, mki: "|1:4"));
        scene.OfferKey(3, 2);
        using var before = Description(first.Body);
        using var after = Description(Sent(scene).Body);
        Assert.Equal(before.Origin.Next, after.Origin);
        Assert.Equal((before.Media[0].Line, before.Media[0].Direction), (after.Media[0].Line, after.Media[0].Direction));
        Assert.Equal("0", Assert.Single(after.Media[0].Line.Formats));
    }

    [Fact]
    public void The_peers_own_new_key_goes_to_the_mixer()
    {
        var scene = Grouped();
        scene.OfferKey(2, 1);
        scene.Reply(Sent(scene), 200, Offer(2, key: 9, mki: "|2:4"));
        using var media = scene.Only<SetLegMedia>().Media;
        Assert.Equal(Key(9), Convert.ToBase64String(UplinkOf(media)));
        Assert.Equal(LegKeyAnswer.Took, scene.Only<ReportKey>().Answer);
    }

    [Theory]
    [InlineData(488)]
    [InlineData(504)]
    [InlineData(606)]
    [InlineData(500)]
    public void A_refused_key_leaves_everything_as_it_was(int status)
    {
        var scene = Grouped();
        var key = scene.OfferKey(2, 1);
        scene.Reply(Sent(scene), status);
        Assert.Equal(new ReportKey(Room, LegKeyAnswer.Refused, new KeyEpoch(2), TimeSpan.Zero), scene.Only<ReportKey>());
        Assert.IsType<ParticipantState.Confirmed>(scene.State);
        Assert.Throws<ObjectDisposedException>(() => key.Keys[0].KeyAndSalt.Reveal().Length);

        scene.Receive(Later("INVITE", 2, Offer(2, key: 3, mki: "|1:4")));
        Assert.Equal([1u, 1u << 31 | 1], MkisIn(scene.Response.Body));
    }

    [Theory]
    [InlineData(491)]
    [InlineData(500)]
    [InlineData(503)]
    [Trait("RFC", "3261 §14.1")]
    public void Glare_and_a_peer_that_asks_for_time_are_reported_with_the_wait(int status)
    {
        var scene = Grouped(timer: Timer);
        scene.OfferKey(2, 1);
        scene.Reply(Sent(scene), status, "", ("Retry-After", "3"));
        var report = scene.Only<ReportKey>();
        Assert.Equal((LegKeyAnswer.NotNow, new KeyEpoch(2)), (report.Answer, report.Epoch));
        if (status == 491) Assert.InRange(report.Wait, TimeSpan.Zero, TimeSpan.FromSeconds(2));
        else Assert.Equal(TimeSpan.FromSeconds(3), report.Wait);
        Assert.DoesNotContain(scene.Effects, e => e is Start { Timer: ParticipantTimer.Retry });
        Assert.DoesNotContain(scene.All, e => e is Cancel { Timer: ParticipantTimer.Refresh });
        scene.OfferKey(2, 1);
        Assert.Equal([1u, 2u, 1u << 31 | 1], MkisIn(Sent(scene).Body));
    }

    [Theory]
    [InlineData(408)]
    [InlineData(481)]
    public void A_peer_that_is_gone_leaves(int status)
    {
        var scene = Grouped();
        scene.OfferKey(2, 1);
        scene.Reply(Sent(scene), status);
        Assert.Equal(LeaveReason.Unreachable, scene.Only<Leave>().Reason);
        scene.None<ReportKey>();
    }

    [Fact]
    public void A_peer_that_lied_about_UPDATE_gets_the_same_offer_in_a_re_INVITE()
    {
        var scene = Grouped();
        scene.OfferKey(2, 1);
        var update = Sent(scene).Body.Span.ToArray();
        scene.Reply(Sent(scene), 405);
        Assert.Equal(SipMethod.Invite, Sent(scene).Method);
        Assert.Equal(update, Sent(scene).Body.Span.ToArray());
    }

    [Fact]
    public void A_key_waits_for_the_ACK_and_the_newest_is_the_one_that_goes_out()
    {
        var scene = Grouped();
        scene.Receive(Later("INVITE", 2, Offer(2, key: 3, mki: "|1:4")));
        var old = scene.OfferKey(2, 1);
        scene.None<SendRequest>();
        scene.OfferKey(3, 1);
        Assert.Throws<ObjectDisposedException>(() => old.Keys[0].KeyAndSalt.Reveal().Length);
        scene.Ack(2);
        Assert.Equal([1u, 3u, 1u << 31 | 1], MkisIn(Sent(scene).Body));
    }

    [Fact]
    public void A_key_waits_for_the_answer_to_a_refresh_and_a_refresh_for_that_to_a_key()
    {
        var scene = Grouped(timer: Timer);
        scene.Fire(ParticipantTimer.Refresh);
        var refresh = Sent(scene);
        Assert.True(refresh.Body.IsEmpty);
        scene.OfferKey(2, 1);
        scene.None<SendRequest>();
        scene.Reply(refresh, 200);
        Assert.Equal([1u, 2u, 1u << 31 | 1], MkisIn(Sent(scene).Body));

        var offer = Sent(scene);
        scene.Fire(ParticipantTimer.Refresh);
        scene.None<SendRequest>();
        Assert.Equal(ParticipantTimer.Refresh, scene.Only<Start>().Timer);
        scene.Reply(offer, 488);
        scene.Fire(ParticipantTimer.Refresh);
        Assert.True(Sent(scene).Body.IsEmpty);
    }

    [Fact]
    public void A_refresh_that_met_glare_makes_a_waiting_key_wait_as_long()
    {
        var scene = Grouped(timer: Timer);
        scene.Fire(ParticipantTimer.Refresh);
        var refresh = Sent(scene);
        scene.OfferKey(2, 1);
        scene.Reply(refresh, 491);
        scene.None<SendRequest>();
        Assert.Equal((LegKeyAnswer.NotNow, scene.Only<Start>().After), (scene.Only<ReportKey>().Answer, scene.Only<ReportKey>().Wait));
    }

    [Fact]
    [Trait("RFC", "3311 §5.2")]
    public void An_offer_of_the_peer_that_meets_ours_gets_491()
    {
        var scene = Grouped();
        scene.OfferKey(2, 1);
        scene.Receive(Later("UPDATE", 2, Offer(2, mki: "|1:4")));
        Assert.Equal(491, scene.Response.StatusCode);
        scene.None<ReportKey>();
    }
}
