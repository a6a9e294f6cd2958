using System.Collections.Immutable;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Keys.Rekeying;
using ConfCluster.Protocols.Rtp;
using Xunit;
using static ConfCluster.Protocols.Tests.Conference.ConferenceScene;

namespace ConfCluster.Protocols.Tests.Conference;

/// <summary>A mixer that is lost: how that is noticed, what takes its place, and in which order who is told.</summary>
public sealed class MixerReplacementTests
{
    /// <summary>Seconds, of three.</summary>
    private const double OnceMore = 0.6;
    private static readonly MixerId First = new(Room, 0, 1);
    private static readonly MixerId Second = First with { Incarnation = 2 };
    private readonly ConferenceScene _scene = new() { MaxParticipants = 100, Keys = new GroupKeyPolicy(true, RekeyPolicy.Default with { MaxOffers = 2 }) };
    private ConferenceLife _life = ConferenceLife.New(Room);

    [Fact]
    public void With_the_new_mixer_everybody_has_a_new_SSRC_and_the_group_a_new_epoch_in_one_write()
    {
        Joined(Alice, Bob);
        var facts = Loses().OfType<ConferenceEffect.Store>().Single().Events;
        Assert.Equal(
            ["MixerPlaced", "SsrcsReserved", "KeyEpochBegan"],
            facts.Select(e => e.GetType().Name).Where(n => n is not ("LegsProgressed" or "KeyEpochPassed" or "RekeyDeferred")));
        var placed = facts.OfType<ConferenceEvent.MixerPlaced>().Single();
        var before = _life.State.Participants.Values.Select(m => m.Ssrc).Concat(_life.State.SharedSsrcs).ToHashSet();
        Assert.Equal([Alice, Bob], placed.Ssrcs.Select(s => s.Participant));
        Assert.All(placed.Ssrcs.Select(s => s.Ssrc).Concat(facts.OfType<ConferenceEvent.SsrcsReserved>().Single().Ssrcs), s => Assert.DoesNotContain(s, before));
        Assert.Equal(RekeyReason.MixerReplaced, facts.OfType<ConferenceEvent.KeyEpochBegan>().Single().Reason);

        var told = Effects(new ConferenceInput.Stored());
        var state = told.OfType<ConferenceEffect.Publish>().Last().State;
        Assert.Equal(Second, state.Mixer);
        Assert.Equal(placed.Ssrcs.Select(s => s.Ssrc), state.Legs.Select(l => l.Ssrc));
        // First where it goes, then the key that it tells its peer with it.
        var order = told.Where(e => e is ConferenceEffect.Move or ConferenceEffect.OfferKey).Select(e => e.GetType().Name);
        Assert.Equal(["Move", "Move", "OfferKey", "OfferKey"], order);
        Assert.All(told.OfType<ConferenceEffect.Move>(), m => Assert.False(m.MayOffer));
        Assert.True(told.OfType<ConferenceEffect.Publish>().First().State is { IsLast: true, Legs.Length: 0, Epochs.Length: 0 });
    }

    [Fact]
    public void Legs_of_their_own_key_are_let_tell_so_many_at_a_time_and_the_last_one_is_measured()
    {
        var people = Enumerable.Range(0, 5).Select(i => new ParticipantId($"own{i}")).ToArray();
        Joined(LegAbility.None, people);
        Loses();
        var told = Effects(new ConferenceInput.Stored());
        Assert.Equal(people, told.OfType<ConferenceEffect.Move>().Where(m => !m.MayOffer).Select(m => m.Participant));
        Assert.Equal(people[..2], May(told));
        Assert.Contains(new ConferenceEffect.ObserveLoss(MixerLoss.Silent), told);
        Assert.Equal([people[2]], May(Effects(new ConferenceInput.LegMoved(people[0], Second))));
        // A lower mixer, or who is not on the way, counts for nothing.
        Assert.Empty(Effects(new ConferenceInput.LegMoved(people[1], First)));
        Assert.Empty(May(Effects(new ConferenceInput.LegMoved(people[0], Second))));
        // Nobody waits for the slow.
        _scene.Now += TimeSpan.FromSeconds(1);
        Assert.Equal([people[1], people[2], people[3], people[4]], May(Effects(new ConferenceInput.Fired(ConferenceTimer.Moves))));
        foreach (var who in people[1..4]) Effects(new ConferenceInput.LegMoved(who, Second));
        // Who leaves need not move.
        Assert.Contains(new ConferenceEffect.ObserveMoved(5, TimeSpan.FromSeconds(1)), Effects(Ask(Leave(people[4]))));
        Assert.Empty(_life.Moves);
    }

