using System.Collections.Immutable;
using ConfCluster.Protocols.Audit;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Keys.Rekeying;
using ConfCluster.Protocols.Rtp;
using Xunit;

namespace ConfCluster.Protocols.Tests.Conference;

/// <summary>A conference whose phones share the group key; the journal stores at once unless told to wait.</summary>
public sealed class ConferenceKeysTests : IDisposable
{
    private static readonly RekeyPolicy Rekey = RekeyPolicy.Default with { MinInterval = TimeSpan.FromSeconds(10) };
    private static readonly MixerId Mixer = new(ConferenceScene.Room, 0, 1);
    private static readonly ParticipantId Alice = new("a");
    private static readonly ParticipantId Bob = new("b");
    private readonly List<ConferenceEvent> _journal = [];
    private readonly List<ConferenceEffect> _did = [];
    private readonly List<KeyEpoch> _made = [];
    private ConferenceLife _life = ConferenceLife.New(ConferenceScene.Room);
    private DateTimeOffset _now = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);
    private uint _ssrc;
    private bool _storing = true;
    private GroupKeyPolicy _policy = new(true, Rekey);

    public ConferenceKeysTests() => Give(new ConferenceInput.Recovered([], CallsLost: true));

    /// <summary>Whatever happened here, the audit finds nothing in what was stored of it.</summary>
    public void Dispose() => Assert.Empty(AuditChecks.Run(ConferenceScene.Room.Value, _journal.Select((e, i) => KeyChangeProjection.Of(i + 1, e))));

    private static LegAbility Able { get; } = new(true, true, "");

    private MixerState Told => _did.OfType<ConferenceEffect.Publish>().Last().State;

    [Fact]
    public void The_first_join_begins_an_epoch_which_is_stored_with_it_and_answered_with_it()
    {
        _storing = false;
        Join(Alice);
        var batch = Assert.Single(_did.OfType<ConferenceEffect.Store>()).Events;
        Assert.Equal(
            ["Taken", "Created", "MixerPlaced", "ParticipantJoined", "KeyPolicySet", "SsrcsReserved", "KeyEpochBegan"], batch.Select(e => e.GetType().Name));
        Assert.Empty(_did.OfType<ConferenceEffect.Admit>());
        Assert.All(_did.OfType<ConferenceEffect.Publish>(), p => Assert.Empty(p.State.Epochs));
        Store();
        var admit = Assert.Single(_did.OfType<ConferenceEffect.Admit>());
        Assert.Equal((Alice, new KeyEpoch(1)), (admit.Participant, admit.Epoch));
        Assert.Equal<KeyEpoch>([new KeyEpoch(1)], Told.Epochs);
        Assert.Equal(16, Told.SharedSsrcs.Distinct().Count());
    }

    [Fact]
    public void A_leg_is_moved_after_it_has_confirmed_and_not_before()
    {
        Join(Alice);
        Assert.Equal(LegKeyUse.Own, KeyOf(Alice));
        Give(new ConferenceInput.KeyReported(Alice, LegKeyAnswer.Ready, new KeyEpoch(1), default));
        Assert.Equal(LegKeyUse.Own, KeyOf(Alice));
        Pass(TimeSpan.FromMilliseconds(60));
        Assert.Equal(new LegKeyUse(LegKeyMode.ByMki, new KeyEpoch(1)), KeyOf(Alice));
    }

    [Fact]
    public void A_leg_that_was_told_no_group_key_though_one_was_meant_stays_on_its_own_and_is_offered_it()
    {
        _policy = _policy with { NonMkiLegs = NonMkiLegs.Group };
        Join(Alice, new LegAbility(false, true, ""));
        Give(new ConferenceInput.KeyReported(Alice, LegKeyAnswer.Ready, default, default));
        Pass(TimeSpan.FromMilliseconds(100));
        Assert.Equal(LegKeyUse.Own, KeyOf(Alice));
        Assert.Contains(new ConferenceEffect.OfferKey(Alice, new KeyEpoch(1), null), _did);
    }

    [Fact]
    public void Who_joins_within_the_interval_has_its_own_key_until_the_next_epoch_that_is_offered_to_all()
    {
        Enter(Alice);
        Pass(TimeSpan.FromSeconds(1));
        Enter(Bob);
        Assert.Null(_did.OfType<ConferenceEffect.Admit>().Last().Epoch);
        Assert.Equal(LegKeyUse.Own, KeyOf(Bob));
        Assert.Contains(_journal, e => e is ConferenceEvent.RekeyDeferred { Reason: RekeyReason.Joined });
        Pass(TimeSpan.FromSeconds(9));
        Assert.Equal(
            [(Alice, new KeyEpoch(2), new KeyEpoch(1)), (Bob, new KeyEpoch(2), (KeyEpoch?)null)],
            _did.OfType<ConferenceEffect.OfferKey>().Select(o => (o.Participant, o.Epoch, o.InUse)));
        Take(Bob, 2);
        Pass(TimeSpan.FromMilliseconds(60));
        Assert.Equal((1u, 2u), (KeyOf(Alice).Epoch.Number, KeyOf(Bob).Epoch.Number));
        Take(Alice, 2);
        Pass(TimeSpan.FromMilliseconds(60));
        Assert.Equal(2u, KeyOf(Alice).Epoch.Number);
        Pass(Rekey.Grace);
        Assert.Contains(new ConferenceEffect.DestroyKey(new KeyEpoch(1)), _did);
        Assert.Equal<KeyEpoch>([new KeyEpoch(2)], Told.Epochs);
    }

    [Fact]
    public void Who_leaves_is_out_at_once_and_the_key_changes()
    {
        Enter(Alice);
        Enter(Bob);
        Enter(new ParticipantId("c"));
        Pass(TimeSpan.FromSeconds(20));
        TakeAll();
        Pass(TimeSpan.FromSeconds(20));
        var last = _life.Keys.Last;
        Give(new ConferenceInput.Asked(ConferenceScene.Leave(Bob)));
        Assert.DoesNotContain(Told.Legs, l => l.Participant == Bob);
        Assert.Equal(last.Next, _life.Keys.Last);
        Assert.Equal(RekeyReason.Left, _journal.OfType<ConferenceEvent.KeyEpochBegan>().Last().Reason);
        Assert.DoesNotContain(_did.OfType<ConferenceEffect.OfferKey>(), o => o.Participant == Bob && o.Epoch > last);
    }

    [Fact]
    public void A_leave_is_open_until_the_last_leg_has_left_the_older_keys_also_for_a_focus_that_comes_back()
    {
        Enter(Alice);
        Enter(Bob);
        Enter(new ParticipantId("c"));
        Pass(TimeSpan.FromSeconds(10));
        TakeAll();
        Pass(TimeSpan.FromSeconds(20));
        Assert.Empty(_life.Ledger.Open);
        Give(new ConferenceInput.Asked(ConferenceScene.Leave(Bob)));
        Take(Alice, _life.Keys.Last.Number);
        Pass(TimeSpan.FromSeconds(1));
        Assert.Equal((KeyChangeKind.Leave, Bob), _life.Ledger.Open.Select(c => (c.Kind, c.Participant)).Single());
        Assert.Equal(_life.Ledger.Open, KeyLedger.Empty.Take(_journal).Next.Open);
        Take(new ParticipantId("c"), _life.Keys.Last.Number);
        Pass(TimeSpan.FromSeconds(1));
        Assert.Empty(_life.Ledger.Open);
        var covered = _did.OfType<ConferenceEffect.Observe>().Select(o => o.What).OfType<KeyObservation.Covered>().Last().Change;
        Assert.Equal((Bob, true), (covered.Change.Participant, covered.Exposure > TimeSpan.FromSeconds(1) && covered.Exposure < TimeSpan.FromSeconds(1.2)));
    }

    [Fact]
    public void An_eviction_does_not_wait_for_the_interval()
    {
        Enter(Alice);
        Enter(Bob);
        Pass(TimeSpan.FromSeconds(11));
        TakeAll();
        var last = _life.Keys.Last;
        Give(new ConferenceInput.EvictionAsked(Bob));
        Assert.Contains(new ConferenceEffect.HangUp(Bob, LeaveReason.Evicted), _did);
        Assert.Equal(last.Next, _life.Keys.Last);
        Give(new ConferenceInput.Asked(new ConferenceCommand.Leave(Bob, LeaveReason.Evicted)));
        Assert.Contains(new ConferenceEffect.Acknowledge(Bob), _did);
    }

    [Fact]
    public void An_operator_may_change_the_key_and_his_reason_is_kept()
    {
        Enter(Alice);
        Enter(Bob);
        Give(new ConferenceInput.RekeyAsked("a phone was lost"));
        var began = _journal.OfType<ConferenceEvent.KeyEpochBegan>().Last();
        Assert.Equal((RekeyReason.Asked, "a phone was lost"), (began.Reason, began.Note));
    }

    [Fact]
    public void The_interval_runs_from_when_an_epoch_that_waited_for_a_write_is_written()
    {
        Enter(Alice);
        Enter(Bob);
        Pass(TimeSpan.FromSeconds(20));
        TakeAll();
        Pass(TimeSpan.FromSeconds(20));
        _storing = false;
        Join(new ParticipantId("c"));
        Give(new ConferenceInput.RekeyAsked("test"));
        Pass(TimeSpan.FromSeconds(1));
        _storing = true;
        Store();
        Give(new ConferenceInput.Asked(ConferenceScene.Leave(Bob)));
        var last = _life.Keys.Last;
        Pass(TimeSpan.FromSeconds(9.5));
        Assert.Equal(last, _life.Keys.Last);
        Pass(TimeSpan.FromSeconds(0.6));
        Assert.Equal(last.Next, _life.Keys.Last);
    }

    [Fact]
    public void The_last_one_takes_all_keys_along_and_numbers_go_on()
    {
        Enter(Alice);
        Give(new ConferenceInput.Asked(ConferenceScene.Leave(Alice)));
        Assert.False(_life.State.IsActive);
        Assert.Contains(new ConferenceEffect.DestroyKey(new KeyEpoch(1)), _did);
        Assert.Empty(_life.Keys.Epochs);
        Pass(TimeSpan.FromSeconds(30));
        Enter(Bob);
        Assert.Equal([1u, 2u], _journal.OfType<ConferenceEvent.KeyEpochBegan>().Select(e => e.Epoch.Number));
        Assert.Equal(_made, _journal.OfType<ConferenceEvent.KeyEpochBegan>().Select(e => e.Epoch));
        Assert.Contains(_journal, e => e is ConferenceEvent.KeyEpochPassed { Epoch.Number: 1, Passage: EpochPassage.Destroyed });
    }

    [Fact]
    public void Who_does_not_take_a_key_is_on_its_own_at_the_deadline()
    {
        Enter(Alice);
        Enter(Bob);
        Pass(TimeSpan.FromSeconds(10));
        Take(Bob, 2);
        Pass(TimeSpan.FromSeconds(10));
        Assert.Equal((LegKeyMode.Own, 2u), (KeyOf(Alice).Mode, KeyOf(Bob).Epoch.Number));
        Assert.Contains(Steps, s => s is { Kind: LegStepKind.OwnKey } && s.Participant == Alice);
    }

    [Fact]
    public void Who_is_to_be_dropped_hears_nothing_from_then_on()
    {
        _policy = new(true, Rekey with { OnUndelivered = Undelivered.Drop });
        Enter(Alice);
        Enter(Bob);
        Pass(TimeSpan.FromSeconds(10));
        Take(Bob, 2);
        Pass(TimeSpan.FromSeconds(10));
        Assert.Equal(LegKeyMode.None, KeyOf(Alice).Mode);
        Assert.Contains(new ConferenceEffect.HangUp(Alice, LeaveReason.KeyNotTaken), _did);
    }

    [Fact]
    public void Who_knows_no_MKI_has_a_key_of_its_own_or_the_group_key_without_one_or_is_refused()
    {
        Join(Alice, new LegAbility(false, true, "Acme"));
        Assert.Null(_did.OfType<ConferenceEffect.Admit>().Single().Epoch);
        Assert.Empty(_journal.OfType<ConferenceEvent.KeyEpochBegan>());
        _policy = _policy with { NonMkiLegs = NonMkiLegs.Refuse, ByUserAgent = [("Acme", NonMkiLegs.Group)] };
        Join(Bob, new LegAbility(false, true, "Acme/2"));
        Assert.Equal(LegKeyMode.None, KeyOf(Bob).Mode);
        Give(new ConferenceInput.KeyReported(Bob, LegKeyAnswer.Ready, new KeyEpoch(1), default));
        Assert.Equal(new LegKeyUse(LegKeyMode.Plain, new KeyEpoch(1)), KeyOf(Bob));
        Join(new ParticipantId("c"), new LegAbility(false, true, "Other"));
        Assert.Contains(new ConferenceEffect.Refuse(new ParticipantId("c"), Rejection.KeyingRefused), _did);
    }

    [Fact]
    public void Whose_signalling_is_open_is_not_told_the_group_key()
    {
        Join(Alice, new LegAbility(true, false, ""));
        Assert.Empty(_journal.OfType<ConferenceEvent.KeyEpochBegan>());
        Assert.False(_journal.OfType<ConferenceEvent.ParticipantJoined>().Single().IsProtected);
    }

    [Fact]
    public void A_focus_that_comes_back_begins_an_epoch_and_leaves_the_legs_as_they_are_until_they_take_it()
    {
        Enter(Alice);
        Enter(Bob);
        _life = ConferenceLife.New(ConferenceScene.Room);
        _did.Clear();
        Give(new ConferenceInput.Recovered([.. _journal], CallsLost: false));
        var began = _journal.OfType<ConferenceEvent.KeyEpochBegan>().Last();
        Assert.Equal((RekeyReason.FocusRecovered, 2u), (began.Reason, began.Epoch.Number));
        Assert.Equal(LegKeyMode.AsBefore, KeyOf(Alice).Mode);
        Assert.Equal(2, _did.OfType<ConferenceEffect.OfferKey>().Count());
        TakeAll();
        Pass(TimeSpan.FromSeconds(1));
        Assert.Equal(2u, KeyOf(Alice).Epoch.Number);
    }

    /// <summary>The key that tells a leg of its new mixer went to a participant that died: it has nobody to hear until it may tell its peer without one.</summary>
    [Fact]
    public void Who_moves_with_a_key_that_is_due_is_told_without_it_when_a_node_with_participants_is_gone()
    {
        foreach (var who in (ParticipantId[])[Alice, Bob]) Enter(who);
        Pass(TimeSpan.FromSeconds(20));
        TakeAll();
        Pass(TimeSpan.FromSeconds(2));
        Give(new ConferenceInput.MixerReported(Mixer, _life.State.Incarnation, _life.WantedVersion));
        _did.Clear();
        _now += TimeSpan.FromHours(1);
        Give(new ConferenceInput.Fired(ConferenceTimer.MixerSilent));
        Assert.All(_did.OfType<ConferenceEffect.Move>(), m => Assert.False(m.MayOffer));
        Assert.Equal(2, _did.OfType<ConferenceEffect.OfferKey>().Select(o => o.Participant).Distinct().Count());
        _did.Clear();
        Give(new ConferenceInput.LegsRecalled());
        Assert.Equal([(Alice, true), (Bob, true)], _did.OfType<ConferenceEffect.Move>().Select(m => (m.Participant, m.MayOffer)).OrderBy(m => m.Participant.Value));
    }

    [Fact]
    public void A_join_whose_write_fails_is_refused_and_takes_no_key_along()
    {
        Enter(Alice);
        Pass(TimeSpan.FromSeconds(20));
        _storing = false;
        Join(Bob);
        Give(new ConferenceInput.JournalFailing());
        Assert.Contains(new ConferenceEffect.Refuse(Bob, Rejection.JournalUnavailable), _did);
        _storing = true;
        Store();
        Assert.DoesNotContain(_did.OfType<ConferenceEffect.Admit>(), a => a.Participant == Bob);
        Assert.DoesNotContain(Steps, s => s.Participant == Bob);
        Assert.DoesNotContain(Told.Legs, l => l.Participant == Bob);
    }

    [Fact]
    public void Who_left_while_a_join_was_being_written_is_not_offered_what_was_decided_with_it()
    {
        Enter(Alice);
        Enter(Bob);
        Pass(TimeSpan.FromSeconds(10));
        Give(new ConferenceInput.KeyReported(Alice, LegKeyAnswer.NotNow, new KeyEpoch(2), TimeSpan.FromMilliseconds(500)));
        _storing = false;
        _now += TimeSpan.FromSeconds(1);
        Join(new ParticipantId("c"));
        var before = _did.Count;
        Give(new ConferenceInput.Asked(ConferenceScene.Leave(Alice)));
        Store();
        Assert.DoesNotContain(_did.Skip(before).OfType<ConferenceEffect.OfferKey>(), o => o.Participant == Alice);
        Assert.Contains(_did.Skip(before).OfType<ConferenceEffect.Admit>(), a => a.Participant.Value == "c");
    }

    [Fact]
    public void Who_left_while_its_join_was_being_written_is_told_nothing_also_where_newcomers_get_the_key_in_use()
    {
        _policy = new(true, Rekey with { JoinKey = JoinKey.Current });
        Enter(Alice);
        _storing = false;
        Join(Bob);
        Give(new ConferenceInput.Asked(ConferenceScene.Leave(Bob)));
        Store();
        Assert.DoesNotContain(_did.OfType<ConferenceEffect.Admit>(), a => a.Participant == Bob);
    }

    [Fact]
    public void The_mixer_is_given_more_SSRCs_before_it_runs_out_and_a_worn_key_is_changed()
    {
        Enter(Alice);
        Enter(Bob);
        var first = Told.SharedSsrcs;
        Give(new ConferenceInput.MixerReported(Mixer, _life.State.Incarnation, Told.Version) { Shared = new SharedReport(4, 5) });
        Assert.Empty(first.Intersect(Told.SharedSsrcs));
        Assert.Equal(1u, _life.Keys.Last.Number);
        Give(new ConferenceInput.MixerReported(Mixer, _life.State.Incarnation, Told.Version) { Shared = new SharedReport(16, _policy.MaxPackets) });
        Assert.Equal(RekeyReason.WornOut, _journal.OfType<ConferenceEvent.KeyEpochBegan>().Last().Reason);
    }

    private IEnumerable<LegStep> Steps => _journal.OfType<ConferenceEvent.LegsProgressed>().SelectMany(e => e.Steps);

    private LegKeyUse KeyOf(ParticipantId who) => Told.Legs.Single(l => l.Participant == who).Key;

    private void Enter(ParticipantId who)
    {
        Join(who);
        var told = _did.OfType<ConferenceEffect.Admit>().Last(a => a.Participant == who).Epoch;
        Give(new ConferenceInput.KeyReported(who, LegKeyAnswer.Ready, told ?? default, default));
        Pass(TimeSpan.FromMilliseconds(100));
    }

    private void Join(ParticipantId who, LegAbility? ability = null) =>
        Give(new ConferenceInput.Asked(ConferenceScene.Join(who) with { Ability = ability ?? Able }));

    private void Take(ParticipantId who, uint epoch) => Give(new ConferenceInput.KeyReported(who, LegKeyAnswer.Took, new KeyEpoch(epoch), default));

    private void TakeAll()
    {
        foreach (var leg in _life.Keys.Legs.Values.Where(l => l.Offered is not null).ToList()) Take(new ParticipantId(leg.Participant), leg.Offered!.Value.Number);
    }

    /// <summary>In steps, so that every deadline is met when it is due.</summary>
    private void Pass(TimeSpan time)
    {
        for (var end = _now + time; _now < end;)
        {
            _now += TimeSpan.FromMilliseconds(20);
            Give(new ConferenceInput.Fired(ConferenceTimer.Keys));
            Give(new ConferenceInput.Fired(ConferenceTimer.Collect));
        }
    }

    private void Store() => Give(new ConferenceInput.Stored());

    private void Give(ConferenceInput input)
    {
        var decision = new DecisionContext(_now, new ConferencePolicy(10) { Keys = _policy }, () => new Ssrc(++_ssrc))
        {
            NewGroupKey = epoch =>
            {
                _made.Add(epoch);
                return ImmutableArray<KeyCommitment>.Empty;
            },
        };
        if (input is ConferenceInput.Stored) _journal.AddRange(_did.OfType<ConferenceEffect.Store>().Last().Events);
        var step = ConferenceMachine.Next(_life, input, new ConferenceContext(decision, TimeSpan.FromHours(1)));
        _life = step.Life;
        _did.AddRange(step.Effects);
        if (_storing && step.Effects.OfType<ConferenceEffect.Store>().Any()) Store();
    }
}
