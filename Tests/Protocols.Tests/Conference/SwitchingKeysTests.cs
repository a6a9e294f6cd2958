using System.Collections.Immutable;
using ConfCluster.Protocols.Audit;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Keys.Rekeying;
using ConfCluster.Protocols.Rtp;
using Xunit;

namespace ConfCluster.Protocols.Tests.Conference;

/// <summary>The two rounds as a conference runs and stores them; the audit of each test's journal finds nothing, or what was put in.</summary>
public sealed class SwitchingKeysTests : IDisposable
{
    private static readonly RekeyPolicy Rekey = RekeyPolicy.Default with { MinInterval = TimeSpan.FromSeconds(1), DistributionTimeout = TimeSpan.FromSeconds(6) };
    private static readonly ParticipantId Alice = new("a");
    private static readonly ParticipantId Bob = new("b");
    private readonly List<ConferenceEvent> _journal = [];
    private readonly List<ConferenceEffect> _did = [];
    private ConferenceLife _life = ConferenceLife.New(ConferenceScene.Room);
    private DateTimeOffset _now = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);
    private uint _ssrc;

    public SwitchingKeysTests() => Give(new ConferenceInput.Recovered([], CallsLost: true));

    public void Dispose() => Assert.Empty(Audit(_journal));

    [Fact]
    public void Everybody_takes_the_key_before_anybody_is_told_to_send_under_it()
    {
        Enter(Alice);
        Answer(Alice);
        Enter(Bob);
        Pass(TimeSpan.FromSeconds(2));
        // Bob's answer had the second key; alice is offered it, and nobody sends under it.
        Assert.Equal([(Alice, 1u, true), (Alice, 2u, false)], Offers);
        Answer(Alice);
        Assert.Equal([(Alice, 2u, true), (Bob, 2u, true)], Offers.Skip(2));
        Answer(Bob);
        Answer(Alice);
        Pass(TimeSpan.FromSeconds(1));
        Assert.Equal(
            ["Sent a 1", "Confirmed a 1", "Told a 1", "Moved a 1", "Sent b 2", "Sent a 2", "Confirmed b 2", "Confirmed a 2", "Told a 2", "Told b 2", "Moved b 2", "Moved a 2"],
            _journal.OfType<ConferenceEvent.LegsProgressed>().SelectMany(e => e.Steps).Select(s => $"{s.Kind} {s.Participant} {s.Epoch.Number}"));
        Assert.Equal(
            [EpochPassage.Distributed, EpochPassage.Settled],
            _journal.OfType<ConferenceEvent.KeyEpochPassed>().Where(p => p.Epoch.Number == 2).Select(p => p.Passage));
    }

    [Fact]
    public void The_mixer_is_told_from_which_key_on_each_can_open_and_of_no_key_to_hold()
    {
        Enter(Alice);
        Assert.Equal(new LegKeyUse(LegKeyMode.ByMki, new KeyEpoch(1)), Told.Legs[0].Key);
        Answer(Alice);
        Enter(Bob);
        Pass(TimeSpan.FromSeconds(2));
        foreach (var who in new[] { Alice, Alice, Bob }) Answer(who);
        Assert.Equal([1u, 2u], Told.Legs.Select(l => l.Key.Epoch.Number));
        Assert.Equal(1u, Told.ForwardsFrom!.Value.Number);
        Pass(Rekey.Grace + TimeSpan.FromSeconds(1));
        Assert.Equal(2u, Told.ForwardsFrom!.Value.Number);
        Assert.All(_did.OfType<ConferenceEffect.Publish>(), p => Assert.Empty(p.State.Epochs));
    }

    [Fact]
    public void Who_does_not_take_the_key_is_out_and_the_next_one_begins_without_it()
    {
        Enter(Alice);
        Answer(Alice);
        Enter(Bob);
        Pass(TimeSpan.FromSeconds(2));
        foreach (var who in new[] { Alice, Alice, Bob }) Answer(who);
        Give(new ConferenceInput.RekeyAsked("test"));
        Answer(Alice);
        Pass(TimeSpan.FromSeconds(6.1));
        Assert.Contains(_did, e => e is ConferenceEffect.HangUp { Reason: LeaveReason.KeyNotTaken } h && h.Participant == Bob);
        Give(new ConferenceInput.Asked(ConferenceScene.Leave(Bob)));
        Pass(TimeSpan.FromSeconds(1));
        foreach (var _ in Enumerable.Range(0, 2)) Answer(Alice);
        // Bob was sent the third, so nobody ever sends under it (K1).
        Assert.Equal([1u, 2u, 4u], Offers.Where(o => o.Who == Alice && o.Switches).Select(o => o.Epoch));
        Pass(TimeSpan.FromSeconds(3));
    }

    /// <summary>The audit knows what is wrong when somebody is told to send before all have the key and one of them leaves.</summary>
    [Fact]
    public void The_audit_finds_a_key_that_was_put_in_use_after_a_holder_had_left()
    {
        Enter(Alice);
        Answer(Alice);
        Enter(Bob);
        Pass(TimeSpan.FromSeconds(2));
        foreach (var who in new[] { Alice, Alice, Bob }) Answer(who);
        Give(new ConferenceInput.Asked(ConferenceScene.Leave(Bob)));
        Pass(TimeSpan.FromSeconds(2));
        var step = new LegStep(Alice, LegStepKind.Told, new KeyEpoch(2), _now);
        var told = _journal.Select(e => e is ConferenceEvent.LegsProgressed p && p.Steps.Any(s => s is { Kind: LegStepKind.Told or LegStepKind.Moved, Epoch.Number: 2 })
            ? p with { Steps = [.. p.Steps.Where(s => !(s.Kind is LegStepKind.Told or LegStepKind.Moved && s.Epoch.Number == 2))] }
            : e).Append(new ConferenceEvent.LegsProgressed([step]) { At = _now });
        Assert.Contains(Audit(told), v => v.Rule == AuditRule.K1);
        foreach (var _ in Enumerable.Range(0, 2)) Answer(Alice);
        Pass(TimeSpan.FromSeconds(3));
    }

    [Fact]
    [Trait("RFC", "6043 §6.1.1")]
    public void Who_joins_late_is_told_once_how_far_those_are_who_have_sent_for_long()
    {
        Enter(Alice);
        Answer(Alice);
        Answer(Alice);
        var source = _life.State.Participants[Alice].Uplink;
        var far = new UplinkIndex(source, 3ul << 16 | 5);
        Give(new ConferenceInput.MixerReported(Told.Mixer, _life.State.Incarnation, Told.Version)
        {
            Uplinks = [new LegUplinks(Alice, [far, new UplinkIndex(new Ssrc(5), 1ul << 40)])],
        });
        Enter(Bob);
        Pass(TimeSpan.FromSeconds(2));
        foreach (var who in new[] { Alice, Alice, Bob }) Answer(who);
        Give(new ConferenceInput.RekeyAsked("test"));
        foreach (var who in new[] { Alice, Bob, Alice, Bob }) Answer(who);
        Assert.All(_did.OfType<ConferenceEffect.OfferKey>().Where(o => o.Participant == Alice), o => Assert.Empty(o.Streams));
        var told = _did.OfType<ConferenceEffect.OfferKey>().Where(o => o.Participant == Bob && o.Switches).ToList();
        Assert.Equal(2, told.Count);
        Assert.Equal(far, Assert.Single(told[0].Streams));
        Assert.Empty(told[1].Streams);
        Pass(TimeSpan.FromSeconds(3));
    }

    private MixerState Told => _did.OfType<ConferenceEffect.Publish>().Last().State;

    private IEnumerable<(ParticipantId Who, uint Epoch, bool Switches)> Offers =>
        _did.OfType<ConferenceEffect.OfferKey>().Select(o => (o.Participant, o.Epoch.Number, o.Switches));

    private static ImmutableArray<AuditViolation> Audit(IEnumerable<ConferenceEvent> journal) =>
        AuditChecks.Run(ConferenceScene.Room.Value, journal.Select((e, i) => KeyChangeProjection.Of(i + 1, e)));

    private void Enter(ParticipantId who)
    {
        Give(new ConferenceInput.Asked(ConferenceScene.Join(who) with { Ability = new LegAbility(true, true, "") { TicketSsrc = 1000 + ++_ssrc }, Media = "Pcmu/0" }));
        Pass(TimeSpan.FromSeconds(1.1));
        var told = _did.OfType<ConferenceEffect.Admit>().Last(a => a.Participant == who).Epoch;
        Give(new ConferenceInput.KeyReported(who, LegKeyAnswer.Ready, told ?? default, default));
        Pass(TimeSpan.FromMilliseconds(100));
    }

    private void Answer(ParticipantId who)
    {
        if (_life.Keys.Find(who.Value)?.Offered is { } offered) Give(new ConferenceInput.KeyReported(who, LegKeyAnswer.Took, offered, default));
        Pass(TimeSpan.FromMilliseconds(20));
    }

    private void Pass(TimeSpan time)
    {
        for (var end = _now + time; _now < end;)
        {
            _now += TimeSpan.FromMilliseconds(20);
            Give(new ConferenceInput.Fired(ConferenceTimer.Keys));
            Give(new ConferenceInput.Fired(ConferenceTimer.Collect));
        }
    }

    private void Give(ConferenceInput input)
    {
        var policy = new ConferencePolicy(10) { Keys = new GroupKeyPolicy(true, Rekey) { IsSwitching = true } };
        var decision = new DecisionContext(_now, policy, () => new Ssrc(++_ssrc)) { NewGroupKey = _ => [] };
        if (input is ConferenceInput.Stored) _journal.AddRange(_did.OfType<ConferenceEffect.Store>().Last().Events);
        var step = ConferenceMachine.Next(_life, input, new ConferenceContext(decision, TimeSpan.FromHours(1)));
        _life = step.Life;
        _did.AddRange(step.Effects);
        if (step.Effects.OfType<ConferenceEffect.Store>().Any()) Give(new ConferenceInput.Stored());
    }
}
