using System.Diagnostics;
using System.Security.Cryptography;
using Akka.Actor;
using Akka.Cluster.Sharding;
using ConfCluster.Actors.Conference;
using ConfCluster.Actors.Keys;
using ConfCluster.Actors.Media;
using ConfCluster.Actors.Sip;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Parsing;
using ConfCluster.Protocols.Srtp;

namespace ConfCluster.Actors.Participant;

/// <summary>
/// The sharded shell of one participant: it turns messages into inputs of <see cref="ParticipantMachine"/> and does what the machine asks,
/// in order. Nothing is decided before the journal has said what it knows of this id; the entity goes once its facts are stored.
/// </summary>
public sealed class ParticipantEntity : UntypedActor, IWithTimers
{
    private readonly ParticipantContext _context;
    private readonly EntityRegions _regions;
    private readonly TimeProvider _clock;
    private readonly DialogJournal _newJournal;
    private readonly ResponsePaths _paths = new();
    private ParticipantState _state = ParticipantState.Initial;
    private IActorRef? _journal;
    private long _stored;
    private int _unstored;
    private List<object>? _early = [];
    private bool _stopped;
    private SipFlow? _noted;
    private bool _isOnItsWayIn;

    /// <summary>The node that holds the dialog's place; null: not known yet.</summary>
    private string? _letInBy;

    /// <param name="clock">For the timestamps of key management; null: the system's.</param>
    public ParticipantEntity(ParticipantId id, FocusSettings settings, EntityRegions regions, DialogJournal journal, TimeProvider? clock = null)
    {
        ArgumentNullException.ThrowIfNull(journal);
        _context = new ParticipantContext(id, settings, RandomNumberGenerator.Fill);
        _clock = clock ?? TimeProvider.System;
        _regions = regions;
        _newJournal = journal;
        _journal = Context.ActorOf(journal(id, null));
    }

    public ITimerScheduler Timers { get; set; } = null!;

