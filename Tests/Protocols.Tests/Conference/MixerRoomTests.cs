using System.Collections.Immutable;
using ConfCluster.Protocols.Audit;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Keys.Rekeying;
using ConfCluster.Protocols.Rtp;
using Xunit;
using static ConfCluster.Protocols.Tests.Conference.ConferenceScene;

namespace ConfCluster.Protocols.Tests.Conference;

/// <summary>A mixer has no room for a leg: which other gets it, who is told, and when nobody has any.</summary>
public sealed class MixerRoomTests
{
    private static readonly MixerId First = new(Room, 0, 1);
    private readonly ConferenceScene _scene = new() { MaxParticipants = 9, Keys = new GroupKeyPolicy(true, RekeyPolicy.Default), LegsPerMixer = 5 };
    private readonly List<ConferenceEvent> _journal = [];
    private ConferenceLife _life = ConferenceLife.New(Room);

    [Fact]
    public void Its_leg_goes_to_another_mixer_under_another_SSRC_and_it_stays_in()
    {
        Joined(Alice, Bob);
        var before = _life.State.Participants[Bob];
        var told = Full(Bob, First);
        var (placed, moved) = (Fact<ConferenceEvent.MixerPlaced>(), Fact<ConferenceEvent.ParticipantMoved>());
        Assert.Equal((1, MixerLoss.None), (placed.Number, placed.Loss));
        Assert.Equal((Bob, 1), (moved.Participant, moved.Mixer));
        Assert.NotEqual(before.Ssrc, moved.Ssrc);
        Assert.Equal(before with { Mixer = 1, Ssrc = moved.Ssrc, Seating = 1 }, _life.State.Participants[Bob]);
        Assert.Equal(First, _life.State.MixerOf(Alice));
        Assert.DoesNotContain(_journal, e => e is ConferenceEvent.ParticipantLeft);
        Assert.Equal(1, _journal.OfType<ConferenceEvent.KeyEpochBegan>().Count(e => e.Reason != RekeyReason.Joined));

        var move = told.OfType<ConferenceEffect.Move>().First();
        Assert.Equal((Bob, new MixerId(Room, 1, 2), 1, false, false), (move.Participant, move.Mixer, move.Seating, move.MayOffer, move.IsGentle));
        var states = told.OfType<ConferenceEffect.Publish>().Select(p => p.State).ToLookup(s => s.Mixer);
        Assert.Equal([Alice], states[First].Last().Legs.Select(l => l.Participant));
        Assert.Equal([Bob], states[move.Mixer].Last().Legs.Select(l => l.Participant));
        Assert.DoesNotContain(Do(new ConferenceInput.LegMoved(Bob, move.Mixer)), e => e is ConferenceEffect.ObserveMoved);
        Assert.Empty(_life.Moves);
    }

    [Fact]
    public void Asked_again_it_is_told_the_same_and_a_mixer_that_it_is_not_at_any_more_moves_it_nowhere()
    {
        Joined(Alice, Bob);
        Do(new ConferenceInput.RoomAsked(Bob, First));
        Do(new ConferenceInput.RoomAsked(Bob, First));
        Written();
        Assert.Single(_journal.OfType<ConferenceEvent.ParticipantMoved>());
        var again = Do(new ConferenceInput.RoomAsked(Bob, First));
        Assert.Equal(new MixerId(Room, 1, 2), Assert.Single(again.OfType<ConferenceEffect.Move>()).Mixer);
        Assert.Empty(Written());
    }

    [Fact]
    public void Who_comes_after_it_is_not_sent_there_for_a_while()
    {
        Joined(Alice, Bob);
        Full(Bob, First);
        Joined(Carol);
        Assert.Equal(1, _life.State.Participants[Carol].Mixer);

        // Room comes and goes with other conferences, so it is asked again.
        _scene.Now += TimeSpan.FromSeconds(5);
        Joined(new ParticipantId("d"));
        Assert.Equal(0, _life.State.Participants[new ParticipantId("d")].Mixer);
    }

    [Theory]
    [InlineData(LeaveReason.Bye, 0)]
    [InlineData(LeaveReason.MediaFailed, 1)]
    public void When_somebody_leaves_a_full_mixer_there_is_room_again_unless_it_had_none_itself(LeaveReason reason, int mixer)
    {
        Joined(Alice, Bob);
        Full(Bob, First);
        Do(new ConferenceInput.Asked(new ConferenceCommand.Leave(Alice, reason)));
        Written();
        Joined(Carol);
        Assert.Equal(mixer, _life.State.Participants[Carol].Mixer);
    }

