using System.Collections.Immutable;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Rtp;
using Xunit;
using static ConfCluster.Protocols.Tests.Conference.ConferenceScene;

namespace ConfCluster.Protocols.Tests.Conference;

public class ConferenceMachineTests
{
    private static readonly MixerId Mixer = new(Room, 0, 1);
    private readonly ConferenceScene _scene = new();
    private ConferenceLife _life = ConferenceLife.New(Room);

    [Fact]
    public void Nobody_hears_of_a_join_before_it_is_stored()
    {
        Recover();
        var store = Assert.IsType<ConferenceEffect.Store>(Effects(Ask(Join(Alice)))[0]);
        Assert.Equal(["Taken", "Created", "MixerPlaced", "ParticipantJoined"], store.Events.Select(e => e.GetType().Name));

        var effects = Effects(new ConferenceInput.Stored());
        var state = Assert.IsType<ConferenceEffect.Publish>(effects[0]).State;
        Assert.Equal((Mixer, 1L), (state.Mixer, state.Version));
        Assert.Equal<MixerLeg>([new MixerLeg(Alice, new Ssrc(1))], state.Legs);
        Assert.Equal(new ConferenceEffect.Admit(Alice, Mixer, new Ssrc(1), new Incarnation(1)), effects[^1]);
    }

    [Fact]
    public void What_comes_during_a_write_is_written_together_and_answered_in_order()
    {
        Recover();
        Effects(Ask(Join(Alice)));
        Assert.Empty(Effects(Ask(Join(Bob))));
        Assert.Empty(Effects(Ask(Join(Carol))));
        var effects = Effects(new ConferenceInput.Stored());
        Assert.Equal(2, effects.OfType<ConferenceEffect.Store>().Single().Events.Length);
        Assert.Equal([Bob, Carol], Effects(new ConferenceInput.Stored()).OfType<ConferenceEffect.Admit>().Select(a => a.Participant));
    }

    [Fact]
    public void Who_leaves_is_out_of_the_mix_at_once_and_acknowledged_when_it_is_stored()
    {
        Joined(Alice, Bob);
        var effects = Effects(Ask(Leave(Bob)));
        Assert.Equal([Alice], Assert.IsType<ConferenceEffect.Publish>(effects[0]).State.Legs.Select(l => l.Participant));
        Assert.IsType<ConferenceEffect.Store>(effects[1]);
        Assert.Equal<ConferenceEffect>([new ConferenceEffect.Acknowledge(Bob)], Effects(new ConferenceInput.Stored()));
    }

    [Fact]
    public void A_leave_that_comes_again_meanwhile_is_not_written_twice()
    {
        Joined(Alice, Bob);
        Effects(Ask(Leave(Bob)));
        Assert.Empty(Effects(Ask(Leave(Bob))));
        Effects(new ConferenceInput.Stored());
        Assert.Equal<ConferenceEffect>([new ConferenceEffect.Acknowledge(Bob)], Effects(Ask(Leave(Bob))));
    }

    [Fact]
    public void While_the_journal_fails_joins_are_refused_and_leaves_are_acted_on_and_kept()
    {
        Joined(Alice, Bob);
        Effects(Ask(Leave(Bob)));
        Assert.Single(Effects(new ConferenceInput.JournalFailing()).OfType<ConferenceEffect.Say>());
        Assert.Equal<ConferenceEffect>([new ConferenceEffect.Refuse(Carol, Rejection.JournalUnavailable)], Effects(Ask(Join(Carol))));
        Assert.Empty(Assert.IsType<ConferenceEffect.Publish>(Assert.Single(Effects(Ask(Leave(Alice))))).State.Legs);

        var back = Effects(new ConferenceInput.Stored());
        Assert.Contains(new ConferenceEffect.Acknowledge(Bob), back);
        Assert.Equal(["ParticipantLeft", "Ended"], back.OfType<ConferenceEffect.Store>().Single().Events.Select(e => e.GetType().Name));
        Assert.Contains(new ConferenceEffect.Acknowledge(Alice), Effects(new ConferenceInput.Stored()));
    }

