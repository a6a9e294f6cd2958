using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Sip.Authentication;
using Xunit;
using static ConfCluster.Protocols.Tests.Conference.ConferenceScene;

namespace ConfCluster.Protocols.Tests.Conference;

public class ConferenceDeciderTests
{
    private readonly ConferenceScene _scene = new();

    [Fact]
    public void The_first_join_creates_the_conference_and_its_mixer_in_one_batch() => Assert.Equal<ConferenceEvent>(
        [
            new ConferenceEvent.Created(Room) { At = _scene.Now },
            new ConferenceEvent.MixerPlaced(1) { At = _scene.Now },
            new ConferenceEvent.ParticipantJoined(Alice, "sip:a@example.com", null, new Ssrc(1)) { At = _scene.Now, LacksMki = true },
        ],
        _scene.Accepted(ConferenceState.New(Room), Join(Alice)));

    [Fact]
    public void A_second_join_only_adds_a_participant() =>
        Assert.Equal<ConferenceEvent>(
            [new ConferenceEvent.ParticipantJoined(Bob, "sip:b@example.com", null, new Ssrc(2)) { At = _scene.Now, LacksMki = true }],
            _scene.Accepted(_scene.After(Join(Alice)), Join(Bob)));

    [Fact]
    public void A_repeated_join_changes_nothing() => Assert.Empty(_scene.Accepted(_scene.After(Join(Alice)), Join(Alice)));

    [Fact]
    [Trait("RFC", "4353 §4.2")]
    public void A_full_conference_refuses_the_next_but_not_a_member_who_repeats_himself()
    {
        var full = _scene.After(Join(Alice), Join(Bob), Join(Carol));
        Assert.Equal(Rejection.ConferenceFull, _scene.Rejected(full, Join(new ParticipantId("d"))));
        Assert.Empty(_scene.Accepted(full, Join(Carol)));
    }

    [Fact]
    public void A_node_that_takes_no_new_conference_lets_people_into_those_that_are_on()
    {
        var active = _scene.After(Join(Alice));
        _scene.Admission = Admission.NoNewConference;
        Assert.Equal(Rejection.TooManyConferences, _scene.Rejected(ConferenceState.New(Room), Join(Alice)));
        Assert.Single(_scene.Accepted(active, Join(Bob)));
    }

    [Theory]
    [InlineData(IdentityProof.None, false)]
    [InlineData(IdentityProof.Asserted, false)]
    [InlineData(IdentityProof.Digest, true)]
    [InlineData(IdentityProof.Certificate, true)]
    public void Whose_proof_is_weaker_than_the_policy_asks_is_refused(IdentityProof proof, bool accepted)
    {
        _scene.MinIdentity = IdentityProof.Digest;
        var join = Join(Alice) with { Caller = new CallerIdentity("alice", proof, false) };
        if (accepted) Assert.NotEmpty(_scene.Accepted(ConferenceState.New(Room), join));
        else Assert.Equal(Rejection.IdentityTooWeak, _scene.Rejected(ConferenceState.New(Room), join));
    }

    [Fact]
    public void A_node_that_stops_takes_nobody()
    {
        var active = _scene.After(Join(Alice));
        _scene.Admission = Admission.ShuttingDown;
        Assert.Equal(Rejection.ShuttingDown, _scene.Rejected(active, Join(Bob)));
    }

    [Fact]
    public void Whoever_is_not_in_cannot_leave() =>
        Assert.Equal(Rejection.NotAParticipant, _scene.Rejected(_scene.After(Join(Alice)), Leave(Bob)));

    [Fact]
    public void The_last_leave_ends_the_conference()
    {
        var two = _scene.After(Join(Alice), Join(Bob));
        Assert.Equal<ConferenceEvent>(
            [new ConferenceEvent.ParticipantLeft(Bob, LeaveReason.Bye) { At = _scene.Now }], _scene.Accepted(two, Leave(Bob)));
        Assert.Equal<ConferenceEvent>(
            [
                new ConferenceEvent.ParticipantLeft(Alice, LeaveReason.Bye) { At = _scene.Now },
                new ConferenceEvent.Ended(EndReason.LastLeft) { At = _scene.Now },
            ],
            _scene.Accepted(two.Apply(_scene.Accepted(two, Leave(Bob))), Leave(Alice)));
    }

