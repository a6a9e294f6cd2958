using System.Collections.Immutable;
using ConfCluster.Protocols.Audit;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Keys.Rekeying;
using ConfCluster.Protocols.Tests.Audit;
using ConfCluster.Protocols.Tests.Keys.Rekeying;
using CsCheck;
using Xunit;

namespace ConfCluster.Protocols.Tests.Conference;

/// <summary>What the facts say of how long a change stays without a younger key; the numbers of the metrics.</summary>
public sealed class KeyLedgerTests
{
    private static readonly DateTimeOffset Noon = LogScript.Noon;

    [Fact]
    public void A_story_is_counted_change_by_change_and_epoch_by_epoch()
    {
        var log = LogScript.Good();
        var (ledger, seen) = KeyLedger.Empty.Take(log.Events);
        Assert.Equal(
            [(RekeyReason.Begun, 1), (RekeyReason.Joined, 0), (RekeyReason.Left, 0)],
            seen.OfType<KeyObservation.Rekeyed>().Select(o => (o.Reason, o.Merged)));
        Assert.Equal((new KeyEpoch(1), TimeSpan.FromMilliseconds(60)), seen.OfType<KeyObservation.Distributed>().Select(o => (o.Epoch, o.Took)).Single());
        Assert.Equal(
            [(KeyChangeKind.Join, "alice", 0.0), (KeyChangeKind.Join, "bob", 0), (KeyChangeKind.Join, "carol", 0.4), (KeyChangeKind.Leave, "bob", 20)],
            Covered(seen));
        Assert.Empty(ledger.Open);
        Assert.Equal("bob", ledger.LastCovered!.Change.Participant.Value);
    }

    [Fact]
    public void Until_the_last_older_key_is_retired_a_change_is_open()
    {
        var log = Two().Leave("bob", 20);
        var ledger = KeyLedger.Empty.Take(log.Events).Next;
        Assert.Equal(new KeyChange(KeyChangeKind.Leave, new ParticipantId("bob"), LogScript.Time(20), new KeyEpoch(1)), Assert.Single(ledger.Open));
        var next = new LogScript().Begin(2, RekeyReason.Left, 25).Spread(2, 25.1, "alice");
        ledger = ledger.Take(next.Events).Next;
        Assert.Single(ledger.Open);
        var (last, seen) = ledger.Take(new LogScript().Pass(1, EpochPassage.Retired, 25.3).Events);
        Assert.Equal([(KeyChangeKind.Leave, "bob", 5.3)], Covered(seen));
        Assert.Empty(last.Open);
    }

    [Fact]
    public void Changes_that_wait_for_the_interval_are_merged_and_so_are_those_that_another_reason_covers()
    {
        var log = Two().Join("carol", 5).Join("dave", 6).Begin(2, RekeyReason.Joined, 10).Join("erin", 11).Begin(3, RekeyReason.Asked, 12);
        Assert.Equal([1, 1, 1], KeyLedger.Empty.Take(log.Events).Seen.OfType<KeyObservation.Rekeyed>().Select(o => o.Merged));
    }

    [Fact]
    public void Who_was_never_told_a_key_changes_nothing()
    {
        var log = Two().Join("own", 5, LegKeying.Own).Leave("own", 6);
        Assert.Empty(KeyLedger.Empty.Take(log.Events).Next.Open);
        log.Policy(RekeyPolicy.Default with { OnJoin = false, OnLeave = false }, 7).Join("carol", 8).Leave("bob", 9);
        Assert.Empty(KeyLedger.Empty.Take(log.Events).Next.Open);
    }

    [Fact]
    public void Legs_that_fall_behind_are_counted_by_what_became_of_them()
    {
        var log = Two().Step(12, ("alice", LegStepKind.OwnKey, 0, 12), ("bob", LegStepKind.Silenced, 0, 12), ("bob", LegStepKind.Dropped, 0, 13));
        Assert.Equal(
            [LegStepKind.OwnKey, LegStepKind.Silenced, LegStepKind.Dropped],
            KeyLedger.Empty.Take(log.Events).Seen.OfType<KeyObservation.FellBehind>().Select(o => o.Became));
    }

