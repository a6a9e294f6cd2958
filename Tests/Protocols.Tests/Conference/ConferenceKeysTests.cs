using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Keys.Rekeying;
using ConfCluster.Protocols.Rtp;
using Xunit;

namespace ConfCluster.Protocols.Tests.Conference;

/// <summary>When group keys change in a conference, and who is told them.</summary>
public sealed class ConferenceKeysTests : ConferenceKeysScene
{
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
    public void However_long_a_join_is_being_stored_the_rekeying_that_it_waits_for_comes_when_it_is_due()
    {
        _policy = _policy with { Rekey = Rekey with { DistributionTimeout = Rekey.MinInterval * 2 } };
        Enter(Alice);
        Pass(TimeSpan.FromSeconds(8));
        var began = _journal.OfType<ConferenceEvent.KeyEpochBegan>().Last().At;
        _storing = false;
        Join(Bob);
        _now += TimeSpan.FromSeconds(1);
        Store();
        Assert.Equal(began + Rekey.MinInterval, _now + _did.OfType<ConferenceEffect.Start>().Last(s => s.Timer == ConferenceTimer.Keys).After);
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
}
