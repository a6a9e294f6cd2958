using System.Net.Sockets;
using Akka.Actor;
using Akka.Cluster.Sharding;
using Akka.TestKit;
using Akka.TestKit.Xunit2;
using ConfCluster.Actors.Conference;
using ConfCluster.Actors.Media;
using ConfCluster.Actors.Participant;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Srtp;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace ConfCluster.Actors.Tests.Media;

public sealed class MixerEntityTests : TestKit
{
    private readonly UdpPhone _alice = new("alice", 0x1000);
    private readonly UdpPhone _bob = new("bob", 0x2000);
    private readonly FakeTimeProvider _clock = new();
    private readonly TestProbe _shard;
    private readonly TestProbe _conferences;
    private readonly TestProbe _participants;
    private readonly MediaPlane _plane = new(MediaScene.Settings(27000, 27999), TimeProvider.System);
    private readonly IActorRef _entity;

    public MixerEntityTests()
    {
        (_shard, _conferences, _participants) = (CreateTestProbe(), CreateTestProbe(), CreateTestProbe());
        var regions = new EntityRegions { Conferences = _conferences.Ref, Participants = _participants.Ref };
        _entity = _shard.ChildActorOf(MixerRegion.PropsOf(MediaScene.Mixer.ToString(), _plane, MediaScene.Settings(27000, 27999), regions, _clock));
    }

    [Fact]
    public void A_new_mixer_reports_that_it_has_no_state_and_goes_on_reporting()
    {
        var first = Report(_ => true);
        Assert.Equal((MediaScene.Mixer, 0L, 0L), (first.Mixer, first.Incarnation.Number, first.AppliedVersion));
        Report(_ => true);
    }

    [Fact]
    public void Two_legs_are_opened_admitted_and_hear_each_other_until_one_leaves()
    {
        var (alice, bob) = (Open(_alice), Open(_bob));
        _entity.Tell(new SetLegMedia(MediaScene.Mixer, _alice.Media()));
        _entity.Tell(new SetLegMedia(MediaScene.Mixer, _bob.Media()));
        _entity.Tell(new SetMixerState(MediaScene.State(1, _alice, _bob)));
        Assert.Equal(2, Report(r => r.AppliedVersion == 1).Legs.Length);
        do
        {
            _bob.Say(0x22, bob.Rtp);
            _alice.Say(0x11, alice.Rtp);
        }
        while (_alice.Hear() != 0x22);

        _entity.Tell(new SetMixerState(MediaScene.State(2, _alice)));
        Report(r => r.AppliedVersion == 2);
        _entity.Tell(new CloseLeg(MediaScene.Mixer, _bob.Id));
        Report(r => r.Legs.Length == 1);
    }

    [Fact]
    public void What_a_participant_leaves_is_there_for_its_next_life_until_the_leg_is_closed()
    {
        // Nobody has opened it: it is not kept.
        var (early, first, second) = (_alice.Record(1), _alice.Record(3), _alice.Record(2));
        _entity.Tell(new KeepLeg(early));
        Open(_alice);
        Assert.Null(Find());
        Assert.Throws<ObjectDisposedException>(() => early.Media.Downlink.KeyAndSalt.Reveal());
        _entity.Tell(new KeepLeg(first));
        // An older one may come late.
        _entity.Tell(new KeepLeg(second));
        using (var found = Find())
        {
            Assert.Equal(3, found!.Media.Generation);
            Assert.True(found.Media.Downlink.KeyAndSalt.FixedTimeEquals(first.Media.Downlink.KeyAndSalt));
            Assert.Throws<ObjectDisposedException>(() => second.Media.Downlink.KeyAndSalt.Reveal());
        }

        Find()!.Dispose();
        _entity.Tell(new CloseLeg(MediaScene.Mixer, _alice.Id));
        Assert.Null(Find());
        Assert.Throws<ObjectDisposedException>(() => first.Media.Downlink.KeyAndSalt.Reveal());
    }

    private LegRecord? Find()
    {
        _entity.Tell(new FindLeg(MediaScene.Mixer, _alice.Id));
        return _participants.ExpectMsg<LegFound>(m => m.Participant == _alice.Id && m.Mixer == MediaScene.Mixer).Record;
    }

    [Fact]
    public void A_lower_incarnation_is_refused_and_told_whom_the_mixer_obeys()
    {
        _entity.Tell(new SetMixerState(MediaScene.State(5, 1, _alice)));
        Report(r => r.AppliedVersion == 1);
        _entity.Tell(new SetMixerState(MediaScene.State(4, 9)));
        Assert.Equal(1, Report(r => r.Incarnation == new Incarnation(5)).AppliedVersion);
        _shard.ExpectNoMsg(TimeSpan.FromMilliseconds(100));
    }

    [Fact]
    public void Each_life_of_a_mixer_has_a_number_and_takes_no_state_of_another()
    {
        var born = Report(_ => true).Born;
        Assert.NotEqual(0, born);
        _entity.Tell(new SetMixerState(MediaScene.State(1, _alice) with { Born = born + 1 }));
        Assert.Equal((0L, born), (Report(r => r.IsPartial).AppliedVersion, Report(_ => true).Born));
        _entity.Tell(new SetMixerState(MediaScene.State(1, _alice) with { Born = born }));
        Report(r => r.AppliedVersion == 1 && r.Born == born);
    }

