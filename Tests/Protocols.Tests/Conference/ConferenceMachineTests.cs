using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Rtp;
using Xunit;
using static ConfCluster.Protocols.Tests.Conference.ConferenceScene;

namespace ConfCluster.Protocols.Tests.Conference;

/// <summary>What is stored before anybody hears of it, and how a life begins and ends.</summary>
public sealed class ConferenceMachineTests : ConferenceMachineScene
{
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

        // Another under the name of that mixer is not to go on with its SSRCs; who has said which life of it it is needs no such word.
        Assert.True(publish.State.IsFound);
        var heard = Effects(Report(publish.State.Version - 1) with { Born = 9 }).OfType<ConferenceEffect.Publish>().Single().State;
        Assert.Equal((9L, false), (heard.Born, heard.IsFound));

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
}
