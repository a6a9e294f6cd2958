using System.Collections.Immutable;
using Akka.Actor;
using Akka.Cluster.Sharding;
using Akka.TestKit;
using Akka.TestKit.Xunit2;
using ConfCluster.Actors.Conference;
using ConfCluster.Actors.Journal;
using ConfCluster.Actors.Media;
using ConfCluster.Actors.Participant;
using ConfCluster.Actors.Settings;
using ConfCluster.Actors.Tests.Journal;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Rtp;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace ConfCluster.Actors.Tests.Conference;

public sealed class ConferenceEntityTests : TestKit
{
    private static readonly ConferenceId Room = new("room");
    private static readonly ParticipantId Alice = new("a");
    private static readonly ParticipantId Bob = new("b");
    private static readonly MixerId Mixer = new(Room, 0, 1);
    private static readonly TimeSpan Quiet = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan Wait = TimeSpan.FromSeconds(1);

    private readonly FakeTimeProvider _clock = new(new DateTimeOffset(2026, 1, 1, 12, 0, 0, TimeSpan.Zero));
    private readonly ActiveConferences _active = new(max: 1);
    private readonly TestProbe _shard;
    private readonly TestProbe _participants;
    private readonly TestProbe _mixers;
    private Action _slow = () => { };

    public ConferenceEntityTests()
        : base(SwitchedJournal.Config + "\nakka.scheduler.implementation = \"Akka.TestKit.TestScheduler, Akka.TestKit\"") =>
        (_shard, _participants, _mixers) = (CreateTestProbe(), CreateTestProbe(), CreateTestProbe());

    private JournalHealth Health
    {
        set => SwitchedJournal.SwitchOf(Sys).Value = value;
    }

    [Fact]
    public void Nobody_hears_of_a_join_before_the_journal_has_it()
    {
        var journal = CreateTestProbe();
        var entity = Entity((_, _) => Props.Create(() => new Forwarder(journal.Ref)));
        entity.Tell(new JournalRecovered<ConferenceEvent>([], 0));
        entity.Tell(Join(Alice));
        var append = journal.ExpectMsg<Append<ConferenceEvent>>();
        Assert.Equal(0, append.ExpectedSequence);
        _participants.ExpectNoMsg(Quiet);
        _mixers.ExpectNoMsg(Quiet);

        entity.Tell(new Appended(4));
        var joined = _participants.ExpectMsg<Joined>();
        Assert.Equal((Alice, Room, Mixer, new Incarnation(1)), (joined.Participant, joined.Conference, joined.Mixer, joined.Incarnation));
        Assert.Equal([new MixerLeg(Alice, joined.Ssrc)], _mixers.ExpectMsg<SetMixerState>().State.Legs.AsEnumerable());
    }

    [Fact]
    public void A_leave_reaches_the_mixer_at_once_and_the_participant_when_it_is_stored()
    {
        var entity = WithMembers(Alice, Bob);
        entity.Tell(new LeaveConference(Room, Bob, LeaveReason.Bye));
        Assert.Equal([Alice], _mixers.ExpectMsg<SetMixerState>().State.Legs.Select(l => l.Participant));
        _participants.ExpectMsg(new LeaveAcknowledged(Bob, Room));
    }

    [Fact]
    public void While_its_mixer_rests_a_conference_has_no_writer_and_the_next_one_goes_on_behind_the_last()
    {
        var begun = new List<long?>();
        var journal = ConferenceRegion.JournalOf(new JournalSettings(JournalDatabase.Sqlite(""), Wait, Wait * 10));
        var entity = Entity((id, sequence) =>
        {
            begun.Add(sequence);
            return journal(id, sequence);
        });
        entity.Tell(Join(Alice));
        _participants.ExpectMsg<Joined>();
        var state = _mixers.ExpectMsg<SetMixerState>().State;
        var stored = Stored().Length;
        for (var i = 0; i < 2; i++) entity.Tell(new MixerReport(Mixer, state.Incarnation, state.Version, []) { Rest = TimeSpan.FromSeconds(9.5) });
        entity.Tell(Join(Bob));
        Assert.Equal(Bob, _participants.ExpectMsg<Joined>().Participant);
        Assert.Equal([null, stored], begun);
        Assert.Equal([Alice, Bob], Stored().OfType<ConferenceEvent.ParticipantJoined>().Select(e => e.Participant));
    }

