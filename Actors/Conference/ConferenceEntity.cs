using System.Diagnostics;
using System.Security.Cryptography;
using Akka.Actor;
using Akka.Cluster.Sharding;
using Akka.Event;
using ConfCluster.Actors.Journal;
using ConfCluster.Actors.Keys;
using ConfCluster.Actors.Media;
using ConfCluster.Actors.Participant;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Rtp;

namespace ConfCluster.Actors.Conference;

/// <summary>
/// The sharded shell of one conference: it turns messages into inputs of <see cref="ConferenceMachine"/> and does what the machine asks, in
/// order. Its events are kept by a child, so that it outlives a failing journal.
/// </summary>
public sealed class ConferenceEntity : UntypedActor, IWithTimers
{
    private readonly ConferenceId _id;
    private readonly ConferenceParts _parts;
    private IActorRef? _journal;
    private ConferenceLife _life;
    private ConferenceState? _counted;
    private long _sequence;
    private bool _rested;
    private readonly LegMonitor _monitor = new();
    private readonly GroupKeyKeeper _keys;
    private (ConferencePlan? Plan, ConferencePolicy Policy) _rules;

    public ConferenceEntity(ConferenceId id, ConferenceParts parts)
    {
        ArgumentNullException.ThrowIfNull(parts);
        (_id, _parts, _life) = (id, parts, ConferenceLife.New(id));
        _journal = Context.ActorOf(parts.Journal(id, null));
        _keys = new GroupKeyKeeper(id, parts.Settings.Suites);
        _rules = (null, parts.Settings.Blueprints.PolicyFor(id, null));
    }

    public ITimerScheduler Timers { get; set; } = null!;