    [Fact]
    public void Who_does_not_say_that_it_moved_is_told_again()
    {
        Joined(LegAbility.None, Alice);
        Loses();
        var told = Effects(new ConferenceInput.Stored());
        foreach (var wait in (int[])[250, 500, 1000, 2000, 2000])
        {
            // The next turn of another is looked for every second.
            var timer = Assert.Single(told.OfType<ConferenceEffect.Start>(), s => s.Timer == ConferenceTimer.Moves);
            Assert.Equal(TimeSpan.FromMilliseconds(Math.Min(wait, 1000)), timer.After);
            _scene.Now += TimeSpan.FromMilliseconds(wait - 1);
            Assert.Empty(Effects(new ConferenceInput.Fired(ConferenceTimer.Moves)).OfType<ConferenceEffect.Move>());
            _scene.Now += TimeSpan.FromMilliseconds(1);
            told = Effects(new ConferenceInput.Fired(ConferenceTimer.Moves));
            Assert.Equal([Alice], May(told));
        }
    }

    [Fact]
    public void A_mixer_whose_node_is_emptied_goes_on_with_each_leg_until_that_is_elsewhere()
    {
        Joined(LegAbility.None, Alice, Bob, Carol);
        Effects(Report(First, _life.WantedVersion));
        var facts = Effects(new ConferenceInput.MixerDrained(First)).OfType<ConferenceEffect.Store>().Single().Events;
        Assert.Equal(MixerLoss.Drained, facts.OfType<ConferenceEvent.MixerPlaced>().Single().Loss);
        Assert.Empty(Effects(new ConferenceInput.MixerDrained(First)).OfType<ConferenceEffect.Store>());

        var told = Effects(new ConferenceInput.Stored());
        var states = told.OfType<ConferenceEffect.Publish>().Select(p => p.State).ToDictionary(s => s.Mixer);
        Assert.Equal([First, Second], states.Keys.OrderBy(m => m.Incarnation));
        Assert.All(told.OfType<ConferenceEffect.Move>(), m => Assert.True(m.IsGentle));

        // Until all have moved they send each other what their legs say, under keys and SSRCs of their own.
        var generation = states[First].Trunk!.Generation;
        Assert.Equal((Second, First), (Assert.Single(states[First].Trunk!.Peers).Mixer, Assert.Single(states[Second].Trunk!.Peers).Mixer));
        Assert.Equal(generation, states[Second].Trunk!.Generation);
        Assert.NotEqual(states[First].Trunk!.PlaceOf(First, First), states[First].Trunk!.PlaceOf(Second, First));
        Assert.Equal(states[First].Trunk!.PlaceOf(First, First), states[Second].Trunk!.PlaceOf(First, Second));
        var address = new MediaAddress(0, 0x7F000001, 40_100, false);
        var heard = Effects(Report(First, 100) with { Trunk = new TrunkReport(address, generation) });
        Assert.Equal(address, Assert.Single(Assert.Single(heard.OfType<ConferenceEffect.Publish>()).State.Trunk!.Peers).Address);
        Assert.True(Assert.Single(Effects(Report(First, 100) with { Trunk = new TrunkReport(address, generation - 1) }).OfType<ConferenceEffect.Publish>()).IsRepeated);

        // Held up by whatever, it may go on.
        Assert.Contains(new ConferenceEffect.Confirm(First, _life.State.Incarnation, 7), Effects(Report(First, 100) with { Question = 7 }));

        // Its reports are no strangers', and change nothing.
        Assert.Empty(Effects(Report(First, 100) with { Trunk = new TrunkReport(address, generation) }).OfType<ConferenceEffect.Publish>());
        // Who knows of the new one is sent media by the old one until the new one says that it sends it some.
        Assert.DoesNotContain(Effects(new ConferenceInput.LegMoved(Alice, Second)), e => e is ConferenceEffect.Publish);
        Assert.Equal([Bob, Carol], Old(Effects(Sends(Alice))).Legs.Select(l => l.Participant));
        Assert.DoesNotContain(Effects(Sends(Bob)), e => e is ConferenceEffect.Publish);
        Assert.Equal(2, Old(Effects(Report(First, 1))).Legs.Length);
        Assert.Equal([Carol], Old(Effects(Ask(Leave(Bob)))).Legs.Select(l => l.Participant));
        // It is on hold, and so is not waited for.
        Assert.DoesNotContain(Effects(new ConferenceInput.LegMoved(Carol, Second)), e => e is ConferenceEffect.Publish);
        _scene.Now += TimeSpan.FromMilliseconds(500);
        var over = Effects(Sends());
        Assert.True(Old(over) is { IsLast: true, Legs.Length: 0, Trunk: null });
        Assert.Null(Assert.Single(over.OfType<ConferenceEffect.Publish>(), p => p.State.Mixer == Second).State.Trunk);
        Assert.Empty(Effects(new ConferenceInput.MixerDrained(First)));
    }