    [Fact]
    public void A_failing_journal_refuses_joins_acts_on_leaves_and_loses_nothing()
    {
        var entity = WithMembers(Alice, Bob);
        Health = JournalHealth.Fails;
        entity.Tell(new LeaveConference(Room, Bob, LeaveReason.Bye));
        Assert.Single(_mixers.ExpectMsg<SetMixerState>().State.Legs);
        AwaitAssert(() =>
        {
            entity.Tell(Join(new ParticipantId("c")));
            Assert.Equal(Rejection.JournalUnavailable, _participants.ExpectMsg<JoinRefused>(Quiet).Reason);
        });
        entity.Tell(new LeaveConference(Room, Alice, LeaveReason.Bye));
        Assert.Empty(_mixers.ExpectMsg<SetMixerState>().State.Legs);
        _participants.ExpectNoMsg(Quiet);

        Health = JournalHealth.Works;
        Advance(Wait);
        _participants.ExpectMsg(new LeaveAcknowledged(Bob, Room));
        _participants.ExpectMsg(new LeaveAcknowledged(Alice, Room));
        Assert.Equal(
            [Bob, Alice], Stored().OfType<ConferenceEvent.ParticipantLeft>().Select(e => e.Participant));
    }

    [Fact]
    public void After_the_loss_of_the_node_each_call_is_ended_and_the_journal_says_so()
    {
        Kill(WithMembers(Alice, Bob));
        _active.Leave(Room);
        EventFilter.Warning(contains: "2 calls").ExpectOne(() => Entity());
        Assert.Equal(
            [new EndDialog(Alice, Room, LeaveReason.NodeLost), new EndDialog(Bob, Room, LeaveReason.NodeLost)],
            new[] { _participants.ExpectMsg<EndDialog>(), _participants.ExpectMsg<EndDialog>() });
        _mixers.ExpectNoMsg(Quiet);
        Assert.Equal(EndReason.NodeLost, Assert.IsType<ConferenceEvent.Ended>(Stored()[^1]).Reason);
    }

    [Fact]
    public void An_entity_that_comes_back_in_the_same_process_goes_on_with_its_calls()
    {
        Kill(WithMembers(Alice, Bob));
        Entity();
        var state = _mixers.ExpectMsg<SetMixerState>().State;
        Assert.Equal((Mixer, new Incarnation(2), 2), (state.Mixer, state.Incarnation, state.Legs.Length));
        // Nobody is hung up on: each is asked whether its leg is where it was.
        foreach (var who in new[] { Alice, Bob }) Assert.Equal(new MoveLeg(who, Room, Mixer, new Incarnation(2), MayOffer: true), _participants.ExpectMsg<MoveLeg>());
        _participants.ExpectNoMsg(Quiet);
    }

    [Fact]
    public void A_mixer_that_missed_a_state_gets_it_again_and_its_statistics_are_shown()
    {
        var entity = WithMembers(Alice);
        var statistics = default(LegStatistics) with { PacketsReceived = 9 };
        entity.Tell(new MixerReport(Mixer, new Incarnation(1), 0, [new LegReport(Alice, statistics)]));
        Assert.Equal(new ConfirmMixer(Mixer, new Incarnation(1), 0), _mixers.ExpectMsg<ConfirmMixer>());
        Assert.Equal(1, _mixers.ExpectMsg<SetMixerState>().State.Version);
        entity.Tell(new MixerReport(Mixer, new Incarnation(1), 1, [new LegReport(Alice, statistics)]));
        entity.Tell(new MixerReport(Mixer, new Incarnation(1), 1, []) { IsPartial = true });
        entity.Tell(new GetConference(Room));
        var view = ExpectMsg<ConferenceView>();
        Assert.True(view.IsActive);
        Assert.Equal((1L, 1L, _clock.GetUtcNow()), (view.Version, view.AppliedVersion, view.Since));
        Assert.Equal((Alice, 9UL), (view.Participants.Single().Participant, view.Participants.Single().Media!.Value.PacketsReceived));
        _mixers.ExpectNoMsg(Quiet);
    }

