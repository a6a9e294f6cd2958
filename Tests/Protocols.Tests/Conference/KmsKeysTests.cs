using System.Collections.Immutable;
using ConfCluster.Protocols.Audit;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Keys.Rekeying;
using ConfCluster.Protocols.Rtp;
using Xunit;

namespace ConfCluster.Protocols.Tests.Conference;

/// <summary>A conference whose group keys the KMS makes; the journal stores at once, and the KMS answers when it is told to.</summary>
public sealed class KmsKeysTests : IDisposable
{
    private static readonly RekeyPolicy Rekey = RekeyPolicy.Default with { MinInterval = TimeSpan.FromSeconds(1), DistributionTimeout = TimeSpan.FromSeconds(8) };
    private static readonly ParticipantId Alice = new("a");
    private static readonly ParticipantId Bob = new("b");
    private readonly List<ConferenceEvent> _journal = [];
    private readonly List<ConferenceEffect> _did = [];
    private readonly List<(KeyEpoch Epoch, KeySource By)> _made = [];
    private ConferenceLife _life = ConferenceLife.New(ConferenceScene.Room);
    private DateTimeOffset _now = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);
    private uint _ssrc;
    private GroupKeyPolicy _policy = new(true, Rekey) { Source = KeySource.Kms };

    public KmsKeysTests() => Give(new ConferenceInput.Recovered([], CallsLost: true));

    /// <summary>Whatever happened here, the audit finds nothing in what was stored of it.</summary>
    public void Dispose() => Assert.Empty(AuditChecks.Run(ConferenceScene.Room.Value, _journal.Select((e, i) => KeyChangeProjection.Of(i + 1, e))));

    [Fact]
    public void The_first_join_does_not_wait_for_the_KMS_and_is_offered_the_key_when_it_is_there()
    {
        Enter(Alice);
        Assert.Null(_did.OfType<ConferenceEffect.Admit>().Last().Epoch);
        Assert.Empty(_made);
        Assert.Equal(2, _did.OfType<ConferenceEffect.FetchKeys>().Single().Count);
        Give(new ConferenceInput.KeysFetched(2, ""));
        Assert.Equal([(new KeyEpoch(1), KeySource.Kms)], _made);
        var began = _journal.OfType<ConferenceEvent.KeyEpochBegan>().Single();
        Assert.Equal((KeySource.Kms, RekeyReason.Begun), (began.Source, began.Reason));
        Assert.Equal((Alice, new KeyEpoch(1)), (Offers[^1].Participant, Offers[^1].Epoch));

        // What was asked for in advance takes the next one at once, and is asked for again.
        Pass(TimeSpan.FromSeconds(2));
        Enter(Bob);
        Assert.Equal(new KeyEpoch(2), _did.OfType<ConferenceEffect.Admit>().Last().Epoch);
        Assert.Equal([2, 1], _did.OfType<ConferenceEffect.FetchKeys>().Select(f => f.Count));
        Give(new ConferenceInput.KeysFetched(1, ""));
        Assert.Equal([2, 1, 1], _did.OfType<ConferenceEffect.FetchKeys>().Select(f => f.Count));
        Assert.Contains("source", Text(_journal.OfType<ConferenceEvent.KeyEpochBegan>().Last()), StringComparison.Ordinal);
    }

    [Fact]
    public void A_leave_without_a_key_is_told_and_stored_and_at_the_deadline_nobody_is_under_the_old_one()
    {
        Together();
        Give(new ConferenceInput.Asked(ConferenceScene.Leave(Bob)));
        Fail();
        var waits = _journal.OfType<ConferenceEvent.RekeyDeferred>().Last();
        Assert.Equal((true, RekeyReason.Left, _now + Rekey.DistributionTimeout), (waits.ForKey, waits.Reason, waits.Until));
        Assert.Contains("for", Text(waits), StringComparison.Ordinal);
        Assert.Contains(_did, e => e is ConferenceEffect.Say say && say.Text.Contains("waits for one", StringComparison.Ordinal));
        Assert.Contains(new ConferenceEffect.Observe(new KeyObservation.AwaitsKey(RekeyReason.Left)), _did);
        Pass(Rekey.DistributionTimeout - TimeSpan.FromMilliseconds(100));
        Assert.Equal(_life.Keys.Last, KeyOf(Alice).Epoch);
        Pass(TimeSpan.FromMilliseconds(200));
        Assert.Equal(LegKeyUse.Own, KeyOf(Alice));
        var last = _life.Keys.Last;
        Pass(TimeSpan.FromSeconds(60));
        Answer(2);
        Assert.Equal(last.Next, _life.Keys.Last);
        Assert.Contains(_did, e => e is ConferenceEffect.Say say && say.Text.Contains("again", StringComparison.Ordinal));
        TakeAll();
        Pass(TimeSpan.FromMilliseconds(100));
        Assert.Equal(last.Next, KeyOf(Alice).Epoch);
    }

    [Fact]
    public void Who_is_left_under_the_old_key_while_there_is_none_is_found_by_the_audit()
    {
        Together();
        Give(new ConferenceInput.Asked(ConferenceScene.Leave(Bob)));
        Fail();
        Pass(TimeSpan.FromSeconds(30));
        var left = _journal.FindIndex(e => e is ConferenceEvent.LegsProgressed p && p.Steps.Any(s => s.Kind == LegStepKind.OwnKey));
        var told = _journal.ToList();
        told[left] = new ConferenceEvent.KeyEpochPassed(_life.Keys.Last, EpochPassage.Settled) { At = told[left].At };
        var found = AuditChecks.Run(ConferenceScene.Room.Value, told.Select((e, i) => KeyChangeProjection.Of(i + 1, e)), _now);
        Assert.Contains(found, v => v.Rule == AuditRule.K4 && v.Text.Contains("no key", StringComparison.Ordinal));
    }

    [Fact]
    public void Where_it_may_the_focus_makes_the_key_in_time_for_the_deadline_and_the_audit_names_it()
    {
        Together();
        _policy = _policy with { FallsBackToFocus = true };
        Give(new ConferenceInput.Asked(ConferenceScene.Leave(Bob)));
        Fail();
        var last = _life.Keys.Last;
        Pass(Rekey.DistributionTimeout / 2 - TimeSpan.FromMilliseconds(100));
        Assert.Equal(last, _life.Keys.Last);
        Pass(TimeSpan.FromMilliseconds(200));
        Assert.Equal((last.Next, KeySource.Focus), _made[^1]);
        Assert.Equal(KeySource.Focus, _journal.OfType<ConferenceEvent.KeyEpochBegan>().Last().Source);
        TakeAll();
        Pass(Rekey.DistributionTimeout);
        Assert.Equal(last.Next, KeyOf(Alice).Epoch);
    }

    [Fact]
    public void An_eviction_waits_for_a_key_like_any_other_change_and_for_no_interval_then()
    {
        Together();
        Give(new ConferenceInput.EvictionAsked(Bob));
        Give(new ConferenceInput.Asked(new ConferenceCommand.Leave(Bob, LeaveReason.Evicted)));
        Assert.Equal(RekeyReason.Evicted, _journal.OfType<ConferenceEvent.RekeyDeferred>().Last().Reason);
        var last = _life.Keys.Last;
        Answer(1);
        Assert.Equal((last.Next, RekeyReason.Evicted), (_life.Keys.Last, _journal.OfType<ConferenceEvent.KeyEpochBegan>().Last().Reason));
        TakeAll();
        Pass(TimeSpan.FromSeconds(10));
    }

    [Fact]
    public void A_KMS_that_never_answers_is_asked_again()
    {
        Enter(Alice);
        Give(new ConferenceInput.Fired(ConferenceTimer.Fetch));
        Assert.Equal(2, _did.OfType<ConferenceEffect.FetchKeys>().Count());
        Answer(2);
        Assert.Equal(1u, _life.Keys.Last.Number);
    }

    [Fact]
    public void A_ladder_is_asked_for_with_its_base_and_is_left_out_when_there_are_not_keys_enough()
    {
        _policy = _policy with { Rekey = Rekey with { Ladder = 3 } };
        Give(new ConferenceInput.Asked(ConferenceScene.Join(Alice) with { Ability = new LegAbility(true, true, "") { IsStream = true } }));
        Assert.Equal(5, _did.OfType<ConferenceEffect.FetchKeys>().Single().Count);
        Answer(2);
        Assert.Equal([(new KeyEpoch(1), KeySource.Kms)], _made);
        Answer(4);
        Give(new ConferenceInput.RekeyAsked("now"));
        Assert.Equal([1u, 2u, 3u, 4u, 5u], _made.Select(m => m.Epoch.Number));
        Assert.All(_made, m => Assert.Equal(KeySource.Kms, m.By));
        Give(new ConferenceInput.RekeyAsked("a rung"));
        Assert.Equal((3u, KeySource.Kms), (_life.Keys.Last.Number, _journal.OfType<ConferenceEvent.KeyEpochBegan>().Last().Source));
    }

    private MixerState Told => _did.OfType<ConferenceEffect.Publish>().Last().State;

    private List<ConferenceEffect.OfferKey> Offers => [.. _did.OfType<ConferenceEffect.OfferKey>()];

    private LegKeyUse KeyOf(ParticipantId who) => Told.Legs.Single(l => l.Participant == who).Key;

    private static string Text(ConferenceEvent fact) => string.Join(' ', KeyChangeProjection.Of(1, fact).Fields.Select(f => f.Name));

    /// <summary>Both under one epoch, and no key is left for the next.</summary>
    private void Together()
    {
        Enter(Alice);
        Answer(1);
        TakeAll();
        Pass(TimeSpan.FromSeconds(2));
        Enter(Bob);
        Answer(1);
        TakeAll();
        Pass(TimeSpan.FromSeconds(5));
        Assert.Equal((_life.Keys.Last, _life.Keys.Last), (KeyOf(Alice).Epoch, KeyOf(Bob).Epoch));
        Assert.Equal(0, _life.Keys.Stock!.Value.Left);
    }

    private void Answer(int keys)
    {
        if (!_life.IsFetching) Give(new ConferenceInput.Fired(ConferenceTimer.Fetch));
        Give(new ConferenceInput.KeysFetched(keys, ""));
    }

    private void Fail() => Give(new ConferenceInput.KeysFetched(0, "nobody is there"));

    private void Enter(ParticipantId who)
    {
        Give(new ConferenceInput.Asked(ConferenceScene.Join(who) with { Ability = new LegAbility(true, true, "") }));
        Give(new ConferenceInput.KeyReported(who, LegKeyAnswer.Ready, _did.OfType<ConferenceEffect.Admit>().Last(a => a.Participant == who).Epoch ?? default, default));
        Pass(TimeSpan.FromMilliseconds(100));
    }

    private void TakeAll()
    {
        foreach (var leg in _life.Keys.Legs.Values.Where(l => l.Offered is not null).ToList())
            Give(new ConferenceInput.KeyReported(new ParticipantId(leg.Participant), LegKeyAnswer.Took, leg.Offered!.Value, default));
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
        var decision = new DecisionContext(_now, new ConferencePolicy(10) { Keys = _policy }, () => new Ssrc(++_ssrc))
        {
            NewGroupKey = epoch => Made(epoch, KeySource.Focus),
            KmsGroupKey = epoch => Made(epoch, KeySource.Kms),
        };
        var step = ConferenceMachine.Next(_life, input, new ConferenceContext(decision, TimeSpan.FromHours(1)));
        _life = step.Life;
        _did.AddRange(step.Effects);
        if (step.Effects.OfType<ConferenceEffect.Store>().LastOrDefault() is not { } store) return;
        _journal.AddRange(store.Events);
        Give(new ConferenceInput.Stored());

        ImmutableArray<KeyCommitment> Made(KeyEpoch epoch, KeySource by)
        {
            if (_made.All(m => m.Epoch != epoch)) _made.Add((epoch, by));
            return [new KeyCommitment("AES_CM_128_HMAC_SHA1_80", $"{epoch.Number:x64}")];
        }
    }
}
