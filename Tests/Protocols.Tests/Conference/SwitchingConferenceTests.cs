using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Keys.Rekeying;
using ConfCluster.Protocols.Rtp;
using Xunit;
using static ConfCluster.Protocols.Tests.Conference.ConferenceScene;

namespace ConfCluster.Protocols.Tests.Conference;

/// <summary>Who is let into a conference whose media is forwarded unopened, and what its mixer is told.</summary>
public class SwitchingConferenceTests
{
    private readonly ConferenceScene _scene = new() { Keys = new GroupKeyPolicy(true, RekeyPolicy.Default) { IsSwitching = true } };

    [Fact]
    public void Only_who_has_a_ticket_that_names_its_SSRC_is_let_in()
    {
        Assert.Equal(Rejection.TicketNeeded, _scene.Rejected(ConferenceState.New(Room), Join(Alice)));
        Assert.Equal(Rejection.TicketNeeded, _scene.Rejected(ConferenceState.New(Room), Ticket(Alice, 0)));
        var joined = _scene.Accepted(ConferenceState.New(Room), Ticket(Alice, 500)).OfType<ConferenceEvent.ParticipantJoined>().Single();
        Assert.Equal((LegKeying.Switched, new Ssrc(500), "Pcmu/0"), (joined.Keying, joined.Uplink, joined.Media));
    }

    [Fact]
    public void All_have_one_format_since_nothing_is_changed_on_the_way()
    {
        var state = _scene.After(Ticket(Alice, 500));
        Assert.Equal(Rejection.MediaDiffers, _scene.Rejected(state, Ticket(Bob, 501, "Pcma/8")));
        Assert.NotEmpty(_scene.Accepted(state, Ticket(Bob, 501)));
    }

    [Fact]
    public void An_SSRC_is_one_participants_for_ever()
    {
        var state = _scene.After(Ticket(Alice, 500), Ticket(Bob, 501), Leave(Alice));
        Assert.Equal(Rejection.SsrcTaken, _scene.Rejected(state, Ticket(Carol, 500)));
        Assert.Equal(Rejection.SsrcTaken, _scene.Rejected(state, Ticket(Carol, 501)));
    }

    [Fact]
    [Trait("RFC", "6043 §6.1.1")]
    public void Whoever_is_offered_a_ticket_by_us_is_given_an_SSRC_that_nobody_ever_had_and_the_format_of_the_others()
    {
        var first = _scene.Accepted(ConferenceState.New(Room), Given(Alice, "Pcma/8")).OfType<ConferenceEvent.ParticipantJoined>().Single();
        Assert.Equal((LegKeying.Switched, "Pcma/8"), (first.Keying, first.Media));
        var state = _scene.After(Ticket(Alice, 500));
        var joined = _scene.Accepted(state, Given(Bob, "Pcma/8")).OfType<ConferenceEvent.ParticipantJoined>().Single();
        Assert.Equal((LegKeying.Switched, "Pcmu/0"), (joined.Keying, joined.Media));
        Assert.True(joined.Uplink != default && joined.Uplink != joined.Ssrc && !state.Register.Contains(joined.Uplink));
        Assert.Equal(Rejection.SsrcTaken, _scene.Rejected(state.Apply(joined), Ticket(Carol, joined.Uplink.Value)));
    }

    [Fact]
    public void Where_everybody_sends_under_a_key_of_its_own_none_is_given()
    {
        var mixing = new ConferenceScene { Keys = new GroupKeyPolicy(true, RekeyPolicy.Default) };
        var joined = mixing.Accepted(ConferenceState.New(Room), Given(Alice, "Pcmu/0")).OfType<ConferenceEvent.ParticipantJoined>().Single();
        Assert.Equal((LegKeying.GroupByMki, default, null), (joined.Keying, joined.Uplink, joined.Media));
    }

    [Fact]
    public void The_mixer_is_told_who_sends_under_which_SSRC()
    {
        var state = _scene.After(Ticket(Alice, 500), Ticket(Bob, 501));
        Assert.True(state.IsSwitching);
        var wanted = state.DesiredMixer(0, 1, state.Members(), [], _ => new LegKeyUse(LegKeyMode.ByMki, new KeyEpoch(1)));
        Assert.Equal([new Ssrc(500), new Ssrc(501)], wanted.Legs.Select(l => l.Uplink));
    }

    private static ConferenceCommand.Join Given(ParticipantId participant, string media) => Join(participant) with
    {
        Ability = new LegAbility(TakesMki: true, IsProtected: true, "") { TakesSsrc = true },
        Media = media,
    };

    private static ConferenceCommand.Join Ticket(ParticipantId participant, uint ssrc, string media = "Pcmu/0") => Join(participant) with
    {
        Ability = new LegAbility(TakesMki: true, IsProtected: true, "") { TicketSsrc = ssrc },
        Media = media,
    };
}
