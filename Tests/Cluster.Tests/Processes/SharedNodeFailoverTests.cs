using ConfCluster.Cluster.Tests.Failures;
using Xunit;
using Xunit.Abstractions;

namespace ConfCluster.Cluster.Tests.Processes;

/// <summary>What dies with a node that has several roles.</summary>
[Collection("clusters")]
public sealed class SharedNodeFailoverTests(ITestOutputHelper output)
{
    /// <summary>Milliseconds: the failure detector alone takes longer with the settings of this cluster, and then nothing has been decided yet.</summary>
    private const double MostGap = 5000;

    /// <summary>
    /// The mixer of a conference dies with some of its participants, once with the conference and once without. Every call goes on, also those whose dialog died: they are
    /// sent media again without redialling, and sooner than a node is taken for dead by its silence. Nobody's key, SSRC and index come twice (K6).
    /// </summary>
    [SkippableTheory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Participants_that_die_with_their_mixer_are_heard_again(bool withConference)
    {
        await using var cluster = await ProcessCluster.MakeAsync(output, SharedNodeScene.Roles);
        using var scene = new SharedNodeScene(cluster);
        await cluster.WatchAsync(async () =>
        {
            await scene.StartAsync();
            await cluster.UntilSpreadAsync(2, 2, 3, 4);
            var (victim, _) = await scene.BeginAsync(withConference, "25s");
            await using var packets = await cluster.WatchPacketsAsync();
            var (joined, reports) = await scene.KillAsync(victim);
            output.WriteLine($"node {victim} is dead; somebody new was in after {joined.TotalSeconds:0.0} s");
            foreach (var report in reports)
            {
                output.WriteLine($"{report}");
                Assert.True(report.WasKept, $"{report}");
                Assert.Equal((0UL, 0UL), (report.Undecryptable, report.Replays));
                Assert.InRange(report.LongestGap, 0, MostGap);
                Assert.InRange(report.MissingMilliseconds, 0, report.LongestGap + 1500);
            }

            output.WriteLine(await packets.NoIndexIsUsedTwiceAsync(1));
            await cluster.AuditIsCleanAsync(victim == 2 ? 3 : 2);
        });
    }
}
