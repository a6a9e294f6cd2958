using System.Collections.Immutable;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Keys.Rekeying;
using ConfCluster.Protocols.Rtp;
using Xunit;
using static ConfCluster.Protocols.Tests.Conference.ConferenceScene;

namespace ConfCluster.Protocols.Tests.Conference;

/// <summary>What the mixers of a conference are told of each other, and when.</summary>
public sealed class MixerTrunksTests
{
    private static readonly MixerId First = new(Room, 0, 1);
    private static readonly MixerId Second = new(Room, 1, 2);
    private readonly ConferenceScene _scene = new() { MaxParticipants = 9, LegsPerMixer = 2, Keys = new GroupKeyPolicy(true, RekeyPolicy.Default) };
    private ConferenceLife _life = ConferenceLife.New(Room);

    public MixerTrunksTests() => Effects(new ConferenceInput.Recovered([], CallsLost: false));

    [Fact]
    public void A_mixer_alone_is_told_of_no_other_and_two_are_told_of_each_other_in_one_generation()
    {
        Joins(Alice, Bob);
        Assert.Null(_life.Published!.Trunk);
        var told = States(Joins(Carol));
        Assert.Equal([First, Second], told.Select(s => s.Mixer));
        Assert.Equal([Second], told[0].Trunk!.Peers.Select(p => p.Mixer));
        Assert.Equal([First], told[1].Trunk!.Peers.Select(p => p.Mixer));
        Assert.All(told, s => Assert.Equal(told[0].Trunk!.Generation, s.Trunk!.Generation));
        Assert.True(told[0].Trunk!.Generation > TrunkPlan.First(_life.State.Incarnation));
        // Who leaves or comes where there is room changes no keys between mixers.
        Assert.All(States(Joins(new ParticipantId("d"))), s => Assert.Equal(told[0].Trunk!.Generation, s.Trunk!.Generation));
    }

    [Fact]
    public void Where_a_mixer_takes_packets_is_told_to_the_others_once()
    {
        Joins(Alice, Bob, Carol);
        var address = new MediaAddress(0, 0x7F000001, 40_100, false);
        var told = States(Report(Second, address));
        Assert.Equal(address, Assert.Single(Assert.Single(told, s => s.Mixer == First).Trunk!.Peers).Address);
        Assert.Empty(States(Report(Second, address)));
        // One that does not say is where it was.
        Assert.Empty(States(Report(Second, null)));
    }

    [Fact]
    public void Who_has_not_the_keys_of_its_state_is_told_them_again()
    {
        Joins(Alice, Bob, Carol);
        Report(First, null);
        var again = Effects(ReportOf(First, null) with { Trunk = new TrunkReport(null, _life.Published!.Trunk!.Generation - 1) }).OfType<ConferenceEffect.Publish>();
        Assert.True(Assert.Single(again).IsRepeated);
        Assert.Empty(States(Report(First, null)));
    }

    [Fact]
    public void The_loss_of_one_moves_its_legs_only_and_changes_the_keys_between_all()
    {
        Joins(Alice, Bob, Carol);
        Report(First, null);
        Report(Second, null);
        var generation = _life.Published!.Trunk!.Generation;
        _scene.Now = _life.ReportDue;
        Report(First, null);
        Effects(new ConferenceInput.Fired(ConferenceTimer.MixerSilent));
        _scene.Now = _life.ReportDue;
        Report(First, null);
        var facts = Effects(new ConferenceInput.Fired(ConferenceTimer.MixerSilent)).OfType<ConferenceEffect.Store>().Single().Events;
        Assert.Equal((1, MixerLoss.Silent), facts.OfType<ConferenceEvent.MixerPlaced>().Select(p => (p.Number, p.Loss)).Single());
        Assert.Equal([Carol], facts.OfType<ConferenceEvent.MixerPlaced>().Single().Ssrcs.Select(s => s.Participant));
        var effects = Effects(new ConferenceInput.Stored());
        Assert.Equal([Carol], effects.OfType<ConferenceEffect.Move>().Select(m => m.Participant).Distinct());
        var states = States(effects);
        Assert.True(Assert.Single(states, s => s.Mixer == Second) is { IsLast: true, Trunk: null });
        var third = Second with { Incarnation = 3 };
        Assert.Equal(generation + 1, Assert.Single(states, s => s.Mixer == third).Trunk!.Generation);
        var first = Assert.Single(states, s => s.Mixer == First);
        Assert.Equal((generation + 1, third), (first.Trunk!.Generation, Assert.Single(first.Trunk.Peers).Mixer));
        Assert.Equal([Alice, Bob], first.Legs.Select(l => l.Participant));
    }

