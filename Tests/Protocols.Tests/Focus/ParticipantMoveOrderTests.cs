using ConfCluster.Protocols.Focus;
using Xunit;
using static ConfCluster.Protocols.Focus.ParticipantEffect;
using static ConfCluster.Protocols.Tests.Focus.KeyScene;
using static ConfCluster.Protocols.Tests.Focus.MoveScene;
using static ConfCluster.Protocols.Tests.Focus.ParticipantScene;

namespace ConfCluster.Protocols.Tests.Focus;

/// <summary>What comes before, beside or after a move: another mixer, an older life, the peer's own offers, a dialog that is not confirmed yet.</summary>
public sealed class ParticipantMoveOrderTests
{
    [Fact]
    public void A_second_mixer_that_is_lost_while_the_first_is_being_told_is_told_after_it()
    {
        var scene = Confirmed();
        Place(scene, Second);
        var first = Sent(scene);
        Move(scene, Third, mayOffer: false);
        Open(scene, Third);
        Assert.Equal(Third, scene.Only<SetLegMedia>().Mixer);
        scene.Only<SetLegMedia>().Media.Dispose();
        // What is said is what was offered; where the leg is has changed.
        scene.Reply(first, 200, Offer(1));
        scene.None<ReportMoved>();
        scene.None<SendRequest>();
        Move(scene, Third, mayOffer: true);
        using var offer = Description(Sent(scene).Body);
        Assert.Equal((PortOf(Third), 3), (offer.Media[0].Line.Port, (int)offer.Origin.Version));
        scene.Reply(Sent(scene), 200, Offer(1));
        Assert.Equal(Third, scene.Only<ReportMoved>().Mixer);
    }

    [Fact]
    public void An_older_mixer_and_an_older_life_of_the_conference_are_not_obeyed()
    {
        var scene = Confirmed();
        Move(scene, Third, mayOffer: false, incarnation: 5);
        Move(scene, Second, mayOffer: true, incarnation: 5);
        Assert.Empty(scene.Effects);
        Move(scene, Third with { Incarnation = 4 }, mayOffer: true, incarnation: 4);
        Assert.Empty(scene.Effects);
        Open(scene, Second);
        scene.None<SetLegMedia>();
        scene.Fire(ParticipantTimer.RepeatAsk);
        Assert.Equal(Third, scene.Only<OpenLeg>().Mixer);
    }

    /// <summary>RFC 3264 §8: a refresh of the peer, which says nothing new, is answered with where the leg is now.</summary>
    [Theory]
    [InlineData("INVITE")]
    [InlineData("UPDATE")]
    [Trait("RFC", "3264 §8")]
    public void What_the_peer_asks_first_is_answered_with_the_new_place(string method)
    {
        var scene = Confirmed();
        Move(scene, Second, mayOffer: false);
        Open(scene, Second);
        scene.Only<SetLegMedia>().Media.Dispose();
        scene.Receive(Later(method, 2, Offer(1)));
        using var answer = Description(scene.Response.Body);
        Assert.Equal((PortOf(Second), 2), (answer.Media[0].Line.Port, (int)answer.Origin.Version));
        if (method == "INVITE")
        {
            scene.None<ReportMoved>();
            scene.Ack(2);
        }

        scene.Only<ReportMoved>();
    }

    [Fact]
    public void A_leg_that_is_not_acknowledged_yet_gets_its_key_at_the_new_mixer_with_the_ACK()
    {
        var scene = Answered();
        Move(scene, Second, mayOffer: true);
        Open(scene, Second);
        using (var reception = scene.Only<SetLegMedia>().Media) Assert.False(reception.IsConfirmed);
        scene.Ack();
        var set = scene.Only<SetLegMedia>();
        using var media = set.Media;
        Assert.True(media.IsConfirmed);
        Assert.Equal(Second, set.Mixer);
        using var offer = Description(Sent(scene).Body);
        Assert.Equal(PortOf(Second), offer.Media[0].Line.Port);
    }

    [Fact]
    public void A_leg_that_has_no_ports_yet_gets_them_at_the_new_mixer_and_its_first_answer_names_them()
    {
        var scene = Opening();
        Move(scene, Second, mayOffer: false);
        Assert.Equal(Second, scene.Only<OpenLeg>().Mixer);
        scene.Open();
        scene.None<Respond>();
        Open(scene, Second);
        using var answer = Description(scene.Response.Body);
        Assert.Equal(PortOf(Second), answer.Media[0].Line.Port);
        scene.Ack();
        Move(scene, Second, mayOffer: true);
        scene.Only<ReportMoved>();
        scene.None<SendRequest>();
    }

    [Fact]
    public void Who_is_gone_says_so()
    {
        var scene = new ParticipantScene();
        Move(scene, Second, mayOffer: false);
        Assert.Equal(Room, scene.Only<Leave>().Conference);
    }
}
