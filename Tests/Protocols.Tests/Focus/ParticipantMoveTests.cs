using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.Keys;
using Xunit;
using static ConfCluster.Protocols.Focus.ParticipantEffect;
using static ConfCluster.Protocols.Tests.Focus.KeyScene;
using static ConfCluster.Protocols.Tests.Focus.MoveScene;
using static ConfCluster.Protocols.Tests.Focus.ParticipantScene;

namespace ConfCluster.Protocols.Tests.Focus;

/// <summary>A leg whose mixer was lost: ports and media at the new one, one offer, and what may come between.</summary>
public sealed class ParticipantMoveTests
{
    [Fact]
    [Trait("RFC", "3264 §8.3.1")]
    public void The_leg_has_ports_and_media_at_the_new_mixer_at_once_and_the_peer_hears_of_it_in_its_turn()
    {
        var scene = Confirmed();
        using var before = scene.Only<SetLegMedia>().Media;
        Move(scene, Second, mayOffer: false);
        Assert.Equal(Second, scene.Only<OpenLeg>().Mixer);
        Assert.Single(scene.Only<OpenLeg>().Uplink);
        Open(scene, Second);
        var set = scene.Only<SetLegMedia>();
        using var media = set.Media;
        Assert.Equal(Second, set.Mixer);
        Assert.True(media.Downlink.KeyAndSalt.FixedTimeEquals(before.Downlink.KeyAndSalt));
        Assert.Equal(before.Remote, media.Remote);
        scene.None<SendRequest>();

        Move(scene, Second, mayOffer: true);
        using var offer = Description(Sent(scene).Body);
        Assert.Equal((PortOf(Second), 2), (offer.Media[0].Line.Port, (int)offer.Origin.Version));
        Assert.True(offer.Media[0].Crypto[0].Keys[0].KeyAndSalt.FixedTimeEquals(before.Downlink.KeyAndSalt));
        scene.Reply(Sent(scene), 200, Offer(1));
        Assert.Equal(new ReportMoved(Room, Second), scene.Only<ReportMoved>());
        scene.None<SetLegMedia>();

        Move(scene, Second, mayOffer: true);
        scene.Only<ReportMoved>();
        scene.None<SendRequest>();
    }

