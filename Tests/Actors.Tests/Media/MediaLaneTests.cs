using System.Net;
using Akka.Actor;
using Akka.TestKit.Xunit2;
using ConfCluster.Actors.Media;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Srtp;
using Xunit;

namespace ConfCluster.Actors.Tests.Media;

public sealed class MediaLaneTests : TestKit
{
    private readonly UdpPhone _alice = new("alice", 0x1000);
    private readonly UdpPhone _bob = new("bob", 0x2000);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Two_phones_hear_each_other_over_real_sockets(bool linux)
    {
        using var plane = new MediaPlane(MediaScene.Options(MediaScene.Settings(), linux));
        using var place = plane.Place(MediaScene.Mixer, r => TestActor.Tell(r));
        var (alice, bob) = (Open(place, _alice), Open(place, _bob));
        place.SetLeg(_alice.Media());
        place.SetLeg(_bob.Media());
        place.SetState(MediaScene.State(1, _alice, _bob));
        FishForMessage<LaneReport.Alive>(a => a.Version == 1);
        for (var heard = (A: false, B: false); !heard.A || !heard.B;)
        {
            _alice.Say(0x11, alice);
            _bob.Say(0x22, bob);
            heard = (heard.A | _alice.Hear() == 0x22, heard.B | _bob.Hear() == 0x11);
        }

        var report = FishForMessage<LaneReport.Alive>(a => a.Legs.Length == 2 && a.Legs.All(l => l.Statistics.PacketsReceived > 0));
        Assert.All(report.Legs, l => Assert.Equal(0UL, l.Statistics.AuthFailures));
        Assert.Equal((1, 2), (plane.Snapshot().Mixers, plane.Snapshot().Legs));
        Assert.True(plane.Snapshot().PacketsOut > 0);
    }

    [Fact]
    public void What_was_done_to_send_is_counted_and_stays_when_the_mixer_goes()
    {
        using var plane = new MediaPlane(MediaScene.Options(MediaScene.Settings(), true));
        using (var place = plane.Place(MediaScene.Mixer, r => TestActor.Tell(r)))
        {
            Open(place, _alice);
            place.SetLeg(_alice.Media());
            place.SetState(MediaScene.State(1, _alice));
            AwaitCondition(() => Own(plane).Sends > 0, TimeSpan.FromSeconds(10));
        }

        AwaitCondition(() => plane.Snapshot().Mixers == 0, TimeSpan.FromSeconds(10));
        var ticks = plane.Snapshot().Lanes[0].Ticks;
        AwaitCondition(() => plane.Snapshot().Lanes[0].Ticks > ticks + 20, TimeSpan.FromSeconds(10));
        var work = Own(plane);
        Assert.True(work.Sends > 0 && work.Encodes == work.Sends && work.Encrypts == work.Sends, $"{work}");
    }

    [Fact]
    public void A_mixer_where_nobody_hears_or_is_heard_rests_until_something_is_changed()
    {
        using var plane = new MediaPlane(MediaScene.Options(MediaScene.Settings(), true));
        using var place = plane.Place(MediaScene.Mixer, r => TestActor.Tell(r));
        var (alice, bob) = (Open(place, _alice), Open(place, _bob));
        place.SetLeg(_alice.Media() with { Direction = MediaDirection.Inactive });
        place.SetLeg(_bob.Media() with { Direction = MediaDirection.Inactive });
        place.SetState(MediaScene.State(1, _alice, _bob));
        Assert.Equal(32 * MediaScene.Settings().HeartbeatInterval, FishForMessage<LaneReport.Alive>(a => a.Version == 1 && a.Rest > TimeSpan.Zero).Rest);
        place.SetState(MediaScene.State(2, _alice, _bob));
        FishForMessage<LaneReport.Alive>(a => a.Version == 2 && a.Rest > TimeSpan.Zero);
        place.SetLeg(_alice.Media(generation: 2));
        place.SetLeg(_bob.Media(generation: 2));
        FishForMessage<LaneReport.Alive>(a => a.Rest == TimeSpan.Zero);
        do
        {
            _alice.Say(0x11, alice);
            _bob.Say(0x22, bob);
        }
        while (_bob.Hear() != 0x11);
    }

