using System.Text.RegularExpressions;
using Akka.Actor;
using ConfCluster.Actors.Conference;
using ConfCluster.Actors.Media;
using ConfCluster.Actors.Settings;
using ConfCluster.Cluster.Tests.InProcess.Engines;
using ConfCluster.Protocols.Conference;
using Xunit;
using Xunit.Abstractions;

namespace ConfCluster.Cluster.Tests.InProcess;

/// <summary>A cluster that falls apart: who is fewer ends by itself, and a life of a conference that goes on where it must not moves nobody.</summary>
[Collection("clusters")]
public sealed partial class SplitTests(ITestOutputHelper output)
{
    private static readonly ConferenceId Room = new("room");
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Theory]
    [InlineData("", "", "")]
    [InlineData("focus", "focus", "focus media", "media", "media")]
    public async Task The_node_of_a_conference_that_is_cut_off_ends_and_the_others_go_on_with_its_calls(params string[] roles)
    {
        await using var cluster = await EngineCluster.StartAsync(output, roles, "akka.cluster.failure-detector.acceptable-heartbeat-pause=2s");
        await cluster.WatchAsync(async () =>
        {
            var (phones, home, others) = await BeginAsync(cluster, 1, 2);
            var before = await cluster.UntilShownAsync(Room.Value, home, v => v.AppliedVersion == v.Version, "settled");
            await cluster.PartAsync([home], others);
            await cluster[home].System.WhenTerminated.WaitAsync(Patience);
            var asked = others.First(n => cluster[n].Has(NodeRole.Focus));
            await UntilSettledAsync(cluster, asked, phones.Length, before);
            await cluster.HealAsync();
            await cluster.UntilAllHearAsync();
            Assert.DoesNotContain(home, await cluster.HomesAsync(ConferenceRegion.TypeName, Room.Value));
            cluster.NothingIsBroken(Room.Value, asked, wasSplit: true);
        });
    }

    /// <summary>
    /// A second life begins while the first one, which knows nothing of it, has stored an epoch and told nobody. What the first one says then comes too late. The region's
    /// next life takes over in its turn, and the second one finds that out when it wants to change the key.
    /// </summary>
    [Theory]
    [InlineData("focus", "focus", "media")]
    [InlineData("", "")]
    public async Task Of_two_lives_of_a_conference_the_later_one_leads_and_the_other_one_moves_nobody(params string[] roles)
    {
        await using var cluster = await EngineCluster.StartAsync(output, roles, "akka.cluster.sharding.entity-restart-backoff=500ms");
        await cluster.WatchAsync(async () =>
        {
            var (phones, home, others) = await BeginAsync(cluster, 1, 2);
            var before = await cluster.UntilShownAsync(Room.Value, home, v => v.AppliedVersion == v.Version, "settled");
            var held = cluster[home].Sends.HoldOne(m => m is SetMixerState);
            cluster[home].Regions.Conferences.Tell(new RekeyConference(Room, "stored and told to nobody"), ActorRefs.NoSender);
            var late = (SetMixerState)await held.Came.WaitAsync(Patience);
            Assert.Equal((before.Incarnation, before.Mixer!.Value), (late.State.Incarnation, late.Mixer));

            // Which of both writes next is a matter of luck: who comes too late ends, and begins once more.
            var ended = EngineCluster.UntilAsync(() => cluster[home].Log.Contains("lives elsewhere (", StringComparison.Ordinal), () => "the first life to find out");
            var (second, lives) = (cluster[others[0]].BeginAnotherLife(Room), 1);
            for (; await Task.WhenAny(second.WatchAsync(), ended) != ended; lives++) second = cluster[others[0]].BeginAnotherLife(Room);
            await ended;
            held.LetGo();
            await EngineCluster.UntilAsync(() => cluster.Nodes.Any(n => Refusal().IsMatch(n.Log)), () => "the mixer to refuse what the first life said");

            var third = await UntilSettledAsync(cluster, home, phones.Length, before);
            Assert.True(third.Incarnation >= before.Incarnation.Next.Next, $"{third.Incarnation}");
            second.Tell(new RekeyConference(Room, "by a life that another one took over"), ActorRefs.NoSender);
            await second.WatchAsync().WaitAsync(Patience);
            await EngineCluster.UntilAsync(() => Ending().Count(cluster[others[0]].Log) == lives, () => $"{lives} lives to say that another one writes");
            await cluster.UntilAllHearAsync();
            cluster.NothingIsBroken(Room.Value, home);
        });
    }

    [GeneratedRegex(@"lives elsewhere \(somebody else writes to its journal\)")]
    private static partial Regex Ending();

    [GeneratedRegex(@"Mixer room/0\.\d+ obeys incarnation \d+ and refuses incarnation 1\b")]
    private static partial Regex Refusal();

    /// <summary>Two phones that hear each other, the node with their conference, and the others.</summary>
    private static async Task<(EnginePhone[] Phones, int Home, int[] Others)> BeginAsync(EngineCluster cluster, int one, int other)
    {
        EnginePhone[] phones = [await cluster.CallAsync(Room.Value, one, 440), await cluster.CallAsync(Room.Value, other, 1000)];
        await cluster.UntilAllHearAsync();
        var home = Assert.Single(await cluster.HomesAsync(ConferenceRegion.TypeName, Room.Value));
        return (phones, home, [.. cluster.Nodes.Select(n => n.Number).Where(n => n != home)]);
    }

    /// <summary>A later life leads, and all are under an epoch of its own.</summary>
    private static Task<ConferenceView> UntilSettledAsync(EngineCluster cluster, int asked, int phones, ConferenceView before) => cluster.UntilShownAsync(
        Room.Value, asked, v => v.Incarnation > before.Incarnation && v.Epochs is [.., var newest] && newest.Epoch.Number > before.Epochs[^1].Epoch.Number
            && newest.Legs == phones && v.AppliedVersion == v.Version && v.Participants.All(p => !p.IsMoving),
        $"{phones} legs under an epoch of a life after {before.Incarnation}");
}