    /// <summary>The mixer before works, so nothing is sent twice: it goes on until the peer knows of the new one, which already takes packets.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void In_a_gentle_move_the_new_mixer_hears_at_once_and_speaks_when_the_peer_knows(bool withKey)
    {
        var scene = withKey ? Grouped() : Confirmed();
        scene.Do(new ParticipantInput.MoveRequested(Room, Second, new Incarnation(1), MayOffer: false) { IsGentle = true });
        if (withKey) scene.OfferKey(2, 1);
        Open(scene, Second);
        using (var before = scene.Only<SetLegMedia>().Media) Assert.False(before.IsConfirmed);
        if (!withKey) scene.Do(new ParticipantInput.MoveRequested(Room, Second, new Incarnation(1), MayOffer: true) { IsGentle = true });
        scene.Reply(Sent(scene), 200, Offer(1, mki: withKey ? "|1:4" : ""));
        var set = scene.Effects.OfType<SetLegMedia>().Last();
        using var media = set.Media;
        Assert.Equal((Second, true), (set.Mixer, media.IsConfirmed));
        Assert.Equal(new ReportMoved(Room, Second), scene.Only<ReportMoved>());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void When_the_mixer_before_does_not_go_on_after_all_the_new_one_speaks_at_once(bool opened)
    {
        var scene = Confirmed();
        scene.Do(new ParticipantInput.MoveRequested(Room, Second, new Incarnation(1), MayOffer: false) { IsGentle = true });
        if (opened)
        {
            Open(scene, Second);
            scene.Only<SetLegMedia>().Media.Dispose();
        }

        Move(scene, Second, mayOffer: false);
        if (!opened) Open(scene, Second);
        using (var media = scene.Only<SetLegMedia>().Media) Assert.True(media.IsConfirmed);
        scene.None<SendRequest>();
        // Told once more, in whatever words, nothing changes.
        scene.Do(new ParticipantInput.MoveRequested(Room, Second, new Incarnation(1), MayOffer: false) { IsGentle = true });
        scene.None<SetLegMedia>();
        Move(scene, Second, mayOffer: true);
        scene.None<SetLegMedia>();
        scene.Reply(Sent(scene), 200, Offer(1));
        scene.Only<ReportMoved>();
    }

    [Theory]
    [InlineData(true, "UPDATE")]
    [InlineData(false, "INVITE")]
    public void A_group_key_and_the_new_place_go_in_one_offer(bool takesUpdate, string method)
    {
        var scene = Grouped(takesUpdate ? TakesUpdate : "");
        Move(scene, Second, mayOffer: false);
        scene.OfferKey(2, 1);
        scene.None<SendRequest>();
        Open(scene, Second);
        using var media = scene.Only<SetLegMedia>().Media;
        var request = Sent(scene);
        Assert.Equal(method, request.Method.Name);
        using var offer = Description(request.Body);
        Assert.Equal(PortOf(Second), offer.Media[0].Line.Port);
        Assert.Equal([1u, 2u, 1u << 31 | 1], MkisIn(request.Body));
        scene.Reply(request, 200, Offer(1, mki: "|1:4"));
        Assert.Equal(LegKeyAnswer.Took, scene.Only<ReportKey>().Answer);
        Assert.Equal(Second, scene.Only<ReportMoved>().Mixer);
        Assert.Null(Assert.IsType<ParticipantState.Confirmed>(scene.State).Participation.Relocation);
    }

    [Fact]
    [Trait("RFC", "3261 §14.1")]
    public void After_glare_the_place_is_told_again()
    {
        var scene = Confirmed();
        Place(scene, Second);
        scene.Reply(Sent(scene), 491);
        var wait = Assert.Single(scene.Effects.OfType<Start>(), s => s.Timer == ParticipantTimer.Retry).After;
        Assert.InRange(wait, TimeSpan.Zero, TimeSpan.FromSeconds(2));
        // Told again by the conference meanwhile, it still waits.
        Move(scene, Second, mayOffer: true);
        scene.None<SendRequest>();
        scene.Fire(ParticipantTimer.Retry);
        scene.Reply(Sent(scene), 200, Offer(1));
        scene.Only<ReportMoved>();
    }

    [Fact]
    public void After_glare_on_a_key_and_the_place_the_key_comes_again_and_takes_the_place_along()
    {
        var scene = Grouped();
        Move(scene, Second, mayOffer: false);
        scene.OfferKey(2, 1);
        Open(scene, Second);
        scene.Reply(Sent(scene), 491);
        var report = scene.Only<ReportKey>();
        Assert.Equal(LegKeyAnswer.NotNow, report.Answer);
        Assert.Equal(report.Wait + TimeSpan.FromMilliseconds(500), Assert.Single(scene.Effects.OfType<Start>(), s => s.Timer == ParticipantTimer.Retry).After);
        scene.OfferKey(2, 1);
        using var offer = Description(Sent(scene).Body);
        Assert.Equal(PortOf(Second), offer.Media[0].Line.Port);
        scene.Fire(ParticipantTimer.Retry);
        scene.None<SendRequest>();
    }

    [Fact]
    public void Who_refuses_the_place_is_hung_up_on_and_who_refuses_it_with_a_key_is_asked_without()
    {
        var scene = Confirmed();
        Place(scene, Second);
        scene.Reply(Sent(scene), 488);
        Ends(scene, Second);

        scene = Grouped();
        Move(scene, Second, mayOffer: false);
        scene.OfferKey(2, 1);
        Open(scene, Second);
        scene.Reply(Sent(scene), 488);
        Assert.Equal(LegKeyAnswer.Refused, scene.Only<ReportKey>().Answer);
        Assert.Equal([1u, 1u << 31 | 1], MkisIn(Sent(scene).Body));
        using var offer = Description(Sent(scene).Body);
        Assert.Equal(PortOf(Second), offer.Media[0].Line.Port);
        scene.Reply(Sent(scene), 488);
        Ends(scene, Second);
    }

    [Fact]
    public void Who_does_not_answer_is_gone_and_without_room_anywhere_the_call_ends()
    {
        var scene = Confirmed();
        Place(scene, Second);
        scene.Fire(ParticipantTimer.RequestUnanswered);
        Assert.Equal(LeaveReason.Unreachable, scene.Only<Leave>().Reason);

        scene = Confirmed();
        Move(scene, Second, mayOffer: true);
        scene.Do(new ParticipantInput.LegRefused(Mixer, Rejection.NoMediaCapacity));
        Assert.IsType<ParticipantState.Confirmed>(scene.State);
        scene.Do(new ParticipantInput.LegRefused(Second, Rejection.NoMediaCapacity));
        scene.Do(new ParticipantInput.JoinRefused(Room, Rejection.NoMediaCapacity));
        Ends(scene, Second);
    }

    [Fact]
    [Trait("RFC", "3264 §8.4")]
    public void A_leg_on_hold_moves_and_stays_on_hold()
    {
        var scene = Confirmed();
        scene.Receive(Later("INVITE", 2, Offer(2, direction: "inactive")));
        scene.Ack(2);
        Place(scene, Second);
        using var offer = Description(Sent(scene).Body);
        Assert.Equal((Protocols.Sdp.SdpDirection.Inactive, PortOf(Second)), (offer.Media[0].Direction, offer.Media[0].Line.Port));
    }
}