    [Fact]
    public void Mixers_go_to_the_lane_with_the_least_load_also_before_their_legs_have_come()
    {
        using var plane = new MediaPlane(MediaScene.Options(MediaScene.Settings() with { Lanes = 3 }, true));
        var places = Enumerable.Range(0, 3).Select(i => Placed(plane, i)).ToList();
        AwaitAssert(() => Assert.Equal([1, 1, 1], plane.Snapshot().Lanes.Select(l => l.Mixers)), TimeSpan.FromSeconds(10));
        foreach (var place in places.Take(2))
        {
            Open(place, _alice);
            Open(place, _bob);
        }

        places.AddRange([Placed(plane, 3), Placed(plane, 4)]);
        AwaitAssert(() => Assert.Equal([1, 1, 3], plane.Snapshot().Lanes.Select(l => l.Mixers)), TimeSpan.FromSeconds(10));
        places[0].Dispose();
        AwaitAssert(() => Assert.Equal(0, plane.Snapshot().Lanes[0].Mixers), TimeSpan.FromSeconds(10));
        places.Add(Placed(plane, 5));
        AwaitAssert(() => Assert.Equal([1, 1, 3], plane.Snapshot().Lanes.Select(l => l.Mixers)), TimeSpan.FromSeconds(10));
        places.ForEach(p => p.Dispose());
    }

    [Fact]
    public void Opening_again_gives_the_same_ports_and_no_port_is_a_refusal()
    {
        using var plane = new MediaPlane(MediaScene.Options(MediaScene.Settings(26500, 26501), true));
        using var place = plane.Place(MediaScene.Mixer, r => TestActor.Tell(r));
        Assert.Equal(Open(place, _alice), Open(place, _alice));
        place.Open(_bob.Id);
        Assert.Equal(_bob.Id, FishForMessage<LaneReport.Refused>(_ => true).Participant);
    }

    [Fact]
    public void Who_has_the_key_of_another_leg_is_refused_and_named_when_it_comes_later()
    {
        using var plane = new MediaPlane(MediaScene.Options(MediaScene.Settings(), true));
        using var place = plane.Place(MediaScene.Mixer, r => TestActor.Tell(r));
        using var taken = _alice.Media();
        Open(place, _alice);
        place.SetLeg(_alice.Media());
        place.Open(_bob.Id, uplink: [KeyFingerprint.Of(taken.Uplink[0])]);
        Assert.Equal(new LaneReport.Refused(_bob.Id, Rejection.KeyingRefused), FishForMessage<LaneReport.Refused>(_ => true));
        Open(place, _bob);
        place.SetLeg(_bob.Media() with { Uplink = _alice.Media().Uplink });
        Assert.Equal(_bob.Id, FishForMessage<LaneReport.Repeating>(_ => true).Participant);
    }

    [Fact]
    public void Ports_in_use_by_another_program_are_skipped()
    {
        using var taken = new System.Net.Sockets.UdpClient(new IPEndPoint(IPAddress.Loopback, 26511));
        using var plane = new MediaPlane(MediaScene.Options(MediaScene.Settings(26510, 26513), true));
        using var place = plane.Place(MediaScene.Mixer, r => TestActor.Tell(r));
        Assert.Equal(26512, Open(place, _alice).Port);
    }

    /// <summary>rtcp-mux leaves the second socket without a use; an answer without it needs the socket again (RFC 5761 §5.1.1).</summary>
    [Fact]
    public void The_RTCP_socket_goes_with_rtcp_mux_and_comes_back_without()
    {
        var options = MediaScene.Options(MediaScene.Settings(26520, 26521), true);
        using var plane = new MediaPlane(options);
        using var place = plane.Place(MediaScene.Mixer, r => TestActor.Tell(r));
        Open(place, _alice);
        Assert.Equal(2, options.Budget.Open);
        place.SetLeg(_alice.Media());
        Open(place, _alice);
        Assert.Equal(1, options.Budget.Open);
        using (new System.Net.Sockets.UdpClient(new IPEndPoint(IPAddress.Loopback, 26521)))
        {
        }

        place.SetLeg(_alice.Media(generation: 2) with { RtcpMux = false });
        Open(place, _alice);
        Assert.Equal(2, options.Budget.Open);
        place.Close(_alice.Id);
        place.Open(_bob.Id);
        FishForMessage<LaneReport.Refused>(_ => true);
        Assert.Equal(0, options.Budget.Open);
    }

