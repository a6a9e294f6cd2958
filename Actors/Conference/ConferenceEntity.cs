using System.Diagnostics;
using System.Security.Cryptography;
using Akka.Actor;
using Akka.Cluster.Sharding;
using Akka.Event;
using ConfCluster.Actors.Journal;
using ConfCluster.Actors.Media;
using ConfCluster.Actors.Participant;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Rtp;

namespace ConfCluster.Actors.Conference;

/// <summary>
/// The sharded shell of one conference: it turns messages into inputs of <see cref="ConferenceMachine"/> and does what the machine asks, in
/// order. Its events are kept by a child, so that it outlives a failing journal.
/// </summary>
public sealed class ConferenceEntity : ReceiveActor, IWithTimers
{
    private readonly ConferenceId _id;
    private readonly ConferenceParts _parts;
    private readonly IActorRef _journal;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private ConferenceLife _life;
    private long _sequence;
    private readonly LegMonitor _monitor = new();
    private readonly GroupKeyKeeper _keys;
    private (ConferencePlan? Plan, ConferencePolicy Policy) _rules;

    public ConferenceEntity(ConferenceId id, ConferenceParts parts)
    {
        ArgumentNullException.ThrowIfNull(parts);
        (_id, _parts, _life) = (id, parts, ConferenceLife.New(id));
        _journal = Context.ActorOf(parts.Journal(id), "journal");
        _keys = new GroupKeyKeeper(id, parts.Settings.Suites);
        _rules = (null, parts.Settings.Blueprints.PolicyFor(id, null));

        Receive<JournalRecovered<ConferenceEvent>>(m =>
        {
            _sequence = m.Sequence;
            Handle(new ConferenceInput.Recovered(m.Events, CallsLost: !_parts.Active.Contains(_id)));
        });
        Receive<Appended>(m =>
        {
            _sequence = m.Sequence;
            Handle(new ConferenceInput.Stored());
        });
        Receive<JournalFailing>(_ => Handle(new ConferenceInput.JournalFailing()));
        Receive<JournalOvertaken>(_ => Handle(new ConferenceInput.Overtaken()));
        Receive<JoinConference>(m => Ask(new ConferenceCommand.Join(m.Participant, m.Identity, m.DisplayName) { Caller = m.Caller, Ability = m.Ability }));
        Receive<LeaveConference>(m => Ask(new ConferenceCommand.Leave(m.Participant, m.Reason)));
        Receive<EndConference>(m => Ask(new ConferenceCommand.End(m.Reason)));
        Receive<AskToDial>(m => Handle(new ConferenceInput.CalloutAsked(m.Participant, m.Target)));
        Receive<DialReport>(m => Handle(new ConferenceInput.CalloutReported(m.Participant, m.Target, m.State, m.Status, m.Reason)));
        Receive<MixerReport>(m =>
        {
            _monitor.Take(m);
            Handle(new ConferenceInput.MixerReported(m.Mixer, m.Incarnation, m.AppliedVersion) { Shared = m.Shared, Rest = m.Rest });
        });
        Receive<LegKeyReport>(m => Handle(new ConferenceInput.KeyReported(m.Participant, m.Answer, m.Epoch, m.Wait)));
        Receive<RekeyConference>(m => Handle(new ConferenceInput.RekeyAsked(m.Note)));
        Receive<EvictParticipant>(m => Handle(new ConferenceInput.EvictionAsked(m.Participant)));
        Receive<PlanConference>(m => Ask(new ConferenceCommand.Plan(m.Plan)));
        Receive<GetConference>(_ => Sender.Tell(ConferenceViews.Of(_life, _monitor, _parts.Settings.Blueprints.PlanOf(_id, _life.State.Plan))));
        Receive<ConferenceTimer>(timer => Handle(new ConferenceInput.Fired(timer)));
        Receive<StopConference>(_ => Handle(new ConferenceInput.StopRequested()));
    }

    public ITimerScheduler Timers { get; set; } = null!;

    /// <summary>An active one stays noted: its calls are still on, and the next life takes them over.</summary>
    protected override void PostStop()
    {
        if (!_life.State.IsActive) _parts.Active.Leave(_id);
        _keys.DestroyAll();
    }

    private void Ask(ConferenceCommand command) => Handle(new ConferenceInput.Asked(command));

    private void Handle(ConferenceInput input)
    {
        var settings = _parts.Settings;
        if (_life.PlanFor(input) is { } plan && !ReferenceEquals(plan, _rules.Plan)) _rules = (plan, settings.Blueprints.PolicyFor(_id, plan));
        var decision = new DecisionContext(_parts.Clock.GetUtcNow(), _rules.Policy, RandomSsrc, _parts.Active.Admit(_id)) { NewGroupKey = _keys.Make };
        var step = ConferenceMachine.Next(_life, input, new ConferenceContext(decision, settings.MixerSuspectAfter));
        _life = step.Life;
        foreach (var effect in step.Effects) Execute(effect);
        Note();
    }

    private void Execute(ConferenceEffect effect)
    {
        switch (effect)
        {
            case ConferenceEffect.Store e: _journal.Tell(new Append<ConferenceEvent>(e.Events, _sequence)); break;
            case ConferenceEffect.Publish e: Publish(e); break;
            case ConferenceEffect.Admit e: Admit(e); break;
            case ConferenceEffect.OfferKey e: ToParticipant(new OfferGroupKey(e.Participant, _id, _keys.Copy(e.Epoch), e.InUse)); break;
            case ConferenceEffect.DestroyKey e: _keys.Destroy(e.Epoch); break;
            case ConferenceEffect.Grant e: ToParticipant(new DialGranted(e.Participant, _id, e.Mixer)); break;
            case ConferenceEffect.Refuse e: ToParticipant(new JoinRefused(e.Participant, _id, e.Reason)); break;
            case ConferenceEffect.Acknowledge e: ToParticipant(new LeaveAcknowledged(e.Participant, _id)); break;
            case ConferenceEffect.HangUp e: ToParticipant(new EndDialog(e.Participant, _id, e.Reason)); break;
            case ConferenceEffect.Start e: Timers.StartSingleTimer(e.Timer, e.Timer, e.After); break;
            case ConferenceEffect.Cancel e: Timers.Cancel(e.Timer); break;
            case ConferenceEffect.Observe e: KeyCounters.Count(e.What); break;
            case ConferenceEffect.Say e: _log.Warning("{0}", e.Text); break;
            case ConferenceEffect.Passivate: Context.Parent.Tell(new Passivate(StopConference.Instance)); break;
            case ConferenceEffect.Stop: Context.Stop(Self); break;
            default: throw new UnreachableException($"no execution for {effect.GetType().Name}");
        }
    }

    private void Publish(ConferenceEffect.Publish publish)
    {
        foreach (var key in _keys.For(publish.State, publish.IsRepeated))
            _parts.Regions.Mixers.Tell(new SetGroupKey(publish.State.Mixer, publish.State.Incarnation, key));
        _parts.Regions.Mixers.Tell(new SetMixerState(publish.State));
    }

    private void Admit(ConferenceEffect.Admit admit)
    {
        var joined = new Joined(admit.Participant, _id, admit.Mixer, admit.Ssrc, admit.Incarnation);
        ToParticipant(admit.Epoch is { } epoch ? new JoinedInGroup(joined, _keys.Copy(epoch)) : joined);
    }

    private void ToParticipant(IParticipantMessage message) => _parts.Regions.Participants.Tell(message);

    private void Note()
    {
        if (_life.State.IsActive) _parts.Active.Enter(_id);
        else if (_life.IsQuiet) _parts.Active.Leave(_id);
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
