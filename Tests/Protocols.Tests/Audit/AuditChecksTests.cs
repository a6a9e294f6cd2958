using System.Collections.Immutable;
using ConfCluster.Protocols.Audit;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Keys.Rekeying;
using ConfCluster.Protocols.Rtp;
using Xunit;

namespace ConfCluster.Protocols.Tests.Audit;

/// <summary>A good log, and each fault put into it by itself: the rule, the record and who it was are named.</summary>
public class AuditChecksTests
{
    private readonly LogScript _log = LogScript.Good();

    /// <summary>The number of a mixer that is named twice is no SSRC.</summary>
    [Fact]
    public void SSRCs_of_several_mixers_are_told_apart_and_one_that_two_of_them_get_is_found()
    {
        Insert(before: 3, new ConferenceEvent.MixerPlaced(2) { At = LogScript.Time(50), Number = 1 });
        Insert(before: 3, new ConferenceEvent.SsrcsReserved([new Ssrc(0x7001), new Ssrc(0x7002)]) { At = LogScript.Time(50), Mixer = 1 });
        Insert(before: 3, new ConferenceEvent.SsrcsReserved([new Ssrc(0x7003)]) { At = LogScript.Time(50), Mixer = 1 });
        Assert.Empty(Check());
        Insert(before: 3, new ConferenceEvent.SsrcsReserved([new Ssrc(0x7002)]) { At = LogScript.Time(50) });
        Named(AuditRule.K6, null, "was given before");
    }

    [Fact]
    public void A_good_log_has_nothing_to_name() => Assert.Empty(Check());

    [Fact]
    public void Someone_who_left_before_an_epoch_was_used_was_sent_it()
    {
        _log.Events.RemoveRange(_log.Events.Count - 3, 3);
        _log.Begin(4, RekeyReason.Asked, 55).Leave("alice", 55.3);
        _log.Step(55.5, ("alice", LegStepKind.Sent, 4, 55.1), ("carol", LegStepKind.Sent, 4, 55.1), ("carol", LegStepKind.Confirmed, 4, 55.2), ("carol", LegStepKind.Moved, 4, 55.4));
        Named(AuditRule.K1, "sip:alice@example.com", "was sent epoch 4 and had left 0.1 s before it was first used");
    }

    [Fact]
    public void Someone_is_sent_a_key_after_the_leave()
    {
        _log.Events.Insert(_log.Events.Count - 3, Step("bob", LegStepKind.Sent, 2, 45));
        Named(AuditRule.K1, "sip:bob@example.com", "after it had left");
    }

    [Fact]
    public void Media_goes_to_someone_who_left()
    {
        _log.Events.Insert(_log.Events.Count - 3, Step("bob", LegStepKind.Moved, 2, 45));
        Named(AuditRule.K1, "sip:bob@example.com", "sent media under epoch 2 after it had left");
    }

    [Fact]
    public void A_newcomer_is_sent_an_older_epoch()
    {
        _log.Events.Insert(_log.IndexOf<ConferenceEvent.KeyEpochBegan>(e => e.Epoch.Number == 2), Step("carol", LegStepKind.Sent, 1, 20));
        Named(AuditRule.K2, "sip:carol@example.com", "epoch 1, which began");
    }

    [Fact]
    public void A_newcomer_may_be_sent_the_epoch_in_use_where_the_rules_say_so()
    {
        _log.Events[2] = new ConferenceEvent.KeyPolicySet(RekeyPolicy.Default with { JoinKey = JoinKey.Current }) { At = LogScript.Noon };
        _log.Events.Insert(_log.IndexOf<ConferenceEvent.KeyEpochBegan>(e => e.Epoch.Number == 2), Step("carol", LegStepKind.Sent, 1, 20));
        Assert.Empty(Check());
        var backward = Assert.Single(Exposure.Of(LogScript.Room, _log.Records).Changes, c => !c.IsForward);
        Assert.Equal(("sip:carol@example.com", TimeSpan.FromSeconds(19.8)), (backward.Name, backward.Time));
    }

    [Theory]
    [InlineData(RekeyReason.Left, true, true)]
    [InlineData(RekeyReason.Joined, true, true)]
    [InlineData(RekeyReason.TooOld, true, true)]
    [InlineData(RekeyReason.Evicted, false, true)]
    [InlineData(RekeyReason.Evicted, true, false)]
    [InlineData(RekeyReason.Asked, true, false)]
    [InlineData(RekeyReason.FocusRecovered, true, false)]
    [InlineData(RekeyReason.MixerReplaced, true, false)]
    [InlineData(RekeyReason.WornOut, true, false)]
    public void An_epoch_begins_too_early_but_for_the_reasons_that_need_not_wait(RekeyReason reason, bool evictionBypasses, bool isNamed)
    {
        _log.Events[2] = new ConferenceEvent.KeyPolicySet(RekeyPolicy.Default with { EvictionBypassesInterval = evictionBypasses }) { At = LogScript.Noon };
        Insert(before: 3, new ConferenceEvent.KeyEpochBegan(new KeyEpoch(4), reason, []) { At = LogScript.Time(49.8) });
        if (isNamed) Named(AuditRule.K3, null, "epoch 4");
        else Assert.Empty(Check());
    }