    [Fact]
    public void Who_comes_when_the_open_files_are_used_up_is_refused_and_gets_in_later()
    {
        var options = MediaScene.Options(MediaScene.Settings(), true) with { Budget = new SocketBudget(3) };
        using var plane = new MediaPlane(options);
        using var place = plane.Place(MediaScene.Mixer, r => TestActor.Tell(r));
        Open(place, _alice);
        place.Open(_bob.Id);
        FishForMessage<LaneReport.Refused>(_ => true);
        Assert.Equal(2, options.Budget.Open);
        place.Close(_alice.Id);
        Open(place, _bob);
        Assert.Equal((1, 2), (plane.Room().Files, options.Budget.Open));
    }

    [Fact]
    public void After_a_long_pause_the_ticks_of_the_pause_are_left_out()
    {
        var clock = new ScriptedClock(pauseAt: 5, TimeSpan.FromSeconds(1), ticks: 10);
        using var plane = new MediaPlane(MediaScene.Options(MediaScene.Settings(), true) with { Clock = () => clock });
        Assert.True(clock.Done.Wait(TimeSpan.FromSeconds(5)));
        var lane = plane.Snapshot().Lanes[0];
        Assert.Equal((10L, 1L, TimeSpan.FromSeconds(1)), (lane.Ticks, lane.Rebased, lane.LatenessMax));
        clock.Release.Set();
        for (var i = 1; i < 10; i++) Assert.Equal(TimeSpan.FromMilliseconds(i == 5 ? 1020 : 20), clock.Moments[i] - clock.Moments[i - 1]);
    }

    [Fact]
    public void A_lane_that_fails_tells_its_mixers_and_is_replaced()
    {
        var broken = true;
        var options = MediaScene.Options(MediaScene.Settings(), true);
        using var plane = new MediaPlane(options with { Sockets = () => broken ? new BrokenSockets() : options.Sockets() });
        broken = false;
        using (var place = plane.Place(MediaScene.Mixer, r => TestActor.Tell(r)))
        {
            place.Open(_alice.Id);
            Assert.Contains("broken", FishForMessage<LaneReport.Failed>(_ => true).Reason, StringComparison.Ordinal);
        }

        using var next = plane.Place(MediaScene.Mixer, r => TestActor.Tell(r));
        Assert.NotEqual(0, Open(next, _alice).Port);
    }

    protected override void AfterAll()
    {
        _alice.Dispose();
        _bob.Dispose();
        base.AfterAll();
    }

    private LanePlace Placed(MediaPlane plane, int number) =>
        plane.Place(new MixerId(new ConferenceId($"{number}"), 0, 1), r => TestActor.Tell(r));

    private static StreamWork Own(MediaPlane plane) => plane.Snapshot().Lanes[0].Streams.GetValueOrDefault(default);

    private MediaAddress Open(LanePlace place, UdpPhone phone)
    {
        place.Open(phone.Id);
        return FishForMessage<LaneReport.Opened>(o => o.Participant == phone.Id).Rtp;
    }

    private T FishForMessage<T>(Predicate<T> isIt) => (T)FishForMessage(m => m is T t && isIt(t), TimeSpan.FromSeconds(10));

    private sealed class ScriptedClock(int pauseAt, TimeSpan pause, int ticks) : ILaneClock
    {
        public ManualResetEventSlim Done { get; } = new();

        public ManualResetEventSlim Release { get; } = new();

        public List<TimeSpan> Moments { get; } = [];

        public TimeSpan Now { get; private set; } = TimeSpan.FromSeconds(100);

        public bool Prepare() => false;

        public void WaitUntil(TimeSpan moment)
        {
            if (Moments.Count == ticks)
            {
                Done.Set();
                Release.Wait(TimeSpan.FromSeconds(5));
                return;
            }

            Moments.Add(moment);
            Now = Moments.Count == pauseAt ? moment + pause : moment;
        }
    }

    /// <summary>Breaks once somebody has asked for a port.</summary>
    private sealed class BrokenSockets : IMediaSockets
    {
        public BindOutcome TryBind(IPAddress address, int port, out int handle) => throw new NotSupportedException("broken");

        public void Close(int handle)
        {
        }

        public void Poll()
        {
        }

        public ReceiveOutcome Receive(Span<byte> buffer, out int handle, out int length, out MediaAddress from)
        {
            (handle, length, from) = (0, 0, default);
            return ReceiveOutcome.None;
        }

        public bool Send(int handle, ReadOnlySpan<byte> packet, in MediaAddress to) => false;

        public void Dispose()
        {
        }
    }
}
