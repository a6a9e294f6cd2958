using Akka.Actor;
using Akka.TestKit;
using Akka.TestKit.Xunit2;
using ConfCluster.Actors.Conference;
using ConfCluster.Actors.Journal;
using ConfCluster.Actors.Media;
using ConfCluster.Actors.Participant;
using ConfCluster.Actors.Settings;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Mixing;
using Xunit;

namespace ConfCluster.Actors.Tests.Conference;

/// <summary>A conference of several mixers, and what these and its participants say of them.</summary>
public sealed class ConferenceMixersTests : TestKit
{
    private static readonly ConferenceId Room = new("room");
    private static readonly ParticipantId[] People = [new("a"), new("b"), new("c")];
    private readonly List<MixerId> _full = [];
    private readonly TestProbe _participants;
    private readonly TestProbe _mixers;
    private readonly IActorRef _conference;

    public ConferenceMixersTests()
    {
        (_participants, _mixers) = (CreateTestProbe(), CreateTestProbe());
        var settings = new ConferenceSettings(
            Blueprints.Only(new ConferencePolicy(100) { LegsPerMixer = 2 }), true, [], [], 1, 10, TimeSpan.FromSeconds(3));
        var regions = new EntityRegions { Participants = _participants.Ref, Mixers = _mixers.Ref };
        var parts = new ConferenceParts(settings, regions, new ActiveConferences(max: 1), (_, _) => Props.Create(() => new Memory()), TimeProvider.System)
        {
            NoRoom = _full.Add,
            HasRoomBeside = mixers => mixers < 2,
        };
        _conference = Sys.ActorOf(ConferenceRegion.PropsOf(Room, parts));
        foreach (var who in People)
        {
            _conference.Tell(new JoinConference(Room, who, $"sip:{who}@example.com", null));
            Assert.Equal(who == People[2] ? 1 : 0, _participants.ExpectMsg<Joined>(j => j.Participant == who).Mixer.Number);
        }
    }

    [Fact]
    public void Who_finds_its_mixer_full_is_told_of_another_and_when_there_is_none_that_there_is_none()
    {
        var (first, second) = (new MixerId(Room, 0, 1), new MixerId(Room, 1, 2));
        _conference.Tell(new FindMixer(Room, People[0]) { Full = first });
        var move = _participants.FishForMessage<MoveLeg>(m => m.Participant == People[0]);
        Assert.Equal((second, 1, false), (move.Mixer, move.Seating, move.IsGentle));
        Assert.Empty(_full);
        _conference.Tell(new FindMixer(Room, People[0]) { Full = second });
        Assert.Equal(Rejection.NoMediaCapacity, _participants.FishForMessage<JoinRefused>(r => r.Participant == People[0]).Reason);
    }

    [Fact]
    public void Who_is_alone_at_a_full_mixer_has_another_in_its_place_and_the_node_is_known_to_be_full()
    {
        _conference.Tell(new LeaveConference(Room, People[0], LeaveReason.Bye));
        _conference.Tell(new LeaveConference(Room, People[1], LeaveReason.Bye));
        _participants.FishForMessage<LeaveAcknowledged>(a => a.Participant == People[1]);
        var full = new MixerId(Room, 1, 2);
        _conference.Tell(new FindMixer(Room, People[2]) { Full = full });
        Assert.Equal(new MixerId(Room, 0, 1), _participants.FishForMessage<MoveLeg>(m => m.Participant == People[2]).Mixer);
        AwaitAssert(() => Assert.Equal([full], _full));
    }

    [Fact]
    public void Two_mixers_that_name_one_key_for_two_participants_end_the_call_of_the_second()
    {
        var (one, other) = (new KeyMark(1, 2, 3, 4), new KeyMark(5, 6, 7, 8));
        _conference.Tell(Report(new MixerId(Room, 0, 1), People[0], one));
        _conference.Tell(Report(new MixerId(Room, 1, 2), People[2], other, one));
        var end = _participants.FishForMessage<EndDialog>(_ => true);
        Assert.Equal((People[2], LeaveReason.DialogFailed), (end.Participant, end.Reason));
        _mixers.FishForMessage<SetMixerState>(s => s.State.Mixer.Number == 1 && s.State.Legs.IsEmpty);
    }

    private static MixerReport Report(MixerId mixer, ParticipantId who, params KeyMark[] keys) =>
        new(mixer, new Incarnation(1), 1, [new LegReport(who, default) { Keys = [.. keys] }]);

    /// <summary>A journal that is quick and forgets.</summary>
    private sealed class Memory : ReceiveActor
    {
        private long _sequence;

        public Memory() => Receive<Append<ConferenceEvent>>(a => Context.Parent.Tell(new Appended(_sequence += a.Events.Length)));

        protected override void PreStart() => Context.Parent.Tell(new JournalRecovered<ConferenceEvent>([], 0));
    }
}
