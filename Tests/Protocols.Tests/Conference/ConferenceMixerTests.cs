using System.Collections.Immutable;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Rtp;
using Xunit;
using static ConfCluster.Protocols.Tests.Conference.ConferenceScene;

namespace ConfCluster.Protocols.Tests.Conference;

/// <summary>A conference and its one mixer: what that is told, and when another takes its place.</summary>
public sealed class ConferenceMixerTests : ConferenceMachineScene
{
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
        var effects = Loses();
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

        Loses();
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
    public void A_report_puts_the_suspicion_off()
    {
        Joined(Alice);
        Effects(Report(applied: 1));
        _scene.Now += TimeSpan.FromSeconds(2);
        Effects(Report(applied: 1));
        _scene.Now += TimeSpan.FromSeconds(1);
        AsksFor(1.4);
        _scene.Now += TimeSpan.FromSeconds(1.4);
        AsksFor(0.6);
        Effects(Report(applied: 1));
        _scene.Now += TimeSpan.FromSeconds(0.6);
        AsksFor(1.8);
    }

    /// <summary>The reports of that time are behind the timer, or on their way.</summary>
    [Fact]
    public void A_process_that_was_held_up_takes_no_mixer_for_silent_before_it_has_waited_without_being_held_up()
    {
        Joined(Alice);
        Effects(Report(applied: 1));
        _scene.Now += TimeSpan.FromSeconds(30);
        AsksFor(0.6);
        foreach (var late in new[] { 0.91, 5 })
        {
            _scene.Now += TimeSpan.FromSeconds(late);
            AsksFor(0.6);
        }

        _scene.Now += TimeSpan.FromSeconds(0.9);
        Assert.Single(Effects(new ConferenceInput.Fired(ConferenceTimer.MixerSilent)).OfType<ConferenceEffect.Store>());
    }

    [Fact]
    public void A_mixer_at_rest_may_be_silent_for_longer_until_it_is_told_something()
    {
        Joined(Alice);
        var rested = Report(applied: 1) with { Rest = TimeSpan.FromSeconds(10) };
        Assert.Contains(new ConferenceEffect.Start(ConferenceTimer.MixerSilent, TimeSpan.FromSeconds(12.4)), Effects(rested));
        _scene.Now += TimeSpan.FromSeconds(12);
        AsksFor(0.4);
        Effects(rested);
        Effects(Ask(Join(Bob)));
        Assert.Contains(new ConferenceEffect.Start(ConferenceTimer.MixerSilent, TimeSpan.FromSeconds(2.4)), Effects(new ConferenceInput.Stored()));
    }

    private void AsksFor(double seconds) => Assert.Equal<ConferenceEffect>(
        [new ConferenceEffect.Start(ConferenceTimer.MixerSilent, TimeSpan.FromSeconds(seconds))], Effects(new ConferenceInput.Fired(ConferenceTimer.MixerSilent)));

    /// <summary>Its mixer is not heard of, nor when it is waited for once more.</summary>
    private ImmutableArray<ConferenceEffect> Loses()
    {
        _scene.Now = _life.ReportDue;
        Effects(new ConferenceInput.Fired(ConferenceTimer.MixerSilent));
        _scene.Now = _life.ReportDue;
        return Effects(new ConferenceInput.Fired(ConferenceTimer.MixerSilent));
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
}
