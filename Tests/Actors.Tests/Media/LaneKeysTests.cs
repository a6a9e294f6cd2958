using Akka.Actor;
using Akka.TestKit.Xunit2;
using ConfCluster.Actors.Media;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Srtp;
using Xunit;

namespace ConfCluster.Actors.Tests.Media;

/// <summary>What a mixer says of its legs' keys, so that a conference finds who has the same at another.</summary>
public sealed class LaneKeysTests : TestKit
{
    private readonly UdpPhone _alice = new("alice", 0x1000);

    [Fact]
    public void With_other_mixers_beside_it_a_mixer_says_which_keys_its_legs_have_and_each_new_one()
    {
        using var plane = new MediaPlane(MediaScene.Options(MediaScene.Settings(), true));
        using var place = plane.Place(MediaScene.Mixer, r => TestActor.Tell(r));
        using var given = _alice.Media();
        var mark = KeyFingerprint.Of(given.Uplink[0]).MarkIn(MediaScene.Mixer.Conference.Value);
        place.Open(_alice.Id);
        FishForMessage<LaneReport.Opened>(_ => true);
        place.SetLeg(_alice.Media());
        var state = new MixerState(MediaScene.Mixer, new Incarnation(1), 1, [new MixerLeg(_alice.Id, new Ssrc(1))]);
        place.SetState(state);
        Assert.Empty(FishForMessage<LaneReport.Alive>(a => a.Version == 1).Legs.Single().Keys);
        place.SetState(state with { Version = 2, Trunk = new TrunkPlan(1, [new TrunkPeer(MediaScene.Mixer with { Number = 1, Incarnation = 2 }, null)]) });
        var keys = FishForMessage<LaneReport.Alive>(a => a.Version == 2).Legs.Single().Keys;
        Assert.True(Assert.Single(keys).FixedTimeEquals(mark));

        var renewed = _alice.Media() with { Generation = given.Generation + 1 };
        place.SetLeg(renewed with { Uplink = [MasterKey.Generate(given.Uplink[0].Profile, given.Uplink[0].Mki, s => s.Fill(9))] });
        keys = FishForMessage<LaneReport.Alive>(a => a.Legs.Any(l => l.Keys.Length > 1)).Legs.Single().Keys;
        Assert.True(keys.Length == 2 && keys[1].FixedTimeEquals(mark) && !keys[0].FixedTimeEquals(mark));
    }

    protected override void AfterAll()
    {
        base.AfterAll();
        _alice.Dispose();
    }

    private T FishForMessage<T>(Predicate<T> isIt) => (T)FishForMessage(m => m is T t && isIt(t), TimeSpan.FromSeconds(10));
}