    [Fact]
    public void A_mixer_that_is_to_go_does_not_wait_for_ever_and_ends_when_its_successor_is_lost()
    {
        Joined(LegAbility.None, Alice);
        Effects(Report(First, _life.WantedVersion));
        Effects(new ConferenceInput.MixerDrained(First));
        Effects(new ConferenceInput.Stored());
        _scene.Now += TimeSpan.FromSeconds(15);
        Assert.True(Old(Effects(Report(Second, _life.WantedVersion))).IsLast);

        Effects(new ConferenceInput.MixerDrained(Second));
        Effects(new ConferenceInput.Stored());
        Effects(Report(Second with { Incarnation = 3 }, _life.WantedVersion) with { Born = 5 });
        Effects(Report(Second with { Incarnation = 3 }, 0) with { Incarnation = default, Born = 6 });
        var ended = Effects(new ConferenceInput.Stored()).OfType<ConferenceEffect.Publish>().Where(p => p.State.IsLast).Select(p => p.State.Mixer.Incarnation);
        Assert.Equal([2, 3], ended.Order());
    }

    private ConferenceInput.MixerReported Sends(params ParticipantId[] legs) => Report(Second, _life.WantedVersion) with
    {
        Sending = [.. legs],
        Trunk = new TrunkReport(null, _life.Published?.Trunk?.Generation ?? 0),
    };

    private static MixerState Old(ImmutableArray<ConferenceEffect> effects) =>
        Assert.Single(effects.OfType<ConferenceEffect.Publish>(), p => p.State.Mixer == First).State;

    /// <summary>Its lane failed and its actor was started again: nobody waits for a silence.</summary>
    [Fact]
    public void A_mixer_that_knows_nothing_any_more_or_is_another_under_that_name_is_replaced_at_once()
    {
        Joined(Alice);
        Effects(Report(First, 1) with { Born = 5 });
        Assert.Equal(MixerLoss.BeganAnew, Placed(Effects(Report(First, 0) with { Incarnation = default, Born = 6 })));
        Write();
        Effects(Report(Second, _life.WantedVersion) with { Born = 8 });
        // It applied a state that was on its way: its SSRCs begin anew all the same.
        Assert.Equal(MixerLoss.BeganAnew, Placed(Effects(Report(Second, _life.WantedVersion) with { Born = 9 })));
    }

    [Fact]
    public void A_state_names_the_life_of_the_mixer_that_it_is_meant_for_but_for_the_last()
    {
        Joined(Alice);
        Assert.Equal(0, _life.Published!.Born);
        Effects(Report(First, 1) with { Born = 5 });
        Effects(Ask(Join(Bob)));
        Effects(new ConferenceInput.Stored());
        Assert.Equal(5, _life.Published.Born);
        Loses();
        Assert.Equal([0L, 0L], Effects(new ConferenceInput.Stored()).OfType<ConferenceEffect.Publish>().Select(p => p.State.Born));
    }

    [Fact]
    public void A_false_alarm_that_is_not_stored_yet_is_called_off()
    {
        Joined(Alice);
        Effects(Report(First, 1));
        Effects(Ask(Join(Bob)));
        Effects(new ConferenceInput.JournalFailing());
        Loses();
        Effects(Report(First, 1));
        Assert.DoesNotContain(Effects(new ConferenceInput.Stored()).OfType<ConferenceEffect.Store>().SelectMany(s => s.Events), e => e is ConferenceEvent.MixerPlaced);
    }

    [Fact]
    public void The_first_word_of_a_first_mixer_may_take_longer_and_mixers_that_never_speak_are_waited_for_longer_each_time()
    {
        Joined(Alice);
        Assert.Equal(TimeSpan.FromSeconds(9 - OnceMore), _life.ReportDue - _scene.Now);
        foreach (var seconds in new[] { 6, 12, 24, 24 })
        {
            Loses();
            Effects(new ConferenceInput.Stored());
            Assert.Equal(TimeSpan.FromSeconds(seconds - OnceMore), _life.ReportDue - _scene.Now);
        }

        Effects(Report(_life.State.Mixer!.Value, _life.WantedVersion));
        Assert.Equal(TimeSpan.FromSeconds(3 - OnceMore), _life.ReportDue - _scene.Now);
    }