    [Theory]
    [InlineData(true, 100u, false)]
    [InlineData(false, 100u, true)]
    [InlineData(true, 1u, true)]
    public void A_mixer_that_takes_over_begins_an_epoch_and_has_SSRCs_of_its_own(bool begins, uint ssrc, bool isNamed)
    {
        var placed = new ConferenceEvent.MixerPlaced(2)
        {
            At = LogScript.Time(50),
            Loss = MixerLoss.Silent,
            Ssrcs = [new MemberSsrc(new ParticipantId("alice"), new Ssrc(ssrc)), new MemberSsrc(new ParticipantId("carol"), new Ssrc(101))],
        };
        Insert(before: 3, placed);
        if (begins) Insert(before: 3, new ConferenceEvent.KeyEpochBegan(new KeyEpoch(4), RekeyReason.MixerReplaced, []) { At = LogScript.Time(50) });
        if (isNamed) Named(AuditRule.K6, null, begins ? "SSRC" : "no epoch began");
        else Assert.DoesNotContain(Check(), v => v.Rule == AuditRule.K6);
    }

    /// <summary>It has no key.</summary>
    [Fact]
    public void A_forwarder_that_takes_over_needs_no_epoch()
    {
        for (var i = 0; i < _log.Events.Count; i++)
            if (_log.Events[i] is ConferenceEvent.ParticipantJoined joined)
                _log.Events[i] = joined with { Keying = LegKeying.Switched };
        Insert(before: 3, new ConferenceEvent.MixerPlaced(2) { At = LogScript.Time(50), Loss = MixerLoss.Silent });
        Assert.DoesNotContain(Check(), v => v.Rule == AuditRule.K6);
    }

    [Fact]
    public void A_leave_is_covered_by_no_epoch()
    {
        _log.Events.RemoveRange(_log.IndexOf<ConferenceEvent.KeyEpochBegan>(e => e.Epoch.Number == 3), 2);
        Named(AuditRule.K4, "sip:bob@example.com", "the leave of sip:bob@example.com is covered by no epoch");
    }

    [Fact]
    public void A_join_is_covered_too_late()
    {
        var at = _log.IndexOf<ConferenceEvent.KeyEpochBegan>(e => e.Epoch.Number == 2);
        _log.Events[at - 1] = _log.Events[at - 1] with { At = LogScript.Time(18) };
        _log.Events.RemoveRange(at, 2);
        _log.Events.InsertRange(at, [.. new LogScript().Begin(2, RekeyReason.Joined, 29).Spread(2, 29.1, "alice", "bob", "carol").Events]);
        _log.Events.RemoveAt(_log.IndexOf<ConferenceEvent.KeyEpochPassed>(e => e.Passage == EpochPassage.Retired));
        Named(AuditRule.K4, "sip:carol@example.com", "covered by epoch 2 only, 11.0 s after it");
    }

    [Fact]
    public void A_join_is_covered_by_an_epoch_that_began_before_it()
    {
        var at = _log.IndexOf<ConferenceEvent.ParticipantJoined>(e => e.Participant.Value == "carol");
        (_log.Events[at], _log.Events[at + 1]) = (_log.Events[at + 1], _log.Events[at]);
        Assert.Equal([AuditRule.K2, AuditRule.K4], Check().Select(v => v.Rule).Order());
    }

    [Fact]
    public void Someone_stays_under_an_old_key()
    {
        var steps = _log.IndexOf<ConferenceEvent.LegsProgressed>(e => e.Steps.Any(s => s.Epoch.Number == 3));
        _log.Events[steps] = Without((ConferenceEvent.LegsProgressed)_log.Events[steps], s => s.Participant.Value == "carol" && s.Kind == LegStepKind.Moved);
        Named(AuditRule.K4, "sip:carol@example.com", "was under epoch 2 until 20.0 s after epoch 3 began");
        Assert.Equal(_log.IndexOf<ConferenceEvent.KeyEpochBegan>(e => e.Epoch.Number == 3) + 1, Check()[0].Record);
    }

