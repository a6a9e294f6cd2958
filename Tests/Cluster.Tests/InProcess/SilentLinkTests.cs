using Akka.Actor;
using ConfCluster.Actors.Conference;
using ConfCluster.Actors.Media;
using ConfCluster.Cluster.Tests.InProcess.Engines;
using ConfCluster.Protocols.Conference;
using Xunit;
using Xunit.Abstractions;

namespace ConfCluster.Cluster.Tests.InProcess;

/// <summary>A way between a focus and a media node that carries nothing in one direction, or little in both.</summary>
[Collection("clusters")]
public sealed class SilentLinkTests(ITestOutputHelper output)
{
    private static readonly ConferenceId Room = new("room");

    [Fact]
    public async Task One_direction_is_enough_to_be_known_to_live_and_the_other_one_to_be_told_to_end()
    {
        await using var cluster = await EngineCluster.StartAsync(output, ["focus", "media", "media"]);
        await cluster.WatchAsync(async () =>
        {
            EnginePhone[] phones = [await cluster.CallAsync(Room.Value, 1, 440), await cluster.CallAsync(Room.Value, 1, 1000)];
            await cluster.UntilAllHearAsync();
            var first = await UntilSettledAsync(cluster, phones.Length, 0);
            var home = await HomeOfAsync(cluster, first);

            // What the conference says does not come there; what the mixer says does: it stays, and its new key waits.
            await cluster.SilenceAsync(1, home);
            var heard = cluster[home].Sends.HoldOne(m => m is MixerReport);
            cluster[1].Regions.Conferences.Tell(new RekeyConference(Room, "into the silence"), ActorRefs.NoSender);
            await heard.Came;
            heard.LetGo();
            var waiting = await cluster.UntilShownAsync(Room.Value, 1, v => v.AppliedVersion < v.Version, "a state that the mixer does not have");
            await cluster.HealAsync();
            var second = await UntilSettledAsync(cluster, phones.Length, first.Epochs[^1].Epoch.Number);
            Assert.Equal((first.Mixer, first.Mixer), (waiting.Mixer, second.Mixer));

            // What the mixer says does not come; what the conference says does: another takes its place, and it is told so and ends.
            await cluster.SilenceAsync(home, 1);
            var moved = await cluster.UntilShownAsync(Room.Value, 1, v => v.Mixer != first.Mixer, "another mixer");
            await EngineCluster.UntilAsync(() => cluster[home].Media.Snapshot().Mixers == 0, () => "the end of the mixer that is not heard");
            await cluster.HealAsync();
            await UntilSettledAsync(cluster, phones.Length, second.Epochs[^1].Epoch.Number);
            await cluster.UntilAllHearAsync();
            Assert.NotEqual(home, await HomeOfAsync(cluster, moved));
            cluster.NothingIsBroken(Room.Value, 1);
        });
    }

    /// <summary>The node of the mixer is emptied, and each node sends so many octets a second to each other one. Who hears nothing of the new mixer yet has a gap.</summary>
    [Theory]
    [InlineData(20_000)]
    public async Task A_handover_over_slow_links_takes_longer_and_loses_no_call(int rate)
    {
        await using var cluster = await EngineCluster.StartAsync(output, ["focus", "media", "media"]);
        await cluster.WatchAsync(async () =>
        {
            EnginePhone[] phones = [await cluster.CallAsync(Room.Value, 1, 440), await cluster.CallAsync(Room.Value, 1, 1000)];
            await cluster.UntilAllHearAsync();
            var before = await UntilSettledAsync(cluster, phones.Length, 0);
            var home = await HomeOfAsync(cluster, before);
            foreach (var node in cluster.Nodes) await cluster.SlowAsync(node.Number, rate);
            await cluster[home].DrainAsync();
            await EngineCluster.UntilAsync(() => cluster[home].Media.Snapshot().Mixers == 0, () => "the end of the mixer that was moved");
            await cluster.HealAsync();
            await UntilSettledAsync(cluster, phones.Length, before.Epochs[^1].Epoch.Number - 1);
            await cluster.UntilAllHearAsync();
            cluster.NothingIsBroken(Room.Value, 1);
        });
    }

    private static async Task<int> HomeOfAsync(EngineCluster cluster, ConferenceView view) =>
        Assert.Single(await cluster.HomesAsync(MixerRegion.TypeName, view.Mixer!.Value.ToString()));

    private static Task<ConferenceView> UntilSettledAsync(EngineCluster cluster, int phones, uint after) => cluster.UntilShownAsync(
        Room.Value, 1, v => v.Epochs is [.., var newest] && newest.Epoch.Number > after && newest.Legs == phones && v.AppliedVersion == v.Version
            && v.Participants.All(p => !p.IsMoving),
        $"{phones} legs under an epoch after {after}");
}
