using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.Rtp;
using Xunit;
using static ConfCluster.Protocols.Focus.ParticipantEffect;
using static ConfCluster.Protocols.Tests.Focus.ParticipantScene;

namespace ConfCluster.Protocols.Tests.Focus;

/// <summary>A mixer has no room for the leg: the conference names another, and only when none has any the call is refused or ends.</summary>
public sealed class RoomSearchTests
{
    private static readonly MixerId Second = new(Room, 1, 4);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_caller_with_an_offer_or_without_is_let_in_at_a_mixer_with_room(bool offerless)
    {
        var scene = new ParticipantScene();
        scene.Receive(Request("INVITE", sdp: offerless ? "" : Offer()));
        scene.Do(new ParticipantInput.JoinAccepted(Room, Second, new Ssrc(7)));
        Refuse(scene, Second);
        AsksElsewhere(scene, Second);
        scene.None<Respond>();
        scene.None<Leave>();

        // An older one, too, when the conference says that it is the place now.
        Move(scene, Mixer, seating: 1);
        Assert.Equal(Mixer, scene.Only<OpenLeg>().Mixer);
        scene.Do(new ParticipantInput.LegOpened(Second, Ports.WithPort(41000), Ports.WithPort(41001)));
        scene.None<Respond>();
        scene.Open();
        Assert.Equal(200, scene.Response.StatusCode);
        using var answer = Description(scene.Response.Body);
        Assert.Equal(40000, answer.Media[0].Line.Port);
        scene.Ack(sdp: offerless ? Offer() : "");
        var state = Assert.IsType<ParticipantState.Confirmed>(scene.State);
        Assert.Equal(new RoomSearch(1, 0, false), state.Participation.Search);

        // What was said of the other place before is old.
        Move(scene, Second, seating: 0);
        scene.None<OpenLeg>();
        Move(scene, Mixer, seating: 1, mayOffer: true);
        Assert.Equal(Mixer, scene.Only<ReportMoved>().Mixer);
    }

    [Fact]
    public void Whoever_waits_for_another_mixer_asks_again_and_takes_no_second_refusal_for_a_new_one()
    {
        var scene = Opening();
        Refuse(scene, Mixer);
        Refuse(scene, Mixer);
        Assert.Empty(scene.Effects);
        scene.Open();
        scene.None<Respond>();
        scene.Fire(ParticipantTimer.RepeatAsk);
        AsksElsewhere(scene, Mixer);
        // Told once more where it is, it knows no more than before.
        Move(scene, Mixer, seating: 0);
        Assert.Empty(scene.Effects);
    }

    [Fact]
    public void After_four_mixers_without_room_the_caller_is_refused()
    {
        var scene = Opening();
        for (var i = 1; i < RoomSearch.MaxMixers; i++)
        {
            Refuse(scene, Mixer with { Incarnation = i });
            AsksElsewhere(scene, Mixer with { Incarnation = i });
            Move(scene, Mixer with { Incarnation = i + 1 }, seating: i);
        }

        Refuse(scene, Mixer with { Incarnation = RoomSearch.MaxMixers });
        Assert.Equal(503, scene.Response.StatusCode);
        Assert.Equal(new Leave(Room, LeaveReason.MediaFailed), scene.Only<Leave>());
    }

    [Fact]
    public void When_nobody_has_room_the_caller_is_refused_and_leaves_the_conference()
    {
        var scene = Opening();
        Refuse(scene, Mixer);
        scene.Do(new ParticipantInput.JoinRefused(Room, Rejection.NoMediaCapacity));
        Assert.Equal((503, "No Media Capacity"), (scene.Response.StatusCode, scene.Response.Reason));
        Assert.Equal(new Leave(Room, LeaveReason.MediaFailed), scene.Only<Leave>());
    }

    [Fact]
    public void A_key_of_somebody_else_is_refused_by_every_mixer_and_another_is_not_asked_for()
    {
        var scene = Opening();
        scene.Do(new ParticipantInput.LegRefused(Mixer, Rejection.KeyingRefused));
        Assert.Equal(488, scene.Response.StatusCode);
    }

