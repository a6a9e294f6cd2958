using System.Net.Sockets;
using Akka.Actor;
using Akka.TestKit;
using Akka.TestKit.Xunit2;
using ConfCluster.Actors.Conference;
using ConfCluster.Actors.Media;
using ConfCluster.Actors.Participant;
using ConfCluster.Actors.Settings;
using ConfCluster.Protocols.Conference;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace ConfCluster.Actors.Tests.Media;

/// <summary>What a mixer tells of its legs besides their counters: missing media and who speaks.</summary>
public sealed class MediaWatchTests : TestKit
{
    private readonly UdpPhone _alice = new("alice", 0x1000);
    private readonly UdpPhone _bob = new("bob", 0x2000);
    private readonly TestProbe _conferences;
    private readonly TestProbe _participants;
    private MediaPlane? _plane;

    public MediaWatchTests() => (_conferences, _participants) = (CreateTestProbe(), CreateTestProbe());

    [Fact]
    public void Whoever_sends_nothing_is_told_of_in_the_log_and_in_the_reports()
    {
        var entity = Mixer(ends: false);
        Open(entity, _alice);
        EventFilter.Warning(contains: "nothing authentic has come from alice").ExpectOne(TimeSpan.FromSeconds(10), () => Admit(entity, _alice));
        Report(r => r.Legs.Any(l => l.Statistics.IsMediaMissing));
        _participants.ExpectNoMsg(TimeSpan.FromMilliseconds(200));
        Assert.Equal(1, _plane!.Snapshot().Lanes[0].Media.WithoutMedia);
    }

    [Fact]
    public void By_policy_its_call_ends_as_when_media_is_lost()
    {
        var entity = Mixer(ends: true);
        Open(entity, _alice);
        Admit(entity, _alice);
        _participants.ExpectMsg(new EndDialog(_alice.Id, MediaScene.Mixer.Conference, LeaveReason.MediaFailed), TimeSpan.FromSeconds(10));
    }

    [Fact]
    public void Whoever_speaks_is_told_of_and_so_is_the_silence_after()
    {
        var entity = Mixer(ends: false);
        var opened = Open(entity, _bob);
        Open(entity, _alice);
        Admit(entity, _alice, _bob);
        Speak(opened, r => r.Speaker == _bob.Id);
        Report(r => r.Speaker is null);
    }

    protected override void AfterAll()
    {
        base.AfterAll();
        _plane?.Dispose();
        _alice.Dispose();
        _bob.Dispose();
    }

    private IActorRef Mixer(bool ends)
    {
        var settings = MediaScene.Settings(29000, 29999);
        settings = settings with { Mixer = settings.Mixer with { NoMediaAfter = TimeSpan.FromMilliseconds(300) }, EndsWithoutMedia = ends };
        _plane = new MediaPlane(settings, TimeProvider.System);
        var regions = new EntityRegions { Conferences = _conferences.Ref, Participants = _participants.Ref };
        return CreateTestProbe().ChildActorOf(MixerRegion.PropsOf(MediaScene.Mixer.ToString(), _plane, settings, regions, new FakeTimeProvider()));
    }

    private LegOpened Open(IActorRef entity, UdpPhone phone)
    {
        entity.Tell(new OpenLeg(MediaScene.Mixer, phone.Id, AddressFamily.InterNetwork));
        var opened = _participants.ExpectMsg<LegOpened>();
        entity.Tell(new SetLegMedia(MediaScene.Mixer, phone.Media()));
        return opened;
    }

    private static void Admit(IActorRef entity, params UdpPhone[] phones) => entity.Tell(new SetMixerState(MediaScene.State(1, phones)));

    /// <summary>Says a frame each time the mixer sends one, until a report is as wanted.</summary>
    private void Speak(LegOpened at, Predicate<MixerReport> until)
    {
        for (var frames = 0; frames < 1000; frames++)
        {
            _bob.Say(0x80, at.Rtp);
            _bob.Hear();
            while (_conferences.HasMessages)
                if (_conferences.ReceiveOne(TimeSpan.Zero) is MixerReport report && until(report))
                    return;
        }

        Assert.Fail("nobody was told to speak");
    }

    private MixerReport Report(Predicate<MixerReport> isIt) =>
        (MixerReport)_conferences.FishForMessage(m => m is MixerReport report && isIt(report), TimeSpan.FromSeconds(10));
}