    [Fact]
    public void An_older_mixer_with_room_is_taken_before_a_new_one_begins()
    {
        Joined([.. Enumerable.Range(0, 6).Select(i => new ParticipantId($"p{i}"))]);
        var last = new ParticipantId("p5");
        Do(new ConferenceInput.Asked(Leave(new ParticipantId("p0"))));
        Written();
        var told = Full(last, new MixerId(Room, 1, 2));
        Assert.Equal((First, 1), told.OfType<ConferenceEffect.Move>().Select(m => (m.Mixer, m.Seating)).First());
        Assert.Contains(new ConferenceEffect.NoRoom(new MixerId(Room, 1, 2)), told);
    }

    [Fact]
    public void The_only_one_there_has_its_mixer_replaced_and_no_key_changes_for_that()
    {
        Joined(Alice);
        var epochs = _journal.OfType<ConferenceEvent.KeyEpochBegan>().Count();
        var told = Full(Alice, First);
        var second = First with { Incarnation = 2 };
        Assert.Equal(second, Assert.Single(_life.State.Mixers.Keys.Select(n => _life.State.MixerOf(n))));
        Assert.Equal(second, told.OfType<ConferenceEffect.Move>().First().Mixer);
        Assert.Contains(told.OfType<ConferenceEffect.Publish>(), p => p.State.Mixer == First && p.State.IsLast);
        Assert.Equal(epochs, _journal.OfType<ConferenceEvent.KeyEpochBegan>().Count());
        Assert.DoesNotContain(told, e => e is ConferenceEffect.ObserveLoss);
        Assert.Contains(new ConferenceEffect.NoRoom(First), told);
        Assert.Empty(AuditChecks.Run(Room.Value, _journal.Select((e, i) => KeyChangeProjection.Of(i + 1, e))));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Where_no_other_has_room_it_is_refused_and_no_mixer_placed(bool alone)
    {
        Joined(alone ? [Alice] : [Bob, Alice]);
        _scene.HasRoomBeside = _ => false;
        var facts = Facts();
        Assert.Contains(new ConferenceEffect.Refuse(Alice, Rejection.NoMediaCapacity), Full(Alice, First));
        Assert.Equal(facts, Facts());
        Assert.Equal(First, _life.State.MixerOf(Alice));

        // Who was not there yet asks the lane itself.
        Joined(Carol);
        Assert.Equal(First, _life.State.MixerOf(Carol));
    }

    [Fact]
    public void Room_beside_is_asked_for_with_the_mixers_that_were_replaced_for_want_of_it()
    {
        var beside = new List<int>();
        _scene.HasRoomBeside = mixers =>
        {
            beside.Add(mixers);
            return mixers < 2;
        };
        Joined(Alice);
        Full(Alice, First);
        Assert.Contains(new ConferenceEffect.Refuse(Alice, Rejection.NoMediaCapacity), Full(Alice, First with { Incarnation = 2 }));
        Assert.Equal([1, 2], beside.Distinct());
    }

    [Fact]
    public void Who_is_not_in_is_told_to_end_and_a_life_that_has_not_taken_the_conference_says_nothing()
    {
        Joined(Alice);
        Assert.Contains(new ConferenceEffect.HangUp(Bob, LeaveReason.NodeLost), Do(new ConferenceInput.RoomAsked(Bob, First)));
        _life = ConferenceLife.New(Room);
        Do(new ConferenceInput.Recovered([.. _journal], CallsLost: false));
        Assert.DoesNotContain(Do(new ConferenceInput.RoomAsked(Alice, First)), e => e is ConferenceEffect.Move or ConferenceEffect.HangUp or ConferenceEffect.Refuse);
    }

    [Fact]
    public void Who_is_being_called_has_ports_at_another_mixer_or_is_told_that_there_are_none()
    {
        Joined(Alice);
        Do(new ConferenceInput.CalloutAsked(Bob, "sip:bob@example.com"));
        Do(new ConferenceInput.RoomAsked(Bob, First));
        var grant = Assert.Single(Written().OfType<ConferenceEffect.Grant>());
        Assert.Equal(new MixerId(Room, 1, 2), grant.Mixer);
        // The mixer where somebody who is called has ports is not replaced under it.
        _scene.HasRoomBeside = _ => false;
        Assert.Contains(new ConferenceEffect.Refuse(Bob, Rejection.NoMediaCapacity), Do(new ConferenceInput.RoomAsked(Bob, grant.Mixer)));
        Assert.True(_life.Callouts.Single() is { IsPending: true, IsWaiting: false, Seat: null });
    }

    [Fact]
    public void Whose_mixer_goes_gently_is_heard_there_until_it_has_moved_to_one_with_room()
    {
        Joined(Alice, Bob);
        Do(Report(First));
        Do(new ConferenceInput.MixerDrained(First));
        var told = Written();
        var second = told.OfType<ConferenceEffect.Move>().First().Mixer;
        Assert.Equal(new MixerId(Room, 0, 2), second);
        told = Full(Bob, second);
        var third = new MixerId(Room, 1, 3);
        Assert.All(told.OfType<ConferenceEffect.Move>().Where(m => m.Participant == Bob), m => Assert.Equal((third, true), (m.Mixer, m.IsGentle)));
        Assert.Equal([Alice, Bob], _life.Leaving[0].Published.Legs.Select(l => l.Participant));
        Do(new ConferenceInput.LegMoved(Bob, third));
        Assert.Equal([Alice, Bob], _life.Leaving[0].Published.Legs.Select(l => l.Participant));
        Do(Report(third) with { Sending = [Bob] });
        Assert.Equal([Alice], _life.Leaving[0].Published.Legs.Select(l => l.Participant));
    }

    [Fact]
    public void The_mixer_with_room_is_told_how_far_the_phone_had_come_at_the_one_that_was_lost()
    {
        Joined(Alice, Bob, Carol);
        var index = new UplinkIndex(new Ssrc(0x77), 5UL << 16);
        Do(Report(First) with { Uplinks = [new LegUplinks(Bob, [index]), new LegUplinks(Carol, [index])] });
        foreach (var _ in (int[])[1, 2])
        {
            _scene.Now = _life.ReportDue;
            Do(new ConferenceInput.Fired(ConferenceTimer.MixerSilent));
        }
        Written();
        var second = _life.State.MixerOf(0)!.Value;
        // One goes to a mixer that begins, one to a mixer that works.
        foreach (var who in new[] { Bob, Carol })
        {
            var state = Full(who, second).OfType<ConferenceEffect.Publish>().Last(p => p.State.Mixer.Number == 1).State;
            Assert.Equal(index, Assert.Single(Assert.Single(state.Resumes, r => r.Participant == who).Indices));
        }
    }

    [Fact]
    public void The_audit_reads_it_as_one_leg()
    {
        Joined(Alice, Bob);
        _scene.Now += TimeSpan.FromSeconds(1);
        Full(Bob, First);
        _scene.Now += TimeSpan.FromSeconds(1);
        Full(Bob, new MixerId(Room, 1, 2));
        Assert.Equal(2, _journal.OfType<ConferenceEvent.ParticipantMoved>().Count());
        var records = _journal.Select((e, i) => KeyChangeProjection.Of(i + 1, e)).ToList();
        Assert.Empty(AuditChecks.Run(Room.Value, records));
        Assert.Contains(AuditTimeline.Of(records), l => l.Text == "sip:b@example.com goes to mixer 1 for want of room, under a new SSRC");

        // An SSRC that was given before is found.
        var again = _journal.OfType<ConferenceEvent.ParticipantMoved>().First() with { Participant = Alice };
        var copied = KeyChangeProjection.Of(records.Count + 1, again with { At = _scene.Now });
        Assert.Equal(AuditRule.K6, Assert.Single(AuditChecks.Run(Room.Value, [.. records, copied])).Rule);
    }

    private static ConferenceCommand.Join Join(ParticipantId participant) =>
        ConferenceScene.Join(participant) with { Ability = new LegAbility(TakesMki: true, IsProtected: true, "") };

    private IEnumerable<ConferenceEvent> Facts() => [.. _journal.Where(e => e is not (ConferenceEvent.LegsProgressed or ConferenceEvent.RekeyDeferred))];

    private T Fact<T>() where T : ConferenceEvent => _journal.OfType<T>().Last();

    private ConferenceInput.MixerReported Report(MixerId mixer) => new(mixer, _life.State.Incarnation, _life.WantedVersion) { Shared = new SharedReport(16, 0) };

    private List<ConferenceEffect> Full(ParticipantId participant, MixerId full) => [.. Do(new ConferenceInput.RoomAsked(participant, full)), .. Written()];

    private void Joined(params ParticipantId[] people)
    {
        if (!_life.IsRecovered) Do(new ConferenceInput.Recovered([], CallsLost: false));
        foreach (var one in people) Do(new ConferenceInput.Asked(Join(one)));
        Written();
        Assert.All(people, p => Assert.True(_life.State.Participants.ContainsKey(p), p.Value));
    }

    private List<ConferenceEffect> Written()
    {
        var told = new List<ConferenceEffect>();
        while (_life.Pending is not null) told.AddRange(Do(new ConferenceInput.Stored()));
        return told;
    }

    private ImmutableArray<ConferenceEffect> Do(ConferenceInput input)
    {
        var step = ConferenceMachine.Next(_life, input, _scene.Context);
        _life = step.Life;
        _journal.AddRange(step.Effects.OfType<ConferenceEffect.Store>().SelectMany(s => s.Events));
        return step.Effects;
    }
}