    [Fact]
    public void A_join_that_was_refused_and_stored_all_the_same_is_taken_back_and_never_heard()
    {
        Joined(Alice);
        Effects(Ask(Join(Bob)));
        Assert.Contains(new ConferenceEffect.Refuse(Bob, Rejection.JournalUnavailable), Effects(new ConferenceInput.JournalFailing()));
        var back = Effects(new ConferenceInput.Stored());
        Assert.Empty(back.OfType<ConferenceEffect.Publish>());
        Assert.Empty(back.OfType<ConferenceEffect.Admit>());
        var left = Assert.IsType<ConferenceEvent.ParticipantLeft>(Assert.Single(back.OfType<ConferenceEffect.Store>().Single().Events));
        Assert.Equal((Bob, LeaveReason.DialogFailed), (left.Participant, left.Reason));
    }

    [Fact]
    public void A_life_that_finds_calls_of_a_lost_process_ends_them_and_says_how_many()
    {
        var facts = _scene.After(Join(Alice), Join(Bob));
        var before = Before(Join(Alice), Join(Bob));
        var store = Assert.IsType<ConferenceEffect.Store>(Effects(new ConferenceInput.Recovered(before, CallsLost: true))[0]);
        Assert.Equal(["Taken", "ParticipantLeft", "ParticipantLeft", "Ended"], store.Events.Select(e => e.GetType().Name));
        var effects = Effects(new ConferenceInput.Stored());
        Assert.Equal(facts.Participants.Keys.ToHashSet(), effects.OfType<ConferenceEffect.HangUp>().Select(h => h.Participant).ToHashSet());
        Assert.Contains("2 calls", effects.OfType<ConferenceEffect.Say>().Single().Text, StringComparison.Ordinal);
        Assert.Empty(effects.OfType<ConferenceEffect.Publish>());
        Assert.False(_life.State.IsActive);
    }

    [Fact]
    public void A_life_that_finds_its_calls_alive_goes_on_with_them()
    {
        Effects(new ConferenceInput.Recovered(Before(Join(Alice)), CallsLost: false));
        var effects = Effects(new ConferenceInput.Stored());
        var publish = Assert.Single(effects.OfType<ConferenceEffect.Publish>());
        Assert.Equal((Mixer, new Incarnation(1)), (publish.State.Mixer, publish.State.Incarnation));
        Assert.Single(publish.State.Legs);

        // Who lost its leg with the former life comes to life by this, and asks the mixer for it.
        Assert.Equal(new ConferenceEffect.Move(Alice, Mixer, new Incarnation(1), MayOffer: true), Assert.Single(effects.OfType<ConferenceEffect.Move>()));
        Assert.Empty(Effects(new ConferenceInput.LegMoved(Alice, Mixer)).OfType<ConferenceEffect.ObserveMoved>());
        Assert.Empty(_life.Moves);
    }

    [Fact]
    public void A_conference_that_outlives_another_node_calls_its_participants()
    {
        Joined(Alice, Bob);
        var told = Effects(new ConferenceInput.LegsRecalled()).OfType<ConferenceEffect.Move>();
        Assert.Equal([Alice, Bob], told.Where(m => m.Mixer == Mixer).Select(m => m.Participant));
        Effects(new ConferenceInput.LegMoved(Alice, Mixer));
        Assert.Equal([Bob.Value], _life.Moves.Keys);
        Assert.Empty(Effects(new ConferenceInput.LegMoved(Bob, Mixer)).OfType<ConferenceEffect.ObserveMoved>());

        Effects(Ask(Leave(Bob)));
        Assert.Equal([Alice], Effects(new ConferenceInput.LegsRecalled()).OfType<ConferenceEffect.Move>().Select(m => m.Participant));
    }

    [Fact]
    public void Who_asks_for_its_mixer_is_told_or_ended_and_a_life_that_is_not_sure_says_nothing()
    {
        Assert.Empty(Effects(new ConferenceInput.PlaceAsked(Alice)));
        Joined(Alice);
        Assert.Equal<ConferenceEffect>(
            [new ConferenceEffect.Move(Alice, Mixer, _life.State.Incarnation, MayOffer: false)], Effects(new ConferenceInput.PlaceAsked(Alice)));
        Assert.Equal<ConferenceEffect>([new ConferenceEffect.HangUp(Bob, LeaveReason.NodeLost)], Effects(new ConferenceInput.PlaceAsked(Bob)));
    }

    [Fact]
    public void A_mixer_that_missed_a_state_is_sent_the_newest_again()
    {
        Joined(Alice, Bob);
        Assert.Equal(2, _life.WantedVersion);
        var again = Effects(Report(applied: 1)).OfType<ConferenceEffect.Publish>().Single().State;
        Assert.Equal((2L, 2), (again.Version, again.Legs.Length));
        Assert.Equal(2, Effects(Report(Mixer, new Incarnation(0), 2)).OfType<ConferenceEffect.Publish>().Single().State.Version);
        Assert.Empty(Effects(Report(applied: 2)).OfType<ConferenceEffect.Publish>());
        Assert.Equal(2, _life.AppliedVersion);
    }

