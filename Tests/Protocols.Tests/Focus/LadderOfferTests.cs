using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Srtp;
using Xunit;
using static ConfCluster.Protocols.Focus.ParticipantEffect;
using static ConfCluster.Protocols.Tests.Focus.KeyScene;
using static ConfCluster.Protocols.Tests.Focus.ParticipantScene;

namespace ConfCluster.Protocols.Tests.Focus;

/// <summary>Keys of epochs to come in the SDP of a leg, and offers that only take keys away.</summary>
public sealed class LadderOfferTests
{
    private const uint Own = 1u << 31 | 1;

    [Fact]
    public void The_answer_tells_the_key_with_its_rungs_and_is_confirmed_as_the_key()
    {
        var scene = WithLadder();
        Assert.Equal(new ReportKey(Room, LegKeyAnswer.Ready, new KeyEpoch(1), TimeSpan.Zero), scene.All.OfType<ReportKey>().Single());
        Assert.Equal([1u, 2, 3, 4, Own], MkisIn(Ours(scene)));
    }

    [Fact]
    public void A_rung_in_use_stays_in_the_list_and_the_others_go_with_the_next_key()
    {
        var scene = WithLadder();
        scene.OfferKey(9, 3, 3, 10, 11);
        Assert.Equal([3u, 9, 10, 11, Own], MkisIn(Sent(scene).Body));
        scene.Reply(Sent(scene), 200, Offer(1, mki: "|1:4"));
        Assert.Equal(new ReportKey(Room, LegKeyAnswer.Took, new KeyEpoch(9), TimeSpan.Zero), scene.Only<ReportKey>());
        scene.OfferKey(12, 10, 11);
        Assert.Equal([10u, 11, 12, Own], MkisIn(Sent(scene).Body));
    }

    [Fact]
    public void A_refused_offer_leaves_all_that_was_told_before()
    {
        var scene = WithLadder();
        scene.OfferKey(9, 3, 3, 10, 11);
        scene.Reply(Sent(scene), 488);
        scene.Receive(Later("INVITE", 2, Offer(2, mki: "|1:4")));
        Assert.Equal([1u, 2, 3, 4, Own], MkisIn(scene.Response.Body));
    }

    [Fact]
    public void An_offer_with_nothing_new_takes_the_old_keys_away()
    {
        var scene = Grouped();
        Take(scene, 2, inUse: 1);
        scene.OfferKey(2, 2, 2);
        Assert.Equal([2u, Own], MkisIn(Sent(scene).Body));
        scene.Reply(Sent(scene), 200, Offer(1, mki: "|1:4"));
        Assert.Equal(new ReportKey(Room, LegKeyAnswer.Took, new KeyEpoch(2), TimeSpan.Zero), scene.Only<ReportKey>());
    }

    [Fact]
    public void After_the_loss_of_the_focus_everything_stays_that_may_be_in_use()
    {
        var scene = WithLadder();
        scene.OfferKey(9, 0, null);
        Assert.Equal([1u, 2, 3, 4, 9, Own], MkisIn(Sent(scene).Body));
    }

    [Fact]
    public void All_keys_that_were_told_are_zeroed_at_the_end()
    {
        var scene = WithLadder();
        var key = scene.OfferKey(9, 3, 3, 10, 11);
        scene.Reply(Sent(scene), 200, Offer(1, mki: "|1:4"));
        scene.Receive(Later("BYE", 2));
        Assert.All([key, .. key.Rungs], k => Assert.All(k.Keys, m => Assert.Throws<ObjectDisposedException>(() => m.KeyAndSalt.Reveal().Length)));
    }

    [Fact]
    public void A_key_told_in_advance_is_nobodys_own()
    {
        var scene = WithLadder();
        using var rung = Group(3);
        var suite = SrtpProfile.AesCm128HmacSha1Tag80;
        var repeated = Offer(2, mki: "|1:4").Replace(Key(1), Convert.ToBase64String(rung.For(suite)!.KeyAndSalt.Reveal()), StringComparison.Ordinal);
        scene.Receive(Later("INVITE", 2, repeated));
        Assert.Equal(488, scene.Response.StatusCode);
    }

    private static SipBody Ours(ParticipantScene scene) => scene.All.OfType<Respond>().Select(r => r.Response).Last(r => r.StatusCode == 200).Body;

    private static ParticipantScene WithLadder()
    {
        var scene = new ParticipantScene();
        scene.Receive(Request("INVITE", sdp: Offer(mki: "|1:4"), extra: TakesUpdate));
        scene.Accept(Ladder(1, 2, 3, 4));
        scene.Open();
        scene.Ack();
        return scene;
    }
}