    [Fact]
    public void Whoever_leads_says_so_now_and_then_and_whenever_it_is_asked()
    {
        Joined(Alice);
        Assert.Contains(new ConferenceEffect.Confirm(First, _life.State.Incarnation, 0), Effects(Report(First, 1)));
        Assert.DoesNotContain(Effects(Report(First, 1)), e => e is ConferenceEffect.Confirm);
        Assert.Contains(new ConferenceEffect.Confirm(First, _life.State.Incarnation, 2), Effects(Report(First, 1) with { Question = 2 }));
        _scene.Now += TimeSpan.FromSeconds(5);
        Assert.Contains(Effects(Report(First, 1)), e => e is ConferenceEffect.Confirm);
        Loses();
        Effects(new ConferenceInput.Stored());
        // One that was replaced and asks is told that it is over.
        var answer = Effects(Report(First, 1) with { Question = 3 });
        Assert.DoesNotContain(answer, e => e is ConferenceEffect.Confirm);
        Assert.True(answer.OfType<ConferenceEffect.Publish>().Single().State.IsLast);
    }

    [Fact]
    public void A_focus_that_comes_back_after_a_mixer_was_replaced_tells_the_legs_again()
    {
        Joined(LegAbility.None, Alice);
        Loses();
        Effects(new ConferenceInput.Stored());
        _life = ConferenceLife.New(Room);
        Effects(new ConferenceInput.Recovered([.. _journal], CallsLost: false));
        var told = Effects(new ConferenceInput.Stored()).OfType<ConferenceEffect.Move>().ToList();
        Assert.All(told, m => Assert.Equal((Alice, Second, new Incarnation(2)), (m.Participant, m.Mixer, m.Incarnation)));
        Assert.NotEmpty(told);
        // The mixer of the life before knows nothing: it is not the one that had the legs.
        Assert.Equal(MixerLoss.BeganAnew, Placed(Effects(new ConferenceInput.MixerReported(Second, default, 0) { Born = 4 })));
    }

    private readonly List<ConferenceEvent> _journal = [];
    private ImmutableArray<ConferenceEvent> _writing = [];

    private static IEnumerable<ParticipantId> May(ImmutableArray<ConferenceEffect> effects) =>
        effects.OfType<ConferenceEffect.Move>().Where(m => m.MayOffer).Select(m => m.Participant);

    private static MixerLoss Placed(ImmutableArray<ConferenceEffect> effects) =>
        effects.OfType<ConferenceEffect.Store>().Single().Events.OfType<ConferenceEvent.MixerPlaced>().Single().Loss;

    private ImmutableArray<ConferenceEffect> Loses()
    {
        _scene.Now = _life.ReportDue;
        Effects(new ConferenceInput.Fired(ConferenceTimer.MixerSilent));
        _scene.Now = _life.ReportDue;
        return Effects(new ConferenceInput.Fired(ConferenceTimer.MixerSilent));
    }

    private static ConferenceInput.Asked Ask(ConferenceCommand command) => new(command);

    private ConferenceInput.MixerReported Report(MixerId mixer, long applied) => new(mixer, _life.State.Incarnation, applied) { Shared = new SharedReport(16, 0) };

    private void Joined(params ParticipantId[] people)
    {
        Joined(new LegAbility(TakesMki: true, IsProtected: true, ""), people);
        foreach (var who in people) Effects(new ConferenceInput.KeyReported(who, LegKeyAnswer.Ready, _life.State.LastEpoch, TimeSpan.Zero));
        Write();
    }

    private void Joined(LegAbility ability, params ParticipantId[] people)
    {
        Effects(new ConferenceInput.Recovered([], CallsLost: true));
        foreach (var who in people)
        {
            Effects(Ask(Join(who) with { Ability = ability }));
            Effects(new ConferenceInput.Stored());
        }

        Write();
    }

    private void Write()
    {
        while (!_writing.IsEmpty) Effects(new ConferenceInput.Stored());
    }

    private ImmutableArray<ConferenceEffect> Effects(ConferenceInput input)
    {
        if (input is ConferenceInput.Stored)
        {
            _journal.AddRange(_writing);
            _writing = [];
        }

        var step = ConferenceMachine.Next(_life, input, _scene.Context);
        _life = step.Life;
        if (step.Effects.OfType<ConferenceEffect.Store>().SingleOrDefault() is { } store) _writing = store.Events;
        return step.Effects;
    }
}
