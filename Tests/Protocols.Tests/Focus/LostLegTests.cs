using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.Keys;
using Xunit;
using static ConfCluster.Protocols.Focus.ParticipantEffect;
using static ConfCluster.Protocols.Tests.Focus.KeyScene;
using static ConfCluster.Protocols.Tests.Focus.ParticipantScene;
using static ConfCluster.Protocols.Tests.Focus.RecoveryScene;

namespace ConfCluster.Protocols.Tests.Focus;

/// <summary>A participant whose node died, and of whose leg its mixer has nothing: new keys, in their turn.</summary>
public sealed class LostLegTests
{
    [Fact]
    [Trait("RFC", "4568 §7.1.4")]
    public void When_the_mixer_has_nothing_new_keys_are_offered_and_the_leg_can_be_in_the_group_again()
    {
        var (scene, record) = Recovering();
        Move(scene, Second, mayOffer: true);
        Find(scene, null, Second);
        Assert.Equal(Second, scene.Only<OpenLeg>().Mixer);
        scene.Do(new ParticipantInput.LegOpened(Second, Ports.WithPort(41000), Ports.WithPort(41001)));
        scene.None<SetLegMedia>();
        var request = Sent(scene);
        Assert.Equal("INVITE", request.Method.Name);
        using var offer = Description(request.Body);
        using var before = Description(record.Local.Body);
        Assert.Equal(before.Media[0].Line with { Port = 41000 }, offer.Media[0].Line);
        Assert.All(offer.Media[0].Crypto, c => Assert.False(c.Keys[0].KeyAndSalt.FixedTimeEquals(record.Media.Downlink.KeyAndSalt)));
        Assert.All(offer.Media[0].Crypto, c => Assert.True(c.Keys[0].Mki.IsPresent));
        scene.Reply(request, 200, Offer(2, key: 8, mki: "|1:4"), ("Allow", "INVITE, UPDATE"));
        using var media = scene.Only<SetLegMedia>().Media;
        Assert.Equal((Key(8), Second), (Convert.ToBase64String(UplinkOf(media)), scene.Only<SetLegMedia>().Mixer));
        Assert.Equal(new ReportMoved(Room, Second), scene.Only<ReportMoved>());
        Assert.Equal(Second, scene.Only<KeepLeg>().Record.Place.Mixer);
        scene.OfferKey(2, null);
        Assert.Equal(2u, MkisIn(Sent(scene).Body)[0]);
    }

    [Fact]
    public void New_keys_wait_for_their_turn_or_for_a_group_key_and_are_told_again_after_glare()
    {
        var (scene, _) = Recovering();
        Lose(scene);
        scene.None<SendRequest>();
        Move(scene, Second, mayOffer: true);
        scene.Reply(Sent(scene), 491);
        scene.None<SendRequest>();
        scene.Fire(ParticipantTimer.Retry);
        scene.Reply(Sent(scene), 200, Offer(2, mki: "|1:4"));
        scene.Only<SetLegMedia>();

        (scene, _) = Recovering();
        Lose(scene);
        scene.OfferKey(2, 0);
        Assert.All(MkisIn(Sent(scene).Body), mki => Assert.True(mki >> 31 == 1));
        scene.Reply(Sent(scene), 200, Offer(2, mki: "|1:4"));
        Assert.Equal(2u, MkisIn(Sent(scene).Body)[0]);
    }

    [Fact]
    public void A_re_INVITE_of_a_peer_whose_keys_are_lost_is_answered_with_a_new_key()
    {
        var (scene, _) = Recovering();
        Lose(scene);
        scene.Receive(Later("INVITE", 2, Offer(2, mki: "|1:4")));
        Assert.Equal(200, scene.Response.StatusCode);
        scene.Ack(2);
        Assert.Contains(scene.Effects.OfType<SetLegMedia>(), s => s.Mixer == Second);
        scene.Only<ReportMoved>();
    }

    [Fact]
    public void Who_gets_no_answer_asks_again_and_at_last_lets_the_peer_know()
    {
        var (scene, record) = Recovering();
        scene.Receive(Later("INVITE", 2, Offer(2, mki: "|1:4")));
        var key = scene.OfferKey(2, 0);
        for (var i = 1; i < 8; i++)
        {
            scene.Fire(ParticipantTimer.RepeatAsk);
            scene.Only<AskPlace>();
        }

        scene.Fire(ParticipantTimer.RepeatAsk);
        scene.None<AskPlace>();
        Assert.Equal(488, scene.Response.StatusCode);
        Assert.Equal(LegKeyAnswer.Refused, scene.Only<ReportKey>().Answer);
        Assert.Contains(scene.Effects.OfType<Destroy>(), d => ReferenceEquals(d.Secrets, key));

        // It goes on when somebody speaks to it.
        Move(scene, Mixer);
        Find(scene, record.Copy());
        Assert.IsType<ParticipantState.Confirmed>(scene.State);
    }
}