    [Fact]
    public void A_silent_mixer_is_replaced_and_its_legs_move()
    {
        Joined(Alice);
        Effects(Report(applied: 1));
        _scene.Now += TimeSpan.FromSeconds(3);
        var effects = Effects(new ConferenceInput.Fired(ConferenceTimer.MixerSilent));
        Assert.Equal<ConferenceEvent>(
            [new ConferenceEvent.MixerPlaced(2) { At = _scene.Now, Loss = MixerLoss.Silent, Ssrcs = [new MemberSsrc(Alice, new Ssrc(2))] }], effects.OfType<ConferenceEffect.Store>().Single().Events);
        effects = Effects(new ConferenceInput.Stored());
        var told = effects.OfType<ConferenceEffect.Publish>().Select(p => p.State).ToList();
        Assert.Equal([Mixer, Mixer with { Incarnation = 2 }], told.Select(s => s.Mixer));
        Assert.Empty(told[0].Legs);
        Assert.Equal(new Ssrc(2), Assert.Single(told[1].Legs).Ssrc);
        Assert.DoesNotContain(effects, e => e is ConferenceEffect.HangUp);
        Assert.Equal([false, true], effects.OfType<ConferenceEffect.Move>().Select(m => m.MayOffer));
    }

    [Fact]
    public void A_mixer_that_takes_over_is_told_how_far_the_one_before_had_come_with_those_who_are_still_in()
    {
        Joined(Alice, Bob);
        Assert.Empty(_life.Published!.Resumes);
        Effects(Report(applied: 2) with { Uplinks = [Sent(Alice, 0x1_0007), Sent(Bob, 3), Sent(Carol, 4)] });
        Effects(Report(applied: 2) with { Uplinks = [Sent(Alice, 0x1_0006)] });
        Effects(Report(Mixer with { Incarnation = 7 }, _life.State.Incarnation, 0) with { Uplinks = [Sent(Alice, 0x9_0000)] });
        Effects(Ask(Leave(Bob)));
        Effects(new ConferenceInput.Stored());
        Assert.Empty(_life.Published!.Resumes);

        _scene.Now += TimeSpan.FromSeconds(3);
        Effects(new ConferenceInput.Fired(ConferenceTimer.MixerSilent));
        Effects(new ConferenceInput.Stored());
        var next = Mixer with { Incarnation = 2 };
        Assert.Equal(next, _life.Published!.Mixer);
        var resumed = Assert.Single(_life.Published.Resumes);
        Assert.Equal((Alice, new UplinkIndex(new Ssrc(0xA), 0x1_0007)), (resumed.Participant, Assert.Single(resumed.Indices)));

        // Any of its states may be the first that arrives; what it reports itself changes none of them.
        Effects(Report(next, _life.State.Incarnation, _life.WantedVersion) with { Uplinks = [Sent(Alice, 0x1_0100)] });
        Effects(Ask(Join(Carol)));
        Effects(new ConferenceInput.Stored());
        Assert.Equal(0x1_0007UL, Assert.Single(Assert.Single(_life.Published.Resumes).Indices).Highest);
        Effects(Ask(Leave(Alice)));
        Assert.Empty(_life.Published.Resumes);
        Effects(new ConferenceInput.Stored());
        Effects(Ask(Leave(Carol)));
        Effects(new ConferenceInput.Stored());
        Assert.Empty(_life.Uplinks);
    }

    private static LegUplinks Sent(ParticipantId participant, ulong highest) => new(participant, [new UplinkIndex(new Ssrc(0xA), highest)]);

    [Fact]
    public void A_report_puts_the_suspicion_off_and_a_timer_that_comes_late_begins_anew()
    {
        Joined(Alice);
        Effects(Report(applied: 1));
        _scene.Now += TimeSpan.FromSeconds(2);
        Effects(Report(applied: 1));
        _scene.Now += TimeSpan.FromSeconds(1);
        Assert.Equal<ConferenceEffect>(
            [new ConferenceEffect.Start(ConferenceTimer.MixerSilent, TimeSpan.FromSeconds(2))],
            Effects(new ConferenceInput.Fired(ConferenceTimer.MixerSilent)));
        _scene.Now += TimeSpan.FromSeconds(30);
        Assert.Equal<ConferenceEffect>(
            [new ConferenceEffect.Start(ConferenceTimer.MixerSilent, TimeSpan.FromSeconds(3))],
            Effects(new ConferenceInput.Fired(ConferenceTimer.MixerSilent)));
    }