    [Fact]
    public void A_life_of_the_conference_that_is_over_confirms_nothing_and_a_mixer_without_a_conference_goes()
    {
        _entity.Tell(new SetMixerState(MediaScene.State(5, 1, _alice)));
        Report(r => r.AppliedVersion == 1);
        _entity.Tell(new ConfirmMixer(MediaScene.Mixer, new Incarnation(4), 0));
        Assert.Equal(new Incarnation(5), Report(r => r.IsPartial && r.Legs.IsEmpty).Incarnation);
        _entity.Tell(new LaneReport.Orphaned());
        _shard.ExpectMsg<Passivate>();
    }

    [Fact]
    public void Whose_key_is_anothers_is_told_to_hang_up_and_nothing_of_why()
    {
        Open(_alice);
        Open(_bob);
        _entity.Tell(new SetLegMedia(MediaScene.Mixer, _alice.Media()));
        _entity.Tell(new SetLegMedia(MediaScene.Mixer, _bob.Media() with { Uplink = _alice.Media().Uplink }));
        _participants.ExpectMsg(new EndDialog(_bob.Id, MediaScene.Mixer.Conference, LeaveReason.DialogFailed));
    }

    /// <summary>Nobody sends one; if somebody did, it would be used for nothing.</summary>
    [Fact]
    public void A_mixer_that_forwards_unopened_takes_no_key()
    {
        Open(_alice);
        _entity.Tell(new SetMixerState(MediaScene.State(1, _alice) with { ForwardsFrom = new KeyEpoch(1) }));
        Report(r => r.AppliedVersion == 1);
        var media = _alice.Media();
        var key = GroupKey.Generate(new KeyEpoch(1), [SrtpProfile.AesCm128HmacSha1Tag80], System.Security.Cryptography.RandomNumberGenerator.Fill);
        _entity.Tell(new SetLegMedia(MediaScene.Mixer, media));
        _entity.Tell(new SetGroupKey(MediaScene.Mixer, new Incarnation(1), key));
        AwaitAssert(() =>
        {
            Assert.Throws<ObjectDisposedException>(() => media.Downlink.KeyAndSalt.Reveal().Length);
            Assert.Throws<ObjectDisposedException>(() => key.Keys[0].KeyAndSalt.Reveal().Length);
        });
    }

    [Fact]
    public void When_the_last_leg_is_gone_the_mixer_reports_it_and_ends()
    {
        _entity.Tell(new SetMixerState(MediaScene.State(1, _alice)));
        _entity.Tell(new SetMixerState(MediaScene.State(2) with { IsLast = true }));
        Report(r => r.AppliedVersion == 2);
        _shard.ExpectMsg<Passivate>();
    }

    [Fact]
    public void A_leg_that_is_never_admitted_loses_its_ports()
    {
        Open(_alice);
        Report(r => r.Legs.Length == 1);
        _clock.Advance(TimeSpan.FromSeconds(41));
        Report(r => r.Legs.Length == 0);
    }

    [Fact]
    public void How_far_a_phone_has_come_goes_out_with_reports_and_the_next_mixer_goes_on_there()
    {
        var ports = Open(_alice);
        _entity.Tell(new SetLegMedia(MediaScene.Mixer, _alice.Media()));
        _entity.Tell(new SetMixerState(MediaScene.State(1, _alice)));
        Report(r => r.AppliedVersion == 1);
        _alice.Say(0x11, ports.Rtp);
        var told = Report(r => r.Legs.Any(l => !l.Uplinks.IsEmpty)).Legs[0].Uplinks;
        Assert.Equal<UplinkIndex>([new UplinkIndex(_alice.Source, 1)], told);

        // As if it had gone on for a while: another mixer is told so, and opens what has ROC 1.
        var next = MediaScene.Mixer with { Incarnation = 2 };
        var regions = new EntityRegions { Conferences = _conferences.Ref, Participants = _participants.Ref };
        var entity = _shard.ChildActorOf(MixerRegion.PropsOf(next.ToString(), _plane, MediaScene.Settings(27000, 27999), regions, _clock));
        entity.Tell(new SetMixerState(MediaScene.State(2, _alice) with { Mixer = next, Resumes = [new LegUplinks(_alice.Id, [told[0] with { Highest = 0xFFFF }])] }));
        entity.Tell(new OpenLeg(next, _alice.Id, AddressFamily.InterNetwork));
        var at = _participants.FishForMessage<LegOpened>(o => o.Mixer == next).Rtp;
        entity.Tell(new SetLegMedia(next, _alice.Media()));
        Report(r => r.Mixer == next && r.Legs.Length == 1);
        _alice.Index = 0x1_0000;
        _alice.Say(0x11, at);
        var leg = Report(r => r.Mixer == next && r.Legs.Any(l => l.Statistics.PacketsReceived > 0)).Legs[0];
        Assert.Equal((0UL, 0x1_0000UL), (leg.Statistics.AuthFailures, Assert.Single(leg.Uplinks).Highest));
    }

    protected override void AfterAll()
    {
        base.AfterAll();
        _plane.Dispose();
        _alice.Dispose();
        _bob.Dispose();
    }

    private LegOpened Open(UdpPhone phone)
    {
        _entity.Tell(new OpenLeg(MediaScene.Mixer, phone.Id, AddressFamily.InterNetwork));
        return _participants.ExpectMsg<LegOpened>(o => Assert.Equal(phone.Id, o.Participant));
    }

    private MixerReport Report(Predicate<MixerReport> isIt) =>
        (MixerReport)_conferences.FishForMessage(m => m is MixerReport report && isIt(report), TimeSpan.FromSeconds(10));
}