    [Theory]
    [InlineData(LegStepKind.OwnKey)]
    [InlineData(LegStepKind.Silenced)]
    [InlineData(LegStepKind.Dropped)]
    public void Someone_who_was_taken_off_the_old_key_in_time_is_no_breach(LegStepKind kind)
    {
        var steps = _log.IndexOf<ConferenceEvent.LegsProgressed>(e => e.Steps.Any(s => s.Epoch.Number == 3));
        _log.Events[steps] = Without((ConferenceEvent.LegsProgressed)_log.Events[steps], s => s.Participant.Value == "carol" && s.Kind == LegStepKind.Moved);
        Insert(before: 3, Step("carol", kind, 0, 50));
        Assert.Empty(Check());
    }

    [Fact]
    public void Nothing_comes_back_after_a_take_over()
    {
        Insert(before: 3, new ConferenceEvent.Taken(new Incarnation(2)) { At = LogScript.Time(45) });
        Named(AuditRule.K4, null, "the take-over is covered by no epoch");
    }

    [Fact]
    public void What_is_due_after_the_end_of_the_log_is_due_only_for_a_node_that_runs()
    {
        _log.Events.RemoveRange(_log.IndexOf<ConferenceEvent.KeyEpochBegan>(e => e.Epoch.Number == 3), _log.Events.Count - _log.IndexOf<ConferenceEvent.KeyEpochBegan>(e => e.Epoch.Number == 3));
        Assert.Empty(Check());
        var late = AuditChecks.Run(LogScript.Room, _log.Records, LogScript.Time(55));
        Assert.Equal((AuditRule.K4, "sip:bob@example.com"), (Assert.Single(late).Rule, late[0].Who));
    }

    [Theory]
    [InlineData(2u)]
    [InlineData(3u)]
    public void A_number_is_used_again(uint number)
    {
        Insert(before: 3, new ConferenceEvent.KeyEpochBegan(new KeyEpoch(number), RekeyReason.Asked, []) { At = LogScript.Time(55) });
        Named(AuditRule.K5, null, $"epoch {number} began after epoch 3");
    }

    [Fact]
    public void A_key_is_used_under_another_number()
    {
        Insert(before: 3, new ConferenceEvent.KeyEpochBegan(new KeyEpoch(4), RekeyReason.Asked, [LogScript.Commitment(2)]) { At = LogScript.Time(55) });
        Named(AuditRule.K5, null, "epoch 4 has the key of epoch 2");
    }

    [Fact]
    public void A_key_is_sent_before_it_is_stored()
    {
        Insert(before: 3, Step("alice", LegStepKind.Sent, 4, 55));
        Named(AuditRule.K5, "sip:alice@example.com", "epoch 4 was sent before it was stored");
    }

    [Fact]
    public void Somebody_is_moved_to_a_key_that_it_did_not_take()
    {
        var steps = _log.IndexOf<ConferenceEvent.LegsProgressed>(e => e.Steps.Any(s => s.Epoch.Number == 3));
        _log.Events[steps] = Without((ConferenceEvent.LegsProgressed)_log.Events[steps], s => s.Participant.Value == "carol" && s.Kind == LegStepKind.Confirmed);
        Named(AuditRule.K7, "sip:carol@example.com", "had not taken it");
    }

    [Fact]
    public void The_clock_goes_back()
    {
        Insert(before: 3, new ConferenceEvent.MixerPlaced(1) { At = LogScript.Time(30) });
        Named(AuditRule.Clock, null, "older than the one before it");
    }

    [Fact]
    public void A_record_that_makes_no_sense_is_named() => Assert.Contains(
        AuditChecks.Run(LogScript.Room, [.. _log.Records, _log.Records[^2]]), v => v is { Rule: AuditRule.Record });

    private ImmutableArray<AuditViolation> Check() => AuditChecks.Run(LogScript.Room, _log.Records);

    private void Named(AuditRule rule, string? who, string text)
    {
        var violation = Assert.Single(Check());
        Assert.Equal((rule, who), (violation.Rule, violation.Who));
        Assert.Contains(text, violation.Text, StringComparison.Ordinal);
        Assert.InRange(violation.Record!.Value, 1, _log.Events.Count);
    }

    /// <summary>Before the last so many events.</summary>
    private void Insert(int before, ConferenceEvent happened) => _log.Events.Insert(_log.Events.Count - before, happened);

    private static ConferenceEvent.LegsProgressed Step(string who, LegStepKind kind, uint epoch, double at) =>
        (ConferenceEvent.LegsProgressed)new LogScript().Step(at, (who, kind, epoch, at)).Events[0];

    private static ConferenceEvent.LegsProgressed Without(ConferenceEvent.LegsProgressed steps, Func<LegStep, bool> which) =>
        steps with { Steps = [.. steps.Steps.Where(s => !which(s))] };
}