    [Fact]
    public void After_the_loss_of_the_focus_a_change_is_covered_when_the_last_leg_is_under_a_key_of_the_new_life()
    {
        var log = Two().Join("carol", 5).Leave("carol", 5.5).Leave("bob", 6);
        log.Add(new ConferenceEvent.Taken(new Incarnation(2)) { At = LogScript.Time(8) });
        log.Begin(2, RekeyReason.FocusRecovered, 8);
        var ledger = KeyLedger.Empty.Take(log.Events).Next;
        Assert.Equal(["carol", "bob"], ledger.Open.Select(c => c.Participant.Value));
        var (next, seen) = ledger.Take(new LogScript().Spread(2, 8.1, "alice").Events);
        Assert.Empty(next.Open);
        Assert.Equal([(KeyChangeKind.Join, "carol", 3.3), (KeyChangeKind.Leave, "bob", 2.3)], Covered(seen));
    }

    [Fact]
    public void A_node_that_was_down_exposed_nobody_and_an_end_covers_all()
    {
        var open = KeyLedger.Empty.Take(Two().Leave("bob", 20).Events).Next;
        var (lost, none) = open.Take([new ConferenceEvent.Ended(EndReason.NodeLost) { At = LogScript.Time(900) }]);
        Assert.Empty(lost.Open);
        Assert.Empty(none);
        var (ended, seen) = open.Take([new ConferenceEvent.Ended(EndReason.Operator) { At = LogScript.Time(21) }]);
        Assert.Empty(ended.Open);
        Assert.Equal([(KeyChangeKind.Leave, "bob", 1.0)], Covered(seen));
    }

    /// <summary>K4 with numbers, and never less than what the audit reads from the same facts with code of its own.</summary>
    [Fact]
    public void In_every_conference_each_change_is_covered_within_the_bound_and_no_number_flatters() =>
        Gen.Select(RekeyProperties.AnyPolicy, Gen.Int[0, 100], RekeyProperties.AnyStory).Sample((policy, store, story) =>
        {
            var world = new RekeyWorld(policy, TimeSpan.FromMilliseconds(store));
            var journal = new RekeyJournal(world, policy, losesSteps: false);
            foreach (var (pause, happening) in story)
            {
                world.Run(pause);
                happening.Act(world);
            }

            world.Run(TimeSpan.FromMinutes(2));
            var events = journal.Events;
            var (ledger, seen) = KeyLedger.Empty.Take(events);
            // With a greatest age it goes on for ever, and with it phones that do not answer go.
            Assert.All(ledger.Open, c => Assert.InRange(Noon + world.Now - c.At, TimeSpan.Zero, policy.MaxAge is null ? TimeSpan.Zero : policy.Bound));
            if (events.Any(e => e is ConferenceEvent.Taken)) return;
            var covered = seen.OfType<KeyObservation.Covered>().Select(o => o.Change).ToList();
            Assert.All(covered, c => Assert.InRange(c.Exposure, TimeSpan.Zero, policy.Bound));
            var records = events.Select((e, i) => KeyChangeProjection.Of(i + 1, e));
            foreach (var leaver in Exposure.Of(LogScript.Room, records, Noon + world.Now).Changes.Where(c => c.IsForward && policy.OnLeave))
            {
                // One that leaves as the story ends may wait for its key still.
                var said = covered.Find(c => IsLeaveOf(c.Change, leaver.Participant))?.Exposure
                    ?? (ledger.Open.Find(c => IsLeaveOf(c, leaver.Participant)) is { } open ? Noon + world.Now - open.At : TimeSpan.Zero);
                Assert.True(said >= leaver.Time, $"{leaver.Participant} could decrypt for {leaver.Time} and the ledger says {said}");
            }
        }, iter: 600);

    private static bool IsLeaveOf(KeyChange change, string participant) => change.Kind == KeyChangeKind.Leave && change.Participant.Value == participant;

    private static LogScript Two()
    {
        var log = new LogScript().Policy(RekeyPolicy.Default, 0).Join("alice", 0).Join("bob", 0).Begin(1, RekeyReason.Begun, 0).Spread(1, 0.1, "alice", "bob");
        return log.Pass(1, EpochPassage.Settled, 0.4);
    }

    private static IEnumerable<(KeyChangeKind Kind, string Who, double Seconds)> Covered(ImmutableArray<KeyObservation> seen) =>
        seen.OfType<KeyObservation.Covered>().Select(o => (o.Change.Change.Kind, o.Change.Change.Participant.Value, Math.Round(o.Change.Exposure.TotalSeconds, 3)));
}