    [Fact]
    public void Who_speaks_is_shown_as_the_mixer_last_told_it_and_only_of_members()
    {
        var entity = WithMembers(Alice);
        var report = new MixerReport(Mixer, new Incarnation(1), 1, []) { IsPartial = true };
        foreach (var (told, shown) in new (ParticipantId?, ParticipantId?)[] { (Alice, Alice), (Bob, null), (Alice, Alice), (null, null) })
        {
            entity.Tell(report with { Speaker = told });
            entity.Tell(new GetConference(Room));
            Assert.Equal(shown, ExpectMsg<ConferenceView>().Speaker);
        }
    }

    [Fact]
    public void A_mixer_that_falls_silent_is_replaced_and_its_legs_are_told_to_move()
    {
        var entity = WithMembers(Alice);
        entity.Tell(new MixerReport(Mixer, new Incarnation(1), 1, []));
        _mixers.ExpectMsg<ConfirmMixer>();
        // Once more, so that a process that was held up does not take it for silent.
        foreach (var seconds in new[] { 2.4, 0.6 })
        {
            _clock.Advance(TimeSpan.FromSeconds(seconds));
            Advance(TimeSpan.FromSeconds(seconds));
            Assert.False(Ask(entity).Participants.IsEmpty);
        }

        Assert.Empty(_mixers.ExpectMsg<SetMixerState>().State.Legs);
        Assert.Equal(Mixer with { Incarnation = 2 }, _mixers.ExpectMsg<SetMixerState>().State.Mixer);
        var next = Mixer with { Incarnation = 2 };
        _participants.ExpectMsg(new MoveLeg(Alice, Room, next, new Incarnation(1), MayOffer: false));
        _participants.ExpectMsg(new MoveLeg(Alice, Room, next, new Incarnation(1), MayOffer: true));
        Assert.True(Ask(entity).Participants.Single().IsMoving);
        entity.Tell(new LegMoved(Room, Alice, next));
        var view = Ask(entity);
        Assert.Equal((MixerLoss.Silent, false), (view.MixerLoss, view.Participants.Single().IsMoving));
    }

    [Fact]
    public void A_timer_runs_from_the_decision_and_not_from_when_all_before_it_is_said()
    {
        var said = TimeSpan.FromSeconds(1);
        _slow = () => _clock.Advance(said);
        var entity = WithMembers(Alice);
        entity.Tell(new MixerReport(Mixer, new Incarnation(1), 1, []));
        _mixers.ExpectMsg<ConfirmMixer>();
        Ask(entity);
        _slow = () => { };
        // Missed, and once more.
        foreach (var seconds in new[] { 2.4 - said.TotalSeconds, 0.6 })
        {
            _clock.Advance(TimeSpan.FromSeconds(seconds));
            Advance(TimeSpan.FromSeconds(seconds));
            Ask(entity);
        }

        Assert.Empty(_mixers.ExpectMsg<SetMixerState>().State.Legs);
    }

    [Fact]
    public void A_mixer_that_asks_after_a_pause_is_told_at_once_that_it_is_in_charge()
    {
        var entity = WithMembers(Alice);
        entity.Tell(new MixerReport(Mixer, new Incarnation(1), 1, []));
        _mixers.ExpectMsg<ConfirmMixer>();
        entity.Tell(new MixerReport(Mixer, new Incarnation(1), 1, []) { Question = 3 });
        _mixers.ExpectMsg(new ConfirmMixer(Mixer, new Incarnation(1), 3));
    }

    private ConferenceView Ask(IActorRef entity)
    {
        entity.Tell(new GetConference(Room));
        return ExpectMsg<ConferenceView>();
    }