    /// <summary>The timers die with the actor, and so do its keys.</summary>
    protected override void PostStop()
    {
        _state.Destroy();
        _regions.Flows.Note(_context.Id, Self, null);
        if (_isOnItsWayIn) _regions.SetUps.Over();
        if (_letInBy == _regions.Node) _regions.Dialogs.Leave(_context.Id);
        else if (_letInBy is { Length: > 0 } node) _regions.SipWay.Tell(new DialogOver(_context.Id, node));
    }

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case FactsRecovered m when _early is { } early:
                _letInBy ??= m.Facts.OfType<DialogFact.DialogConfirmed>().FirstOrDefault()?.Flow.Node;
                Handle(new ParticipantInput.Recovered(m.Facts));
                (_early, _stored) = (null, _stored + m.Facts.Length);
                foreach (var waiting in early) OnReceive(waiting);
                break;
            // The engine's stash would cost each call a second queue for its whole life.
            case var _ when _early is { } early: early.Add(message); break;
            case SipRequestArrived m:
                _paths.Learn(m.Key, m.Endpoint);
                _letInBy ??= m.Flow.Node;
                Handle(new ParticipantInput.RequestArrived(m.Key, m.Request, m.Flow) { Caller = m.Caller });
                break;
            case IParticipantMessage m: Handle(InputOf(m)); break;
            case TicketResolved m: Handle(new ParticipantInput.TicketResolved(m.Verified, m.Error, m.IsUnreachable)); break;
            case TicketGranted m: Handle(new ParticipantInput.TicketGranted(m.Keys, m.Error, m.IsUnreachable) { PreShared = m.PreShared }); break;
            case PreSharedChecked m: Handle(new ParticipantInput.PreSharedChecked(m.Opening, m.Error)); break;
            case SipNodeGone m: Handle(new ParticipantInput.SipNodeGone(m.Instead)); break;
            case ParticipantTimer timer: Handle(new ParticipantInput.Fired(timer)); break;
            case FactStored m:
                _unstored--;
                _stored++;
                Handle(new ParticipantInput.FactStored(m.Fact));
                Rest();
                break;
            default: Unhandled(message); break;
        }
    }

    private static ParticipantInput.JoinAccepted Accepted(Joined join, GroupKey? key) => new(join.Conference, join.Mixer, join.Ssrc)
    {
        Key = key,
        Keying = join.Keying,
        Uplink = join.Uplink,
        Media = join.Media,
    };

    private static ParticipantInput InputOf(IParticipantMessage message) => message switch
    {
        SipAckArrived m => new ParticipantInput.AckArrived(m.Request),
        SipResponseArrived m => new ParticipantInput.ResponseArrived(m.Response),
        SipTransactionFailed m => new ParticipantInput.TransactionFailed(m.Key, m.Reason),
        Joined m => Accepted(m, null),
        JoinedInGroup { Join: var m, Key: var key } => Accepted(m, key),
        OfferGroupKey m => new ParticipantInput.KeyOffered(m.Conference, m.Key, m.InUse) { Taken = m.Taken, Switches = m.Switches, Streams = m.Streams },
        MoveLeg m => new ParticipantInput.MoveRequested(m.Conference, m.Mixer, m.Incarnation, m.MayOffer)
        {
            IsGentle = m.IsGentle,
            Uplink = m.Uplink,
            Seating = m.Seating,
            IsConfirmed = m.IsConfirmed,
        },
        JoinRefused m => new ParticipantInput.JoinRefused(m.Conference, m.Reason),
        LeaveAcknowledged m => new ParticipantInput.LeaveAcknowledged(m.Conference),
        EndDialog m => new ParticipantInput.EndRequested(m.Conference, m.Reason),
        LegOpened m => new ParticipantInput.LegOpened(m.Mixer, m.Rtp, m.Rtcp),
        DialParticipant m => new ParticipantInput.DialRequested(m.Conference, m.CallId, UriOf(m.Target)),
        DialGranted m => new ParticipantInput.DialGranted(m.Conference, m.Mixer) { Media = m.Media },
        ServersLocated m => new ParticipantInput.Located(m.Hops, m.Reason),
        LegFound m => new ParticipantInput.LegFound(m.Mixer, m.Record, m.IsGone),
        LegRefused m => new ParticipantInput.LegRefused(m.Mixer, m.Reason),
        _ => throw new UnreachableException($"no input for {message.GetType().Name}"),
    };

    private static SipUri UriOf(string text) =>
        SipReader.TryReadUri(text, out var uri) ? uri! : throw new InvalidOperationException("whoever dials has read the URI before");

    private void Handle(ParticipantInput input)
    {
        var step = ParticipantMachine.Next(_state, input, _context with { Now = _clock.GetUtcNow() });
        _state = step.State;
        Note(ParticipantFlow.Of(_state));
        foreach (var effect in step.Effects) Execute(effect);
        CountIn();
    }

    /// <summary>Until its dialog is stored.</summary>
    private void CountIn()
    {
        var isOnItsWayIn = _state.IsOnItsWayIn || _isOnItsWayIn && _unstored > 0;
        if (isOnItsWayIn == _isOnItsWayIn) return;
        _isOnItsWayIn = isOnItsWayIn;
        if (isOnItsWayIn) _regions.SetUps.Began();
        else _regions.SetUps.Over();
    }

    /// <summary>A node alone has no other whose end it could hear of.</summary>
    private void Note(SipFlow? flow)
    {
        if (ReferenceEquals(flow, _noted) || flow is { Node.Length: 0 }) return;
        _noted = flow;
        _regions.Flows.Note(_context.Id, Self, flow);
    }

    private void Execute(ParticipantEffect effect)
    {
        switch (effect)
        {
            case ParticipantEffect.Respond e: _paths.Respond(e.Key, e.Response); break;
            // The endpoint owns what it repeats, and may still do so when the state has moved on and zeroed its own.
            case ParticipantEffect.SendRequest e:
                var copy = e.Request with { Body = e.Request.Body.Copy() };
                _regions.SipWay.Tell(new SendRequest(_context.Id, copy, e.Flow) { KeepsTransport = e.KeepsTransport });
                break;
            case ParticipantEffect.SendAck e: _regions.SipWay.Tell(new SendAck(e.Request, e.Flow)); break;
            case ParticipantEffect.Locate e: _regions.SipLocator.Tell(new LocateServers(_context.Id, e.NextHop, e.IsSecure)); break;
            case ParticipantEffect.AskToDial e: _regions.Conferences.Tell(new AskToDial(e.Conference, _context.Id, e.Target)); break;
            case ParticipantEffect.ReportDial e:
                _regions.Conferences.Tell(new DialReport(e.Conference, _context.Id, e.Target, e.State, e.Status, e.Reason));
                break;
            case ParticipantEffect.Join e:
                _regions.Conferences.Tell(new JoinConference(e.Conference, _context.Id, e.Identity, e.DisplayName)
                {
                    Caller = e.Caller,
                    Ability = e.Ability,
                    Media = e.Media,
                });
                break;
            case ParticipantEffect.ReportKey e:
                _regions.Conferences.Tell(new LegKeyReport(e.Conference, _context.Id, e.Answer, e.Epoch, e.Wait));
                break;
            case ParticipantEffect.ReportMoved e: _regions.Conferences.Tell(new LegMoved(e.Conference, _context.Id, e.Mixer)); break;
            case ParticipantEffect.Leave e: _regions.Conferences.Tell(new LeaveConference(e.Conference, _context.Id, e.Reason)); break;
            case ParticipantEffect.ResolveTicket e: _regions.KmsGateway.Tell(new ResolveTicket(e.Transfer), Self); break;
            case ParticipantEffect.CheckPreShared e: _regions.KmsGateway.Tell(new CheckPreShared(e.Offer), Self); break;
            case ParticipantEffect.RequestTicket e: _regions.KmsGateway.Tell(new RequestTicket(e.Responder, e.Suite) { As = e.As }, Self); break;
            case ParticipantEffect.OpenLeg e: _regions.Mixers.Tell(new OpenLeg(e.Mixer, _context.Id, e.Family) { Uplink = e.Uplink }); break;
            case ParticipantEffect.SetLegMedia e: _regions.Mixers.Tell(new SetLegMedia(e.Mixer, e.Media)); break;
            case ParticipantEffect.SetForwarding e: _regions.Mixers.Tell(new SetForwardedLeg(e.Mixer, e.Leg)); break;
            case ParticipantEffect.CloseLeg e: _regions.Mixers.Tell(new CloseLeg(e.Mixer, _context.Id)); break;
            case ParticipantEffect.KeepLeg e: _regions.Mixers.Tell(new KeepLeg(e.Record)); break;
            case ParticipantEffect.AskLeg e: _regions.Mixers.Tell(new FindLeg(e.Mixer, _context.Id)); break;
            case ParticipantEffect.AskPlace e: _regions.Conferences.Tell(new FindMixer(e.Conference, _context.Id) { Full = e.Full }); break;
            case ParticipantEffect.Store e: Store(e.Fact); break;
            case ParticipantEffect.Start e: Timers.StartSingleTimer(e.Timer, e.Timer, e.After); break;
            case ParticipantEffect.Cancel e: Timers.Cancel(e.Timer); break;
            case ParticipantEffect.Destroy e: e.Secrets.Dispose(); break;
            case ParticipantEffect.Count e: ParticipantCounters.Count(e.Refusal); break;
            case ParticipantEffect.Stop: Stop(); break;
            default: throw new UnreachableException($"no execution for {effect.GetType().Name}");
        }
    }

    private void Store(DialogFact fact)
    {
        _unstored++;
        _journal ??= Context.ActorOf(_newJournal(_context.Id, _stored));
        _journal.Tell(new StoreFact(fact));
    }

    private void Stop()
    {
        _stopped = true;
        Rest();
    }

    /// <summary>With everything stored the journal's writer goes, and so does an entity that has ended.</summary>
    private void Rest()
    {
        if (_unstored > 0) return;
        if (_journal is not null) Context.Stop(_journal);
        _journal = null;
        if (_stopped) Context.Parent.Tell(new Passivate(PoisonPill.Instance));
    }
}