    /// <summary>Who came while the journal was read was let in by the rules of nobody once.</summary>
    [Fact]
    public void Whoever_waits_is_decided_by_the_plan_that_comes_with_what_is_read_or_stored()
    {
        var plan = new ConferencePlan("board", [], []);
        var read = new ConferenceInput.Recovered([new ConferenceEvent.Planned(plan) { At = _scene.Now }], CallsLost: true);
        Assert.Same(plan, _life.PlanFor(read));
        Recover();
        Effects(Ask(new ConferenceCommand.Plan(plan)));
        Effects(Ask(Join(Alice)));
        Assert.Null(_life.PlanFor(new ConferenceInput.Asked(Join(Bob))));
        Assert.Same(plan, _life.PlanFor(new ConferenceInput.Stored()));
        Assert.Contains(Effects(new ConferenceInput.Stored()).OfType<ConferenceEffect.Store>().Single().Events, e => e is ConferenceEvent.ParticipantJoined);
    }

    [Fact]
    public void A_plan_and_whoever_waits_behind_it_are_not_decided_together()
    {
        Effects(Ask(new ConferenceCommand.Plan(new ConferencePlan("board", [], []))));
        Effects(Ask(Join(Alice)));
        var first = Effects(new ConferenceInput.Recovered([], CallsLost: true)).OfType<ConferenceEffect.Store>().Single().Events;
        Assert.DoesNotContain(first, e => e is ConferenceEvent.ParticipantJoined);
    }

    [Fact]
    public void A_mixer_at_rest_may_be_silent_for_longer_until_it_is_told_something()
    {
        Joined(Alice);
        var rested = Report(applied: 1) with { Rest = TimeSpan.FromSeconds(10) };
        Assert.Contains(new ConferenceEffect.Start(ConferenceTimer.MixerSilent, TimeSpan.FromSeconds(13)), Effects(rested));
        _scene.Now += TimeSpan.FromSeconds(12);
        Assert.Equal<ConferenceEffect>(
            [new ConferenceEffect.Start(ConferenceTimer.MixerSilent, TimeSpan.FromSeconds(1))], Effects(new ConferenceInput.Fired(ConferenceTimer.MixerSilent)));
        Effects(rested);
        Effects(Ask(Join(Bob)));
        Assert.Contains(new ConferenceEffect.Start(ConferenceTimer.MixerSilent, TimeSpan.FromSeconds(3)), Effects(new ConferenceInput.Stored()));
    }

    [Fact]
    public void The_mixer_of_an_ended_conference_is_told_that_this_is_its_last_state()
    {
        Joined(Alice);
        Effects(Ask(Leave(Alice)));
        Assert.True(Effects(new ConferenceInput.Stored()).OfType<ConferenceEffect.Publish>().Single().State.IsLast);
        var last = Effects(Report(applied: 1)).OfType<ConferenceEffect.Publish>().Single().State;
        Assert.Empty(last.Legs);
        Assert.Equal((3, true), (last.Version, last.IsLast));
        Assert.Empty(Effects(Report(applied: 3)));
    }

    [Fact]
    public void Whoever_joins_while_the_last_other_leaves_finds_the_mixer_in_charge()
    {
        Joined(Alice);
        Effects(Ask(Join(Bob)));
        var left = Effects(Ask(Leave(Alice))).OfType<ConferenceEffect.Publish>().Single().State;
        Assert.Empty(left.Legs);
        Assert.False(left.IsLast);
        var both = Effects(new ConferenceInput.Stored());
        Assert.Equal(Bob, Assert.Single(both.OfType<ConferenceEffect.Publish>().Single().State.Legs).Participant);
        Assert.Equal(left.Mixer, both.OfType<ConferenceEffect.Admit>().Single().Mixer);
    }

    [Fact]
    public void A_mixer_that_outlived_its_conference_is_told_by_the_next_life_once_that_has_taken_over()
    {
        Effects(new ConferenceInput.Recovered(Before(Join(Alice), Leave(Alice)), CallsLost: true));
        var taken = Effects(Report(Mixer, new Incarnation(0), 5)).OfType<ConferenceEffect.Store>().Single().Events;
        Assert.IsType<ConferenceEvent.Taken>(Assert.Single(taken));
        Effects(new ConferenceInput.Stored());
        var told = Effects(Report(Mixer, new Incarnation(0), 5)).OfType<ConferenceEffect.Publish>().Single().State;
        Assert.Equal((Mixer, new Incarnation(1), 0), (told.Mixer, told.Incarnation, told.Legs.Length));
    }