    [Fact]
    public void Each_life_of_the_focus_has_a_higher_generation()
    {
        Joins(Alice, Bob, Carol);
        var generation = _life.Published!.Trunk!.Generation;
        var journal = _journal.ToImmutableArray();
        _life = ConferenceLife.New(Room);
        Effects(new ConferenceInput.Recovered(journal, CallsLost: false));
        Effects(new ConferenceInput.Stored());
        Assert.True(_life.Published!.Trunk!.Generation > generation + 1000);
    }

    [Fact]
    public void SSRCs_between_mixers_are_different_for_each_mixer_and_generation()
    {
        var first = TrunkPlan.First(new Incarnation(7));
        var ssrcs = Enumerable.Range(0, 8).SelectMany(n => Enumerable.Range(1, 100).Select(g => TrunkPlan.SsrcOf(first + g, n)));
        Assert.Equal(8 * 100, ssrcs.Distinct().Count());
    }

    [Fact]
    public void Who_is_called_while_all_mixers_are_full_is_called_from_another_one()
    {
        Joins(Alice, Bob);
        var asked = Effects(new ConferenceInput.CalloutAsked(Carol, "sip:c@example.com"));
        Assert.DoesNotContain(asked, e => e is ConferenceEffect.Grant);
        Assert.Equal(1, asked.OfType<ConferenceEffect.Store>().Single().Events.OfType<ConferenceEvent.MixerPlaced>().Single().Number);
        Assert.Contains(new ConferenceEffect.Grant(Carol, Second), Effects(new ConferenceInput.Stored()));
        // Two that ring take the places of that one, and whoever answers stays there.
        var (dora, emil) = (new ParticipantId("d"), new ParticipantId("e"));
        Assert.Contains(new ConferenceEffect.Grant(dora, Second), Effects(new ConferenceInput.CalloutAsked(dora, "sip:d@example.com")));
        Assert.DoesNotContain(Effects(new ConferenceInput.CalloutAsked(emil, "sip:e@example.com")), e => e is ConferenceEffect.Grant);
        Assert.Contains(new ConferenceEffect.Grant(emil, new MixerId(Room, 2, 3)), Effects(new ConferenceInput.Stored()));
        Joins(Carol);
        Assert.Equal(Second, _life.State.MixerOf(Carol));
    }

    private readonly List<ConferenceEvent> _journal = [];

    private ImmutableArray<ConferenceEffect> Joins(params ParticipantId[] people)
    {
        var effects = ImmutableArray.CreateBuilder<ConferenceEffect>();
        foreach (var who in people)
        {
            var step = Effects(new ConferenceInput.Asked(Join(who) with { Ability = new LegAbility(true, true, "") }));
            effects.Clear();
            for (; step.Any(e => e is ConferenceEffect.Store); effects.AddRange(step)) step = Effects(new ConferenceInput.Stored());
        }

        return effects.ToImmutable();
    }

    private ImmutableArray<ConferenceEffect> Report(MixerId mixer, MediaAddress? address) => Effects(ReportOf(mixer, address));

    private ConferenceInput.MixerReported ReportOf(MixerId mixer, MediaAddress? address) => new(mixer, _life.State.Incarnation, _life.WantedVersion)
    {
        Born = 5 + mixer.Incarnation,
        Shared = new SharedReport(9, 0),
        Trunk = new TrunkReport(address, _life.Published?.Trunk?.Generation ?? 0),
    };

    private static ImmutableArray<MixerState> States(ImmutableArray<ConferenceEffect> effects) => [.. effects.OfType<ConferenceEffect.Publish>().Select(p => p.State)];

    private ImmutableArray<ConferenceEffect> Effects(ConferenceInput input)
    {
        var step = ConferenceMachine.Next(_life, input, _scene.Context);
        _life = step.Life;
        foreach (var store in step.Effects.OfType<ConferenceEffect.Store>()) _journal.AddRange(store.Events);
        return step.Effects;
    }
}