    [Fact]
    public void The_operator_ends_it_for_everybody_and_the_entity_goes()
    {
        var entity = WithMembers(Alice, Bob);
        entity.Tell(new EndConference(Room, EndReason.Operator));
        _participants.ExpectMsg(new EndDialog(Alice, Room, LeaveReason.ConferenceEnded));
        _participants.ExpectMsg(new EndDialog(Bob, Room, LeaveReason.ConferenceEnded));
        Assert.Empty(_mixers.ExpectMsg<SetMixerState>().State.Legs);
        AwaitCondition(() => _active.Count == 0);
        entity.Tell(new LeaveConference(Room, Alice, LeaveReason.ConferenceEnded));
        _participants.ExpectMsg(new LeaveAcknowledged(Alice, Room));

        Advance(ConferenceMachine.Linger);
        var stop = _shard.ExpectMsg<Passivate>().StopMessage;
        Watch(entity);
        entity.Tell(stop);
        ExpectTerminated(entity);
    }

    [Fact]
    public void A_node_has_so_many_conferences_and_no_more()
    {
        WithMembers(Alice);
        var other = new ConferenceId("other");
        var second = _shard.ChildActorOf(ConferenceRegion.PropsOf(other, Parts()));
        second.Tell(new JoinConference(other, Bob, "sip:b@example.com", null));
        _participants.ExpectMsg(new JoinRefused(Bob, other, Rejection.TooManyConferences));
        _active.Close();
        second.Tell(new JoinConference(other, Bob, "sip:b@example.com", null));
        _participants.ExpectMsg(new JoinRefused(Bob, other, Rejection.ShuttingDown));
    }

    private static JoinConference Join(ParticipantId participant) => new(Room, participant, $"sip:{participant}@example.com", null);

    private IActorRef WithMembers(params ParticipantId[] members)
    {
        var entity = Entity();
        foreach (var member in members)
        {
            entity.Tell(Join(member));
            Assert.Equal(member, _participants.ExpectMsg<Joined>().Participant);
            _mixers.ExpectMsg<SetMixerState>();
        }

        return entity;
    }

    private IActorRef Entity(Func<ConferenceId, long?, Props>? journal = null) =>
        _shard.ChildActorOf(ConferenceRegion.PropsOf(Room, Parts(journal)));

    private ConferenceParts Parts(Func<ConferenceId, long?, Props>? journal = null)
    {
        var settings = new ConferenceSettings(Blueprints.Only(new ConferencePolicy(100)), true, [], [], 1, 10, TimeSpan.FromSeconds(3));
        var regions = new EntityRegions { Participants = _participants.Ref, Mixers = new SlowRef(_mixers.Ref, () => _slow()) };
        journal ??= ConferenceRegion.JournalOf(new JournalSettings(JournalDatabase.Sqlite(""), Wait, Wait * 10));
        return new ConferenceParts(settings, regions, _active, journal, _clock);
    }

    /// <summary>What a reader of its own finds in the journal once it ends as expected.</summary>
    private ImmutableArray<ConferenceEvent> Stored()
    {
        var reader = CreateTestProbe();
        var id = ConferenceRegion.PersistenceId(Room);
        var writer = reader.ChildActorOf(Props.Create(() => new JournalWriter<ConferenceEvent>(id, null, Wait, Wait)));
        var events = reader.ExpectMsg<JournalRecovered<ConferenceEvent>>().Events;
        Sys.Stop(writer);
        return events;
    }

    private void Kill(IActorRef entity)
    {
        Watch(entity);
        Sys.Stop(entity);
        ExpectTerminated(entity);
    }

    private void Advance(TimeSpan time) => ((TestScheduler)Sys.Scheduler).Advance(time);

    /// <summary>Something happens whenever it is told something.</summary>
    private sealed class SlowRef(IActorRef target, Action happens) : MinimalActorRef
    {
        public override ActorPath Path => target.Path;

        public override IActorRefProvider Provider => ((IInternalActorRef)target).Provider;

        protected override void TellInternal(object message, IActorRef sender)
        {
            happens();
            target.Tell(message, sender);
        }
    }

    private sealed class Forwarder : ReceiveActor
    {
        public Forwarder(IActorRef target) => ReceiveAny(target.Forward);
    }
}