    [Fact]
    public void A_report_about_a_conference_that_never_was_leaves_no_trace()
    {
        Recover();
        Assert.Empty(Effects(Report(applied: 5)));
    }

    [Fact]
    public void A_life_that_another_one_has_overtaken_ends()
    {
        Joined(Alice);
        Assert.IsType<ConferenceEffect.Stop>(Effects(Report(Mixer, new Incarnation(2), 1))[^1]);
        Assert.IsType<ConferenceEffect.Stop>(Effects(new ConferenceInput.Overtaken())[^1]);
    }

    [Fact]
    public void The_end_by_the_operator_reaches_everybody_at_once_also_without_a_journal()
    {
        Joined(Alice, Bob);
        Effects(Ask(Join(Carol)));
        Effects(new ConferenceInput.JournalFailing());
        var effects = Effects(Ask(new ConferenceCommand.End(EndReason.Operator)));
        Assert.Equal([Alice, Bob], effects.OfType<ConferenceEffect.HangUp>().Select(h => h.Participant));
        Assert.Empty(effects.OfType<ConferenceEffect.Publish>().Single().State.Legs);
    }

    [Fact]
    public void An_ended_conference_lingers_for_its_last_leaves_and_goes()
    {
        Joined(Alice);
        Effects(Ask(Leave(Alice)));
        Assert.Contains(
            new ConferenceEffect.Start(ConferenceTimer.Idle, ConferenceMachine.Linger), Effects(new ConferenceInput.Stored()));
        Assert.Contains(new ConferenceEffect.Cancel(ConferenceTimer.Idle), Effects(Ask(Join(Bob))));
        Effects(new ConferenceInput.Stored());
        Assert.Empty(Effects(new ConferenceInput.Fired(ConferenceTimer.Idle)));
        Effects(Ask(Leave(Bob)));
        Effects(new ConferenceInput.Stored());
        Assert.IsType<ConferenceEffect.Passivate>(Assert.Single(Effects(new ConferenceInput.Fired(ConferenceTimer.Idle))));
    }

    [Fact]
    public void An_entity_that_is_to_go_waits_for_what_is_being_written()
    {
        Recover();
        Effects(Ask(Join(Alice)));
        Assert.Empty(Effects(new ConferenceInput.StopRequested()));
        Assert.IsType<ConferenceEffect.Stop>(Effects(new ConferenceInput.Stored())[^1]);
    }

    [Fact]
    public void The_queue_of_joins_has_an_end()
    {
        for (var i = 0; i < ConferenceMachine.MaxWaiting; i++) Assert.Empty(Effects(Ask(Join(new ParticipantId($"p{i}")))));
        Assert.Equal<ConferenceEffect>([new ConferenceEffect.Refuse(Alice, Rejection.JournalUnavailable)], Effects(Ask(Join(Alice))));
    }

    private static ConferenceInput.Asked Ask(ConferenceCommand command) => new(command);

    private ConferenceInput.MixerReported Report(long applied) => Report(Mixer, _life.State.Incarnation, applied);

    private static ConferenceInput.MixerReported Report(MixerId mixer, Incarnation incarnation, long applied) =>
        new(mixer, incarnation, applied);

    private ImmutableArray<ConferenceEffect> Effects(ConferenceInput input)
    {
        var step = ConferenceMachine.Next(_life, input, _scene.Context);
        _life = step.Life;
        return step.Effects;
    }

    private void Recover() => Effects(new ConferenceInput.Recovered([], CallsLost: true));

    private void Joined(params ParticipantId[] participants)
    {
        Recover();
        foreach (var participant in participants)
        {
            Effects(Ask(Join(participant)));
            Effects(new ConferenceInput.Stored());
        }
    }

    private ImmutableArray<ConferenceEvent> Before(params ConferenceCommand[] commands)
    {
        var state = ConferenceState.New(Room);
        var events = ImmutableArray.CreateBuilder<ConferenceEvent>();
        foreach (var command in commands)
        {
            var accepted = _scene.Accepted(state, command);
            events.AddRange(accepted);
            state = state.Apply(accepted);
        }

        return events.DrainToImmutable();
    }
}
