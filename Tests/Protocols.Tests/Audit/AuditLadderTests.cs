using ConfCluster.Protocols.Audit;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Keys.Rekeying;
using Xunit;

namespace ConfCluster.Protocols.Tests.Audit;

/// <summary>Keys told in advance: a good log, and each fault put into it by itself.</summary>
public sealed class AuditLadderTests
{
    private readonly LogScript _log = Good();

    [Fact]
    public void A_join_that_burns_a_rung_is_good_and_is_told_so()
    {
        Assert.Empty(AuditChecks.Run(LogScript.Room, _log.Records));
        var lines = AuditTimeline.Of(_log.Records).Select(l => l.Text.Trim()).ToList();
        Assert.Contains("keys of 2 epochs to come are made, to be told in advance", lines);
        Assert.Contains("alice was sent epoch 1-3", lines);
        Assert.Contains("epoch 3, never begun, destroyed", lines);
    }

    [Fact]
    public void A_rung_begins_that_a_leaver_was_sent()
    {
        _log.Events.RemoveRange(_log.IndexOf<ConferenceEvent.KeyEpochPassed>(), _log.Events.Count - _log.IndexOf<ConferenceEvent.KeyEpochPassed>());
        _log.Begin(3, RekeyReason.Left, 41);
        Named(AuditRule.K1, "sip:bob@example.com", "epoch 3 began, and sip:bob@example.com, which had left, was told its key in advance");
        // Nor does it cover the leave.
        _log.Pass(3, EpochPassage.Settled, 60);
        Assert.Contains(AuditChecks.Run(LogScript.Room, _log.Records), v => v.Rule == AuditRule.K4 && v.Text.Contains("the leave of sip:bob", StringComparison.Ordinal));
    }

    [Fact]
    public void A_rung_begins_with_another_key()
    {
        var at = _log.IndexOf<ConferenceEvent.KeyEpochBegan>(e => e.Epoch.Number == 2);
        _log.Events[at] = (ConferenceEvent.KeyEpochBegan)_log.Events[at] with { Commitments = [LogScript.Commitment(9)] };
        Named(AuditRule.K5, null, "epoch 2 began with another key than was told in advance");
    }

    [Fact]
    public void A_number_of_a_rung_is_given_again()
    {
        _log.Add(Ladder(44, 3));
        Named(AuditRule.K5, null, "told in advance for epoch 3, a number that was given before");
    }

    [Fact]
    public void An_epoch_begins_below_a_rung_that_was_given_up()
    {
        var at = _log.IndexOf<ConferenceEvent.KeyLadderMade>();
        _log.Events[at] = Ladder(0, 2, 3, 7);
        Named(AuditRule.K5, null, "epoch 4 began below a number that was given before");
    }

    [Fact]
    public void A_rung_is_sent_before_it_is_stored()
    {
        _log.Events.RemoveAt(_log.IndexOf<ConferenceEvent.KeyLadderMade>());
        Assert.Contains(AuditChecks.Run(LogScript.Room, _log.Records), v => v.Rule == AuditRule.K5 && v.Text.Contains("epoch 3 was sent before it was stored", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("1-")]
    [InlineData("3-1")]
    [InlineData("1-99999999")]
    [InlineData("-2")]
    public void A_range_that_makes_no_sense_is_named(string range)
    {
        var records = _log.Records;
        var at = records.IndexOf(records.First(r => r.What == "steps"));
        var field = records[at].Fields[0];
        records = records.SetItem(at, records[at] with { Fields = [field with { Value = field.Value.Replace("1-3", range, StringComparison.Ordinal) }] });
        Assert.Contains(AuditChecks.Run(LogScript.Room, records), v => v.Rule == AuditRule.Record && v.Record == at + 1);
    }

    private void Named(AuditRule rule, string? who, string text)
    {
        var violation = Assert.Single(AuditChecks.Run(LogScript.Room, _log.Records));
        Assert.Equal((rule, who), (violation.Rule, violation.Who));
        Assert.Contains(text, violation.Text, StringComparison.Ordinal);
    }

    /// <summary>Alice and Bob are told epoch 1 with two rungs; Carol's join burns the first; Bob's leave ends the ladder.</summary>
    private static LogScript Good()
    {
        var log = new LogScript();
        log.Add(new ConferenceEvent.Created(new ConferenceId(LogScript.Room)) { At = LogScript.Time(0) });
        log.Policy(RekeyPolicy.Default with { Ladder = 2 }, 0).Join("alice", 0).Join("bob", 0).Begin(1, RekeyReason.Begun, 0);
        log.Add(Ladder(0, 2, 3));
        log.Add(Steps(0.1, Told("alice", LegStepKind.Sent, 1, 3, 0.05), Told("bob", LegStepKind.Sent, 1, 3, 0.05)));
        log.Add(Steps(0.2, Told("alice", LegStepKind.Confirmed, 1, 3, 0.15), Told("bob", LegStepKind.Confirmed, 1, 3, 0.15)));
        log.Step(0.3, ("alice", LegStepKind.Moved, 1, 0.25), ("bob", LegStepKind.Moved, 1, 0.25));
        log.Join("carol", 20).Begin(2, RekeyReason.Joined, 20);
        log.Step(20.1, ("alice", LegStepKind.Moved, 2, 20.01), ("bob", LegStepKind.Moved, 2, 20.01));
        log.Add(Steps(20.2, Told("carol", LegStepKind.Sent, 2, 3, 20.02), Told("carol", LegStepKind.Confirmed, 2, 3, 20.1)));
        log.Step(20.3, ("carol", LegStepKind.Moved, 2, 20.2));
        log.Leave("bob", 40);
        log.Add(new ConferenceEvent.KeyEpochPassed(new KeyEpoch(3), EpochPassage.Destroyed) { At = LogScript.Time(40), To = new KeyEpoch(3) });
        log.Begin(4, RekeyReason.Left, 40).Spread(4, 40.1, "alice", "carol");
        return log;
    }

    private static ConferenceEvent.KeyLadderMade Ladder(double at, params uint[] numbers) =>
        new([.. numbers.Select(n => new KeyRung(new KeyEpoch(n), [LogScript.Commitment(n)]))]) { At = LogScript.Time(at) };

    private static LegStep Told(string who, LegStepKind kind, uint from, uint to, double at) =>
        new(new ParticipantId(who), kind, new KeyEpoch(from), LogScript.Time(at)) { To = new KeyEpoch(to) };

    private static ConferenceEvent.LegsProgressed Steps(double at, params LegStep[] steps) => new([.. steps]) { At = LogScript.Time(at) };
}
