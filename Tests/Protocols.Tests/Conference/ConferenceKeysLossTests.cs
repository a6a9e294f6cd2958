using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Keys.Rekeying;
using ConfCluster.Protocols.Rtp;
using Xunit;

namespace ConfCluster.Protocols.Tests.Conference;

/// <summary>Group keys across the loss of a focus, of participants and of writes.</summary>
public sealed class ConferenceKeysLossTests : ConferenceKeysScene
{
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
        _now = _life.ReportDue;
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

    /// <summary>Its participant died with the mixer and the conference did not: what it is sent under a key that its SDP lists no more it could not open.</summary>
    [Fact]
    public void Who_lost_all_its_keys_is_on_its_own_at_once_and_is_offered_the_newest()
    {
        foreach (var who in (ParticipantId[])[Alice, Bob]) Enter(who);
        Pass(TimeSpan.FromSeconds(20));
        TakeAll();
        Pass(TimeSpan.FromSeconds(2));
        var newest = _life.Keys.Last;
        Assert.Equal((LegKeyMode.ByMki, newest), (KeyOf(Alice).Mode, KeyOf(Alice).Epoch));
        _did.Clear();
        Give(new ConferenceInput.KeyReported(Alice, LegKeyAnswer.Anew, default, default));
        Assert.Equal((LegKeyMode.Own, LegKeyMode.ByMki), (KeyOf(Alice).Mode, KeyOf(Bob).Mode));
        Assert.Equal(newest, Assert.Single(_did.OfType<ConferenceEffect.OfferKey>()).Epoch);
        Assert.Equal(LegStepKind.OwnKey, Steps.Last(s => s.Participant == Alice && s.Kind != LegStepKind.Sent).Kind);

        // The offer that went to nobody is not open any more, either.
        _did.Clear();
        Give(new ConferenceInput.KeyReported(Alice, LegKeyAnswer.Anew, default, default));
        Assert.Equal(newest, Assert.Single(_did.OfType<ConferenceEffect.OfferKey>()).Epoch);
        Take(Alice, newest.Number);
        Pass(TimeSpan.FromSeconds(1));
        Assert.Equal((LegKeyMode.ByMki, newest), (KeyOf(Alice).Mode, KeyOf(Alice).Epoch));
    }

    [Fact]
    public void Who_has_acknowledged_is_said_with_its_mixer_so_that_its_next_life_knows()
    {
        Enter(Alice);
        Join(Bob);
        Assert.Equal([(Alice, true), (Bob, false)], Recalled());
        Give(new ConferenceInput.KeyReported(Bob, LegKeyAnswer.Ready, default, default));
        Assert.Equal([(Alice, true), (Bob, true)], Recalled());
    }

    /// <summary>It is stored at once, with a key or without one, and not only with what comes next; of others it is presumed only.</summary>
    [Fact]
    public void Also_by_a_focus_that_comes_back_in_the_next_moment()
    {
        var (own, silent) = (new ParticipantId("own"), new ParticipantId("silent"));
        Join(Alice);
        Ready(Alice, _life.Keys.Last);
        Join(Bob);
        Ready(Bob);
        Join(own, LegAbility.None);
        Ready(own);
        Join(silent);
        Assert.Equal([(Alice, LegStepKind.Confirmed), (Bob, LegStepKind.Ready), (own, LegStepKind.Ready)], Acknowledged());
        _life = ConferenceLife.New(ConferenceScene.Room);
        Give(new ConferenceInput.Recovered([.. _journal], CallsLost: false));
        Assert.Equal([(Alice, true), (Bob, true), (own, true), (silent, false)], Recalled());
    }

    [Fact]
    public void It_is_stored_once()
    {
        Join(Alice);
        for (var i = 0; i < 3; i++)
        {
            Ready(Alice, _life.Keys.Last);
            Pass(TimeSpan.FromSeconds(3));
        }

        Join(Bob);
        Ready(Bob);
        Ready(Bob);
        Assert.Equal([(Alice, LegStepKind.Confirmed), (Bob, LegStepKind.Ready)], Acknowledged());
    }

    [Fact]
    public void Of_who_has_left_it_is_not_stored()
    {
        Join(Alice);
        Join(Bob);
        Give(new ConferenceInput.Asked(new ConferenceCommand.Leave(Bob, LeaveReason.Bye)));
        Ready(Bob);
        Assert.DoesNotContain(Steps, s => s.Participant == Bob && s.Kind == LegStepKind.Ready);
    }

    private void Ready(ParticipantId who, KeyEpoch told = default) => Give(new ConferenceInput.KeyReported(who, LegKeyAnswer.Ready, told, default));

    private IEnumerable<(ParticipantId, LegStepKind)> Acknowledged() =>
        Steps.Where(s => s.Kind is LegStepKind.Confirmed or LegStepKind.Ready).Select(s => (s.Participant, s.Kind));

    private List<(ParticipantId, bool)> Recalled()
    {
        _did.Clear();
        Give(new ConferenceInput.LegsRecalled());
        return [.. _did.OfType<ConferenceEffect.Move>().Select(m => (m.Participant, m.IsConfirmed)).OrderBy(m => m.Participant.Value)];
    }
}
