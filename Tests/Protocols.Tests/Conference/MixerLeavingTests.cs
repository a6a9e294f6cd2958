using System.Collections.Immutable;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Keys.Rekeying;
using ConfCluster.Protocols.Rtp;
using Xunit;
using static ConfCluster.Protocols.Tests.Conference.ConferenceScene;

namespace ConfCluster.Protocols.Tests.Conference;

/// <summary>
/// What goes wrong while a mixer goes on until its legs are at its successor: it dies, begins anew, a key of it is over, the successor is drained too, the focus dies.
/// </summary>
public sealed class MixerLeavingTests
{
    private static readonly MixerId First = new(Room, 0, 1);
    private static readonly MixerId Second = First with { Incarnation = 2 };
    private static readonly MixerId Third = First with { Incarnation = 3 };
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(3);
    private readonly ConferenceScene _scene = new() { MaxParticipants = 100, Keys = new GroupKeyPolicy(true, RekeyPolicy.Default with { MaxOffers = 1 }) };
    private readonly List<ConferenceEvent> _journal = [];
    private ImmutableArray<ConferenceEvent> _writing = [];
    private ConferenceLife _life = ConferenceLife.New(Room);

    [Fact]
    public void One_that_dies_is_waited_for_no_longer_than_any_other_and_who_was_left_there_hears_the_successor_at_once()
    {
        Drained(LegAbility.None, Alice, Bob);
        Effects(new ConferenceInput.LegMoved(Alice, Second));
        for (var waited = TimeSpan.Zero; waited < Silence; waited += TimeSpan.FromMilliseconds(500))
        {
            Assert.DoesNotContain(Effects(Report(Second)), e => e is ConferenceEffect.Publish { State: { IsLast: true } });
            _scene.Now += TimeSpan.FromMilliseconds(500);
        }

        var told = Effects(Report(Second));
        Assert.True(Assert.Single(States(told), s => s.Mixer == First).IsLast);
        Assert.Equal([(Bob, false)], told.OfType<ConferenceEffect.Move>().Select(m => (m.Participant, m.IsGentle)));
        Assert.False(_life.HasLeaving);
    }

    [Fact]
    public void One_that_says_that_it_rests_is_waited_for_as_long()
    {
        Drained(LegAbility.None, Alice);
        Effects(Report(First) with { Rest = TimeSpan.FromSeconds(5) });
        for (var i = 0; i < 15; i++)
        {
            _scene.Now += TimeSpan.FromMilliseconds(500);
            Effects(Report(Second));
        }

        Assert.True(_life.HasLeaving);
        _scene.Now += TimeSpan.FromMilliseconds(500);
        Effects(Report(Second));
        Assert.False(_life.HasLeaving);
    }

    [Fact]
    public void A_pause_of_the_focus_is_no_death_of_the_mixer()
    {
        Drained(LegAbility.None, Alice);
        _scene.Now += Silence + Silence;
        Effects(Report(Second));
        Assert.True(_life.HasLeaving);
        Effects(Report(First));
        _scene.Now += TimeSpan.FromMilliseconds(500);
        Effects(Report(Second));
        Assert.True(_life.HasLeaving);
    }

    /// <summary>K6: it would send under the same keys and SSRCs from index 0 on.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void One_that_began_anew_is_given_no_legs_again(bool tells)
    {
        Drained(LegAbility.None, Alice, Bob);
        var anew = Effects(tells ? Report(First) with { Born = 6 } : Report(First) with { Born = 6, Incarnation = default, AppliedVersion = 0 });
        var state = Assert.Single(States(anew), s => s.Mixer == First);
        Assert.True(state is { IsLast: true, Legs.Length: 0, Born: 0 });
        Assert.All(anew.OfType<ConferenceEffect.Move>(), m => Assert.False(m.IsGentle));
        Assert.Equal([Alice, Bob], anew.OfType<ConferenceEffect.Move>().Select(m => m.Participant));
    }

    /// <summary>K4, K1: who has left may have it.</summary>
    [Fact]
    public void A_key_that_is_over_is_over_there_too()
    {
        Drained(new LegAbility(TakesMki: true, IsProtected: true, ""), Alice, Bob);
        var before = _life.Keys.Epochs.Select(e => e.Epoch).First();
        Assert.All(_first!.Legs, l => Assert.Equal(new LegKeyUse(LegKeyMode.ByMki, before), l.Key));
        // Nobody takes the key that began with the new mixer.
        for (var i = 0; i < 26; i++)
        {
            _scene.Now += TimeSpan.FromMilliseconds(500);
            Effects(Report(First));
            Effects(Report(Second));
            Effects(new ConferenceInput.Fired(ConferenceTimer.Keys));
            Write();
        }

        Assert.True(_life.HasLeaving);
        Assert.Equal([Alice, Bob], _first!.Legs.Select(l => l.Participant));
        Assert.All(_first.Legs, l => Assert.Equal(LegKeyUse.Own, l.Key));
        Assert.DoesNotContain(before, _first.Epochs);
    }

    [Fact]
    public void Who_took_a_key_that_it_is_not_given_is_let_go_when_the_one_before_is_over()
    {
        Drained(new LegAbility(TakesMki: true, IsProtected: true, ""), Alice, Bob);
        Effects(new ConferenceInput.KeyReported(Alice, LegKeyAnswer.Took, _life.State.LastEpoch, TimeSpan.Zero));
        Assert.Contains(_first!.Legs, l => l.Participant == Alice);
        var moves = new List<ConferenceEffect.Move>();
        for (var i = 0; i < 26; i++)
        {
            _scene.Now += TimeSpan.FromMilliseconds(500);
            foreach (var input in (ConferenceInput[])[Report(First), Report(Second), new ConferenceInput.Fired(ConferenceTimer.Keys)])
                moves.AddRange(Effects(input).OfType<ConferenceEffect.Move>());
            Write();
        }

        Assert.Equal([Bob], _first!.Legs.Select(l => l.Participant));
        Assert.Contains(moves, m => m.Participant == Alice && !m.IsGentle);
        Assert.DoesNotContain(moves, m => m.Participant == Bob && !m.IsGentle);
    }