    [Fact]
    public void A_name_begins_again_with_a_mixer_and_SSRCs_that_nobody_had()
    {
        var again = _scene.After(Join(Alice), Leave(Alice), Join(Alice));
        Assert.Equal(2, again.Instance);
        Assert.Equal(new MixerId(Room, 0, 2), again.Mixer);
        Assert.Equal(new Ssrc(2), again.Participants[Alice].Ssrc);
        Assert.Equal([new Ssrc(1), new Ssrc(2)], again.Register.OrderBy(s => s.Value));
    }

    [Fact]
    [Trait("RFC", "3550 §8.1")]
    public void An_SSRC_that_was_given_once_is_passed_over_for_ever()
    {
        var draws = new Queue<uint>([7, 7, 0, 7, 8]);
        var scene = new ConferenceScene { NewSsrc = () => new Ssrc(draws.Dequeue()) };
        var state = scene.After(Join(Alice), Leave(Alice), Join(Bob));
        Assert.Equal(new Ssrc(8), state.Participants[Bob].Ssrc);
    }

    [Fact]
    public void Each_life_takes_the_conference_with_the_next_incarnation()
    {
        var state = _scene.After(Join(Alice), new ConferenceCommand.Take(false), new ConferenceCommand.Take(false));
        Assert.Equal(new Incarnation(2), state.Incarnation);
        Assert.True(state.IsActive);
    }

    [Fact]
    public void A_life_whose_calls_are_lost_puts_everybody_out()
    {
        var state = _scene.After(Join(Alice), Join(Bob));
        var events = _scene.Accepted(state, new ConferenceCommand.Take(true));
        Assert.Equal<ConferenceEvent>(
            [
                new ConferenceEvent.Taken(new Incarnation(1)) { At = _scene.Now },
                new ConferenceEvent.ParticipantLeft(Alice, LeaveReason.NodeLost) { At = _scene.Now },
                new ConferenceEvent.ParticipantLeft(Bob, LeaveReason.NodeLost) { At = _scene.Now },
                new ConferenceEvent.Ended(EndReason.NodeLost) { At = _scene.Now },
            ],
            events);
        Assert.False(state.Apply(events).IsActive);
    }

    [Theory]
    [InlineData(EndReason.Operator, LeaveReason.ConferenceEnded)]
    [InlineData(EndReason.NodeShutdown, LeaveReason.NodeShutdown)]
    public void The_end_is_a_leave_of_everybody(EndReason reason, LeaveReason leave)
    {
        var events = _scene.Accepted(_scene.After(Join(Alice), Join(Bob)), new ConferenceCommand.End(reason));
        Assert.Equal([leave, leave], events.OfType<ConferenceEvent.ParticipantLeft>().Select(e => e.Reason));
        Assert.Equal(new ConferenceEvent.Ended(reason) { At = _scene.Now }, events[^1]);
    }

    [Fact]
    public void What_is_over_has_no_end_and_no_mixer()
    {
        var over = _scene.After(Join(Alice), Leave(Alice));
        Assert.Equal(Rejection.ConferenceOver, _scene.Rejected(over, new ConferenceCommand.End(EndReason.Operator)));
        Assert.Equal(Rejection.ConferenceOver, _scene.Rejected(over, new ConferenceCommand.PlaceMixer()));
    }

    [Fact]
    public void The_desired_mixer_holds_the_members_but_those_who_are_on_their_way_out()
    {
        var state = _scene.After(new ConferenceCommand.Take(false), Join(Alice), Join(Bob));
        var desired = state.DesiredMixer(0, 9, state.Members(), [Alice], _ => LegKeyUse.Own);
        Assert.Equal((new MixerId(Room, 0, 1), new Incarnation(1), 9L), (desired.Mixer, desired.Incarnation, desired.Version));
        Assert.Equal<MixerLeg>([new MixerLeg(Bob, new Ssrc(2))], desired.Legs);
    }
}
