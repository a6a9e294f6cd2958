using ConfCluster.Protocols.Audit;
using ConfCluster.Protocols.Tests.Keys.Rekeying;
using CsCheck;
using Xunit;

namespace ConfCluster.Protocols.Tests.Audit;

/// <summary>The machine and the audit share no code, and agree: every log of the machine verifies.</summary>
public sealed class AuditProperties
{
    [Fact]
    public void Every_log_of_the_machine_verifies() =>
        Gen.Select(RekeyProperties.AnyPolicy, Gen.Int[0, 100], Gen.Bool, RekeyProperties.AnyStory).Sample((policy, store, loses, story) =>
        {
            var world = new RekeyWorld(policy, TimeSpan.FromMilliseconds(store));
            var journal = new RekeyJournal(world, policy, loses);
            foreach (var (pause, happening) in story)
            {
                world.Run(pause);
                happening.Act(world);
            }

            world.Run(TimeSpan.FromMinutes(2));
            var records = journal.Events.Select((e, i) => KeyChangeProjection.Of(i + 1, e)).ToList();
            var found = AuditChecks.Run(LogScript.Room, records, LogScript.Noon + world.Now);
            Assert.True(found.IsEmpty, string.Join("\n", found) + "\n" + string.Join("\n", AuditTimeline.Of(records).Select(l => $"{l.Number} {l.At:mm:ss.fff} {l.Text}")));
            var exposure = Exposure.Of(LogScript.Room, records, LogScript.Noon + world.Now);

            // Somebody may be dropped shortly before the end of the run: K4 gives the next rekeying its time.
            Assert.DoesNotContain(exposure.Changes, c => c.IsOpen && policy.OnLeave && c.Time > policy.Bound);
        }, iter: 600);
}