    [Fact]
    public void When_its_successor_is_drained_too_who_had_not_arrived_there_hears_the_third_at_once()
    {
        Drained(LegAbility.None, Alice, Bob);
        Effects(new ConferenceInput.LegMoved(Alice, Second));
        Effects(Report(Second) with { Sending = [Alice] });
        Effects(new ConferenceInput.MixerDrained(Second));
        var told = Effects(new ConferenceInput.Stored());
        Assert.True(Assert.Single(States(told), s => s.Mixer == First).IsLast);
        var moves = told.OfType<ConferenceEffect.Move>().Where(m => m.Mixer == Third).GroupBy(m => m.Participant).ToDictionary(m => m.Key, m => m.First().IsGentle);
        Assert.True(moves[Alice]);
        Assert.False(moves[Bob]);
    }

    [Fact]
    public void One_that_dies_before_its_successor_is_stored_does_not_go_on()
    {
        Joined(LegAbility.None, Alice);
        Effects(Report(First));
        // Something else is being written.
        Effects(new ConferenceInput.Asked(Join(Bob) with { Ability = LegAbility.None }));
        Effects(new ConferenceInput.MixerDrained(First));
        foreach (var _ in (int[])[1, 2])
        {
            _scene.Now = _life.ReportDue;
            Effects(new ConferenceInput.Fired(ConferenceTimer.MixerSilent));
        }
        Effects(new ConferenceInput.Stored());
        var placed = Assert.Single(_writing.OfType<ConferenceEvent.MixerPlaced>());
        Assert.Equal(MixerLoss.Silent, placed.Loss);
        Assert.All(Effects(new ConferenceInput.Stored()).OfType<ConferenceEffect.Move>(), m => Assert.False(m.IsGentle));
    }

    [Fact]
    public void A_focus_that_comes_back_knows_of_no_mixer_that_goes_on()
    {
        Drained(LegAbility.None, Alice);
        _life = ConferenceLife.New(Room);
        Effects(new ConferenceInput.Recovered([.. _journal], CallsLost: false));
        var told = Effects(new ConferenceInput.Stored()).Concat(Effects(Report(Second))).OfType<ConferenceEffect.Move>().ToList();
        Assert.NotEmpty(told);
        Assert.All(told, m => Assert.Equal((Alice, Second, false), (m.Participant, m.Mixer, m.IsGentle)));
        Assert.True(Assert.Single(States(Effects(Report(First)))).IsLast);
    }

    [Fact]
    public void How_far_legs_have_come_at_the_one_that_leaves_is_known_to_the_next_after_its_successor()
    {
        Drained(LegAbility.None, Alice);
        var source = new UplinkIndex(new Ssrc(77), 70_000);
        Effects(Report(First) with { Uplinks = [new LegUplinks(Alice, [source])] });
        Effects(Report(Second) with { Uplinks = [new LegUplinks(Alice, [source with { Highest = 69_000 }])] });
        Effects(new ConferenceInput.MixerDrained(Second));
        var state = Assert.Single(States(Effects(new ConferenceInput.Stored())), s => s.Mixer == Third);
        Assert.Equal(source, Assert.Single(Assert.Single(state.Resumes).Indices));
    }

    private MixerState? _first;

    private void Drained(LegAbility ability, params ParticipantId[] people)
    {
        Joined(ability, people);
        Effects(Report(First) with { Born = 5 });
        Effects(new ConferenceInput.MixerDrained(First));
        Assert.Equal(MixerLoss.Drained, _writing.OfType<ConferenceEvent.MixerPlaced>().Single().Loss);
        Effects(new ConferenceInput.Stored());
        Assert.True(_life.HasLeaving);
        Effects(Report(Second));
    }

    private void Joined(LegAbility ability, params ParticipantId[] people)
    {
        Effects(new ConferenceInput.Recovered([], CallsLost: true));
        foreach (var who in people)
        {
            Effects(new ConferenceInput.Asked(Join(who) with { Ability = ability }));
            Write();
            Effects(new ConferenceInput.KeyReported(who, LegKeyAnswer.Ready, _life.State.LastEpoch, TimeSpan.Zero));
            Write();
        }

        // Everybody has the newest key.
        for (var i = 0; i < 30 && ability.TakesMki; i++)
        {
            _scene.Now += TimeSpan.FromMilliseconds(500);
            foreach (var who in people) Effects(new ConferenceInput.KeyReported(who, LegKeyAnswer.Took, _life.State.LastEpoch, TimeSpan.Zero));
            Effects(new ConferenceInput.Fired(ConferenceTimer.Keys));
            Effects(Report(First));
            Write();
        }
    }

    private ConferenceInput.MixerReported Report(MixerId mixer) => new(mixer, _life.State.Incarnation, _life.Version)
    {
        Shared = new SharedReport(16, 0),
        Born = 4 + mixer.Incarnation,
        Trunk = new TrunkReport(null, long.MaxValue),
    };

    private void Write()
    {
        while (!_writing.IsEmpty) Effects(new ConferenceInput.Stored());
    }

    private static IEnumerable<MixerState> States(IEnumerable<ConferenceEffect> effects) => effects.OfType<ConferenceEffect.Publish>().Select(p => p.State);

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
        _first = States(step.Effects).LastOrDefault(s => s.Mixer == First) ?? _first;
        return step.Effects;
    }
}