    /// <summary>Whatever the dialog is doing: it goes on while another place is looked for.</summary>
    [Theory]
    [InlineData("confirmed")]
    [InlineData("answered")]
    [InlineData("early")]
    [InlineData("asking")]
    public void A_leg_that_has_to_move_goes_on_to_a_mixer_with_room(string dialog)
    {
        var scene = dialog switch
        {
            "answered" => Answered(),
            "early" => Early(),
            "asking" => Grouped(),
            _ => Confirmed(),
        };
        if (dialog == "asking") scene.OfferKey(2, 1);
        var full = Mixer with { Incarnation = 5 };
        Move(scene, full, seating: 0);
        Refuse(scene, full);
        AsksElsewhere(scene, full);
        scene.None<Leave>();
        Refuse(scene, full);
        Assert.Empty(scene.Effects);
        scene.Fire(ParticipantTimer.RepeatAsk);
        AsksElsewhere(scene, full);
        scene.Do(new ParticipantInput.LegOpened(full, Ports.WithPort(45000), Ports.WithPort(45001)));
        scene.None<SetLegMedia>();
        Move(scene, Second, seating: 1);
        Assert.Equal(Second, scene.Only<OpenLeg>().Mixer);
        scene.Do(new ParticipantInput.LegOpened(Second, Ports.WithPort(44000), Ports.WithPort(44001)));
        foreach (var set in scene.Effects.OfType<SetLegMedia>()) set.Media.Dispose();
        Assert.Equal(dialog != "early", scene.Effects.OfType<SetLegMedia>().Any());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_leg_that_has_to_move_ends_when_nobody_has_room(bool isSaid)
    {
        var scene = Confirmed();
        for (var i = 1; i < RoomSearch.MaxMixers; i++)
        {
            Move(scene, Mixer with { Incarnation = i + 1 }, seating: i - 1);
            Refuse(scene, Mixer with { Incarnation = i + 1 });
            scene.None<Leave>();
        }

        if (isSaid)
        {
            scene.Do(new ParticipantInput.JoinRefused(Room, Rejection.NoMediaCapacity));
        }
        else
        {
            Move(scene, Second with { Incarnation = 9 }, seating: 3);
            Refuse(scene, Second with { Incarnation = 9 });
        }

        Assert.Equal(new Leave(Room, LeaveReason.MediaFailed), scene.Only<Leave>());
        Assert.Equal("BYE", scene.Only<SendRequest>().Request.Method.Name);
    }

    [Fact]
    public void A_leg_without_its_keys_gets_ports_where_there_is_room_and_offers_new_ones_from_there()
    {
        var (scene, _) = RecoveryScene.Recovering();
        var full = Mixer with { Incarnation = 2 };
        Move(scene, full, seating: 0);
        scene.Do(new ParticipantInput.LegFound(full, null));
        Refuse(scene, full);
        AsksElsewhere(scene, full);
        Refuse(scene, full);
        Assert.Empty(scene.Effects);
        scene.Fire(ParticipantTimer.RepeatAsk);
        Assert.Equal(full, scene.Only<AskPlace>().Full);
        Move(scene, Second, seating: 1, mayOffer: true);
        Assert.Equal(Second, scene.Only<AskLeg>().Mixer);
        scene.Do(new ParticipantInput.LegFound(Second, null));
        Assert.Equal(Second, scene.Only<OpenLeg>().Mixer);
        scene.Do(new ParticipantInput.LegOpened(Second, Ports.WithPort(44000), Ports.WithPort(44001)));
        using var offer = Description(scene.Only<SendRequest>().Request.Body);
        Assert.Equal(44000, offer.Media[0].Line.Port);

        (scene, _) = RecoveryScene.Recovering();
        Move(scene, full, seating: 0);
        scene.Do(new ParticipantInput.LegFound(full, null));
        Refuse(scene, full);
        scene.Do(new ParticipantInput.JoinRefused(Room, Rejection.NoMediaCapacity));
        Assert.Equal("BYE", scene.Only<SendRequest>().Request.Method.Name);
    }

    [Fact]
    public void Who_is_called_is_rung_from_a_mixer_with_room()
    {
        var scene = new DialScene();
        scene.Dial();
        scene.Do(new ParticipantInput.DialGranted(Room, Second));
        scene.Do(new ParticipantInput.LegRefused(Second, Rejection.NoMediaCapacity));
        Assert.Equal(new AskPlace(Room) { Full = Second }, Assert.Single(scene.Effects.OfType<AskPlace>()));
        Assert.DoesNotContain(scene.All, e => e is ReportDial);
        scene.Fire(ParticipantTimer.RepeatAsk);
        Assert.Single(scene.Effects.OfType<AskPlace>());
        scene.Do(new ParticipantInput.DialGranted(Room, Second));
        Assert.Empty(scene.Effects);
        scene.Grant();
        Assert.Equal(DialScene.Mixer, Assert.Single(scene.Effects.OfType<OpenLeg>()).Mixer);
        scene.Open();
        scene.Locate("192.0.2.5:5060");
        Assert.Equal("INVITE", Assert.Single(scene.Effects.OfType<SendRequest>()).Request.Method.Name);
        Assert.Equal(40000, scene.Offers[^1].Media[0].Line.Port);
    }

    [Fact]
    public void Who_rings_when_its_mixer_is_lost_has_ports_where_there_is_room_or_is_not_called_any_more()
    {
        var scene = DialScene.Calling();
        scene.Do(new ParticipantInput.DialGranted(Room, Second));
        scene.Do(new ParticipantInput.LegRefused(Second, Rejection.NoMediaCapacity));
        Assert.IsType<ParticipantState.Calling>(scene.State);
        var third = new MixerId(Room, 2, 3);
        scene.Do(new ParticipantInput.DialGranted(Room, third));
        Assert.Equal(third, Assert.Single(scene.Effects.OfType<OpenLeg>()).Mixer);
        scene.Respond(200, sdp: DialScene.Answer());
        scene.Do(new ParticipantInput.JoinAccepted(Room, third, new Ssrc(7)));
        Assert.Equal(third, Assert.Single(scene.Effects.OfType<OpenLeg>()).Mixer);

        scene = DialScene.Calling();
        scene.Do(new ParticipantInput.DialGranted(Room, Second));
        scene.Do(new ParticipantInput.LegRefused(Second, Rejection.NoMediaCapacity));
        scene.Do(new ParticipantInput.JoinRefused(Room, Rejection.NoMediaCapacity));
        Assert.IsType<ParticipantState.Withdrawing>(scene.State);
    }

    private static void AsksElsewhere(ParticipantScene scene, MixerId full)
    {
        Assert.Equal(new AskPlace(Room) { Full = full }, scene.Only<AskPlace>());
        Assert.Equal(full, scene.Only<CloseLeg>().Mixer);
        Assert.Equal(ParticipantTimer.RepeatAsk, scene.Only<Start>().Timer);
    }

    private static ParticipantScene Early()
    {
        var scene = new ParticipantScene();
        scene.Receive(Request("INVITE", sdp: Offer(), extra: "Require: 100rel\r\n"));
        scene.Accept();
        scene.Open();
        Assert.IsType<ParticipantState.Early>(scene.State);
        return scene;
    }

    private static void Refuse(ParticipantScene scene, MixerId mixer) => scene.Do(new ParticipantInput.LegRefused(mixer, Rejection.NoMediaCapacity));

    private static void Move(ParticipantScene scene, MixerId mixer, int seating, bool mayOffer = false) =>
        scene.Do(new ParticipantInput.MoveRequested(Room, mixer, new Incarnation(1), mayOffer) { Seating = seating });
}
