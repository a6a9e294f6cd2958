using Akka.Actor;
using Akka.TestKit.Xunit2;
using ConfCluster.Actors.Media;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Rtp;
using Xunit;

namespace ConfCluster.Actors.Tests.Media;

/// <summary>A lane that was held up, mixers that nobody leads, and where a mixer goes that takes over.</summary>
public sealed class LaneLeaseTests : TestKit
{
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(10);
    private readonly UdpPhone _alice = new("alice", 0x1000);
    private readonly UdpPhone _bob = new("bob", 0x2000);
    private readonly ManualResetEventSlim _held = new();

    [Fact]
    public void A_lane_that_was_held_up_sends_nothing_until_the_question_of_that_pause_is_answered()
    {
        using var plane = new MediaPlane(MediaScene.Options(MediaScene.Settings() with { SuspectAfter = TimeSpan.FromMilliseconds(300) }, true));
        using var place = plane.Place(MediaScene.Mixer, r => TestActor.Tell(r));
        Talks(place);
        plane.Break(() => _held.Wait(TimeSpan.FromMilliseconds(700)));
        FishForMessage<LaneReport.Alive>(a => a.Question == 1);
        var sent = plane.Snapshot().PacketsOut;
        place.Confirm(0);
        for (var i = 0; i < 3; i++) FishForMessage<LaneReport.Alive>(a => a.Question == 1);
        Assert.Equal(sent, plane.Snapshot().PacketsOut);
        place.Confirm(1);
        FishForMessage<LaneReport.Alive>(a => a.Question == 0);
        AwaitCondition(() => plane.Snapshot().PacketsOut > sent, Long);
    }

    [Fact]
    public void A_mixer_that_nobody_leads_gives_back_its_ports_and_says_so()
    {
        var options = MediaScene.Options(MediaScene.Settings() with { OrphanTimeout = TimeSpan.FromSeconds(1) }, true);
        using var plane = new MediaPlane(options);
        using var place = plane.Place(MediaScene.Mixer, r => TestActor.Tell(r));
        Talks(place);
        FishForMessage<LaneReport.Orphaned>(_ => true);
        Assert.Equal(0, options.Budget.Open);
        AwaitCondition(() => plane.Snapshot() is { Mixers: 0, Legs: 0 }, Long);
        // What comes for it later meets nobody.
        place.SetLeg(_alice.Media(generation: 2));
        place.Confirm(0);
    }

    [Fact]
    public void Who_takes_over_from_a_mixer_goes_to_another_lane_also_where_that_has_more_to_do()
    {
        using var plane = new MediaPlane(MediaScene.Options(MediaScene.Settings() with { Lanes = 2 }, true));
        using var first = plane.Place(MediaScene.Mixer, _ => { });
        using var other = plane.Place(new MixerId(new ConferenceId("other"), 0, 1), _ => { });
        using var more = plane.Place(new MixerId(new ConferenceId("more"), 0, 1), _ => { });
        using var another = plane.Place(new MixerId(new ConferenceId("another"), 0, 1), _ => { });
        using var third = plane.Place(new MixerId(new ConferenceId("third"), 0, 1), _ => { });
        var before = Mixers(plane, 5);
        using var next = plane.Place(MediaScene.Mixer with { Incarnation = 2 }, _ => { });
        var after = Mixers(plane, 6);
        // The first place went to the first lane.
        Assert.Equal((before[0], before[1] + 1), (after[0], after[1]));
    }

    [Fact]
    public void Nobody_is_placed_on_a_lane_that_hangs()
    {
        using var plane = new MediaPlane(MediaScene.Options(MediaScene.Settings() with { Lanes = 2, SuspectAfter = TimeSpan.FromMilliseconds(300) }, true));
        using (var place = plane.Place(MediaScene.Mixer, r => TestActor.Tell(r)))
        {
            FishForMessage<LaneReport.Alive>(_ => true);
            var ticks = plane.Snapshot().Lanes[1].Ticks;
            plane.Break(() => _held.Wait(Long));
            AwaitCondition(() => plane.Snapshot().Lanes[1].Ticks > ticks + 50, Long);
        }

        using var one = plane.Place(new MixerId(new ConferenceId("one"), 0, 1), _ => { });
        using var two = plane.Place(new MixerId(new ConferenceId("two"), 0, 1), _ => { });
        AwaitCondition(() => plane.Snapshot().Lanes[1].Mixers == 2, Long);
        _held.Set();
    }

    protected override void AfterAll()
    {
        _held.Set();
        _alice.Dispose();
        _bob.Dispose();
        base.AfterAll();
    }

    private int[] Mixers(MediaPlane plane, int sum)
    {
        AwaitCondition(() => plane.Snapshot().Mixers == sum, Long);
        return [.. plane.Snapshot().Lanes.Select(l => l.Mixers)];
    }

    private void Talks(LanePlace place)
    {
        var alice = Open(place, _alice);
        Open(place, _bob);
        place.SetLeg(_alice.Media());
        place.SetLeg(_bob.Media());
        place.SetState(MediaScene.State(1, _alice, _bob));
        do _alice.Say(0x11, alice);
        while (_bob.Hear() != 0x11);
    }

    private MediaAddress Open(LanePlace place, UdpPhone phone)
    {
        place.Open(phone.Id);
        return FishForMessage<LaneReport.Opened>(o => o.Participant == phone.Id).Rtp;
    }

    private T FishForMessage<T>(Predicate<T> isIt) => (T)FishForMessage(m => m is T t && isIt(t), Long);
}