    /// <summary>An active one stays noted: its calls are still on, and the next life takes them over. In a cluster that may be elsewhere.</summary>
    protected override void PostStop()
    {
        if (!_life.State.IsActive || !_parts.IsAlone) _parts.Active.Leave(_id);
        _keys.DestroyAll();
    }

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case MixerReport m:
                _monitor.Take(m);
                Handle(InputOf(m));
                RestJournal(m.Rest > TimeSpan.Zero);
                break;
            case JournalRecovered<ConferenceEvent> m:
                _sequence = m.Sequence;
                Handle(new ConferenceInput.Recovered(m.Events, CallsLost: _parts.IsAlone && !_parts.Active.Contains(_id)));
                break;
            case Appended m:
                _sequence = m.Sequence;
                Handle(new ConferenceInput.Stored());
                break;
            case JournalFailing: Handle(new ConferenceInput.JournalFailing()); break;
            case JournalOvertaken: Handle(new ConferenceInput.Overtaken()); break;
            case GetConference: Sender.Tell(ConferenceViews.Of(_life, _monitor, _parts.Settings.Blueprints.PlanOf(_id, _life.State.Plan))); break;
            case GroupKeysGranted m:
                _keys.Stock(m.Keys);
                Handle(new ConferenceInput.KeysFetched(m.Keys.Length, m.Problem));
                break;
            case ConferenceTimer timer: Handle(new ConferenceInput.Fired(timer)); break;
            case StopConference: Handle(new ConferenceInput.StopRequested()); break;
            case IConferenceMessage m: Handle(InputOf(m)); break;
            default: Unhandled(message); break;
        }
    }

    private ConferenceInput InputOf(IConferenceMessage message) => message switch
    {
        JoinConference m => Asked(new ConferenceCommand.Join(m.Participant, m.Identity, m.DisplayName) { Caller = m.Caller, Ability = m.Ability, Media = m.Media }),
        LeaveConference m => Asked(new ConferenceCommand.Leave(m.Participant, m.Reason)),
        EndConference m => Asked(new ConferenceCommand.End(m.Reason)),
        PlanConference m => Asked(new ConferenceCommand.Plan(m.Plan)),
        AskToDial m => new ConferenceInput.CalloutAsked(m.Participant, m.Target),
        DialReport m => new ConferenceInput.CalloutReported(m.Participant, m.Target, m.State, m.Status, m.Reason),
        MixerReport m => new ConferenceInput.MixerReported(m.Mixer, m.Incarnation, m.AppliedVersion)
        {
            Shared = m.Shared,
            Trunk = m.Trunk,
            Rest = m.Rest,
            Deaf = [.. m.Legs.Where(l => l.Statistics.DeafTo.Number > 0).Select(l => (l.Participant, l.Statistics.DeafTo))],
            Born = m.Born,
            Question = m.Question,
            Sending = _life.HasLeaving ? [.. m.Legs.Where(l => l.Statistics.PacketsSent > 0).Select(l => l.Participant)] : [],
            Keys = [.. m.Legs.Where(l => !l.Keys.IsEmpty).Select(l => new LegMarks(l.Participant, l.Keys))],
            Uplinks = [.. m.Legs.Where(l => !l.Uplinks.IsEmpty).Select(l => new LegUplinks(l.Participant, l.Uplinks))],
        },
        LegMoved m => new ConferenceInput.LegMoved(m.Participant, m.Mixer),
        FindMixer { Full: { } full } m => new ConferenceInput.RoomAsked(m.Participant, full),
        FindMixer m => new ConferenceInput.PlaceAsked(m.Participant),
        DrainMixer m => new ConferenceInput.MixerDrained(m.Mixer),
        RecallLegs => new ConferenceInput.LegsRecalled(),
        LegKeyReport m => new ConferenceInput.KeyReported(m.Participant, m.Answer, m.Epoch, m.Wait),
        RekeyConference m => new ConferenceInput.RekeyAsked(m.Note),
        EvictParticipant m => new ConferenceInput.EvictionAsked(m.Participant),
        _ => throw new UnreachableException($"no input for {message.GetType().Name}"),
    };

    private static ConferenceInput.Asked Asked(ConferenceCommand command) => new(command);

    /// <summary>
    /// While its mixer rests a conference seldom writes: the writer goes, and the next one is told how far it came. A mixer that has just begun rests between
    /// two steps of a join, so the second report in a row counts.
    /// </summary>
    private void RestJournal(bool rests)
    {
        var again = rests && _rested;
        _rested = rests;
        if (!again || _journal is null || !_life.NeedsNoWriter) return;
        Context.Stop(_journal);
        _journal = null;
    }

    private void Store(ConferenceEffect.Store store)
    {
        _journal ??= Context.ActorOf(_parts.Journal(_id, _sequence));
        _journal.Tell(new Append<ConferenceEvent>(store.Events, _sequence));
    }

    private void Handle(ConferenceInput input)
    {
        var settings = _parts.Settings;
        if (_life.PlanFor(input) is { } plan && !ReferenceEquals(plan, _rules.Plan)) _rules = (plan, settings.Blueprints.PolicyFor(_id, plan));
        var decision = new DecisionContext(_parts.Clock.GetUtcNow(), _rules.Policy, RandomSsrc, _parts.Active.Admit(_id))
        {
            NewGroupKey = _keys.Make,
            KmsGroupKey = _keys.Take,
            NextMixer = NextMixer,
            HasRoomBeside = _parts.HasRoomBeside,
        };
        var step = ConferenceMachine.Next(_life, input, new ConferenceContext(decision, settings.MixerSuspectAfter));
        _life = step.Life;
        foreach (var effect in step.Effects) Execute(effect, decision.Now);
        Note();
    }

    private void Execute(ConferenceEffect effect, DateTimeOffset decided)
    {
        switch (effect)
        {
            case ConferenceEffect.Store e: Store(e); break;
            case ConferenceEffect.Publish e: Publish(e); break;
            case ConferenceEffect.Admit e: Admit(e); break;
            case ConferenceEffect.OfferKey e:
                ToParticipant(new OfferGroupKey(e.Participant, _id, _keys.Copy(e.Epoch, e.To), e.InUse)
                {
                    Taken = e.Taken,
                    Switches = e.Switches,
                    Streams = e.Streams,
                });
                break;
            case ConferenceEffect.Move e:
                ToParticipant(new MoveLeg(e.Participant, _id, e.Mixer, e.Incarnation, e.MayOffer)
                {
                    IsGentle = e.IsGentle,
                    Uplink = e.Uplink,
                    Seating = e.Seating,
                    IsConfirmed = e.IsConfirmed,
                });
                break;
            case ConferenceEffect.NoRoom e: _parts.NoRoom(e.Mixer); break;
            case ConferenceEffect.Confirm e: _parts.Regions.Mixers.Tell(new ConfirmMixer(e.Mixer, e.Incarnation, e.Answer)); break;
            case ConferenceEffect.FetchKeys e: Fetch(e.Count); break;
            case ConferenceEffect.DestroyKey e: _keys.Destroy(e.Epoch); break;
            case ConferenceEffect.Grant e: ToParticipant(new DialGranted(e.Participant, _id, e.Mixer) { Media = e.Media }); break;
            case ConferenceEffect.Refuse e: ToParticipant(new JoinRefused(e.Participant, _id, e.Reason)); break;
            case ConferenceEffect.Acknowledge e: ToParticipant(new LeaveAcknowledged(e.Participant, _id)); break;
            case ConferenceEffect.HangUp e: ToParticipant(new EndDialog(e.Participant, _id, e.Reason)); break;
            case ConferenceEffect.Start e: Start(e, decided); break;
            case ConferenceEffect.Cancel e: Timers.Cancel(e.Timer); break;
            case ConferenceEffect.Observe e: KeyCounters.Count(e.What); break;
            case ConferenceEffect.ObserveLoss e: MixerCounters.Lost(e.Loss); break;
            case ConferenceEffect.ObserveMoved e: Moved(e); break;
            case ConferenceEffect.Say e: Context.GetLogger().Warning("{0}", e.Text); break;
            case ConferenceEffect.Passivate: Context.Parent.Tell(new Passivate(StopConference.Instance)); break;
            case ConferenceEffect.Stop: Context.Stop(Self); break;
            default: throw new UnreachableException($"no execution for {effect.GetType().Name}");
        }
    }

    /// <summary>It runs from the decision, however long everything before it took: a rekeying is due then (K4).</summary>
    private void Start(ConferenceEffect.Start start, DateTimeOffset decided)
    {
        var left = decided + start.After - _parts.Clock.GetUtcNow();
        Timers.StartSingleTimer(start.Timer, start.Timer, left < TimeSpan.Zero ? TimeSpan.Zero : left < start.After ? left : start.After);
    }

    /// <summary>Without a KMS the answer is here.</summary>
    private void Fetch(int count)
    {
        if (_parts.Regions.KmsGateway.IsNobody()) Self.Tell(new GroupKeysGranted([], "kms-user.url is not set"));
        else _parts.Regions.KmsGateway.Tell(new RequestGroupKeys(count), Self);
    }

    private void Moved(ConferenceEffect.ObserveMoved moved)
    {
        MixerCounters.Moved(moved.Took);
        Context.GetLogger().Info("Conference {0}: {1} legs are at the new mixer, {2:0.0} s after it was placed", _id, moved.Legs, moved.Took.TotalSeconds);
    }

    private void Publish(ConferenceEffect.Publish publish)
    {
        foreach (var key in _keys.For(publish.State, publish.IsRepeated))
            _parts.Regions.Mixers.Tell(new SetGroupKey(publish.State.Mixer, publish.State.Incarnation, key));
        if (_keys.TrunkFor(publish.State, publish.IsRepeated) is { } trunk)
            _parts.Regions.Mixers.Tell(new SetTrunkKeys(publish.State.Mixer, publish.State.Incarnation, trunk));
        _parts.Regions.Mixers.Tell(new SetMixerState(publish.State));
    }

    private void Admit(ConferenceEffect.Admit admit)
    {
        var joined = new Joined(admit.Participant, _id, admit.Mixer, admit.Ssrc, admit.Incarnation)
        {
            Keying = admit.Keying,
            Uplink = admit.Uplink,
            Media = admit.Media,
        };
        ToParticipant(admit.Epoch is { } epoch ? new JoinedInGroup(joined, _keys.Copy(epoch, admit.To)) : joined);
    }

    private void ToParticipant(IParticipantMessage message) => _parts.Regions.Participants.Tell(message);

    private void Note()
    {
        if (!_life.State.IsActive)
        {
            if (_life.IsQuiet) _parts.Active.Leave(_id);
            _keys.DestroyTrunk();
        }
        else if (!ReferenceEquals(_counted, _life.State))
        {
            _parts.Active.Enter(_id, _life.State.Participants.Count, _life.State.Participants.Values.Count(m => m.LacksMki));
        }

        _counted = _life.State;
    }

    private long NextMixer(int number, long before, long? lost)
    {
        var state = _life.State;
        var others = state.IsActive ? state.Mixers.Keys.Where(n => n != number).Select(n => state.MixerOf(n)!.Value) : [];
        return _parts.NextMixer(new MixerId(_id, number, before), lost, [.. others]);
    }

    private static Ssrc RandomSsrc()
    {
        Span<byte> bytes = stackalloc byte[sizeof(uint)];
        RandomNumberGenerator.Fill(bytes);
        return new Ssrc(BitConverter.ToUInt32(bytes));
    }
}

/// <summary>Passivation and hand-over: stop when nothing is being written.</summary>
public sealed record StopConference
{
    public static readonly StopConference Instance = new();
}
