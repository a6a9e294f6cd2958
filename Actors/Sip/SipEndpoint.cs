using System.Collections.Immutable;
using System.Diagnostics;
using Akka.Actor;
using Akka.Event;
using ConfCluster.Actors.Participant;
using ConfCluster.Actors.Settings;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.Sip.Admission;
using ConfCluster.Protocols.Sip.Authentication;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Parsing;
using ConfCluster.Protocols.Sip.Transactions;

namespace ConfCluster.Actors.Sip;

/// <summary>
/// The SIP face of a node: one per node, no call state. Sockets feed it parsed messages; <see cref="TransactionLayer"/> and
/// <see cref="RequestRouting"/> decide, it carries out.
/// </summary>
public sealed class SipEndpoint : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan TickInterval = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan SweepInterval = TimeSpan.FromSeconds(1);

    /// <summary>Seconds: what was lost is there again by then.</summary>
    private const string RetryAfterLost = "5";

    private readonly LocalTag _tags;
    private readonly EntityRegions _regions;
    private readonly TransactionLayer _layer;
    private readonly TransactionTimers _timers;
    private readonly SipSockets _sockets;
    private readonly SipIntake _intake;
    private readonly SipAdmission _admission;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly Dictionary<TransactionKey, ParticipantId> _owners = [];
    private readonly Dictionary<TransactionKey, SipBody> _bodies = [];
    private readonly SipCallers _callers;
    private readonly LargeRequestTable<SendRequest> _large = new();
    private readonly TimeProvider _clock;
    private readonly long _zero;
    private readonly AnswerWatch _answers;
    private CallerIdentity? _caller;
    private bool _isStopping;

    public SipEndpoint(SipSettings settings, LocalTag tags, EntityRegions regions, TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(settings);
        (_tags, _regions, _clock, _zero) = (tags, regions, clock, clock.GetTimestamp());
        _layer = new TransactionLayer(settings.Timings, settings.MaxTransactions);
        _timers = new TransactionTimers(clock);
        _answers = new AnswerWatch(settings.FocusTimeout, clock);
        var self = Self;
        _intake = new SipIntake(m => self.Tell(m), settings.MaxMessageSize, clock);
        _admission = new SipAdmission(settings.Admission, regions.Dialogs, _intake, clock);
        _sockets = SipSockets.Bind(settings, _intake, clock, _log.Warning);

        _callers = new SipCallers(settings.Auth, tags, clock, _log.Warning);

        Receive<SipWaiting>(_ => OnWaiting());
        Receive<Respond>(OnRespond);
        Receive<SendRequest>(OnSendRequest);
        Receive<SendAck>(a => SendAck(new SendRequest(default, a.Request, a.Flow)));
        Receive<DialogOver>(m => regions.Dialogs.Leave(m.Participant));
        // A loop ends by itself only through a bug: let the supervisor begin anew.
        Receive<SipLoopFailed>(f => throw new InvalidOperationException($"The {f.Loop} loop failed.", f.Reason));
        Receive<Tick>(_ => OnTick());
        Receive<Sweep>(_ =>
        {
            _sockets.Sweep();
            _large.Sweep(Now);
            _callers.Refresh();
            foreach (var late in _answers.TakeOverdue()) OnUnheard(late);
            foreach (var again in _answers.TakeAgain()) _regions.Participants.Tell(again);
        });
        Receive<StopAccepting>(_ => _isStopping = true);
        Receive<GetListening>(_ => Sender.Tell(
            _sockets.Listening(_layer.ServerCount + _layer.ClientCount) with { Admission = _admission.View, Timers = _timers.Count }));
    }

    public ITimerScheduler Timers { get; set; } = null!;

    private TimeSpan Now => _clock.GetElapsedTime(_zero);

    protected override void PreStart()
    {
        if (_sockets.Refusal is { } refusal) _log.Error(refusal);
        _sockets.Start();
        Timers.StartPeriodicTimer(Tick.Instance, Tick.Instance, TickInterval);
        Timers.StartPeriodicTimer(Sweep.Instance, Sweep.Instance, SweepInterval);
    }

    protected override void PostStop()
    {
        _sockets.Close();
        _callers.Close();
        _answers.Close();
    }

    private void OnWaiting()
    {
        var message = _intake.Take(out var waited);
        _admission.Waited(waited);
        switch (message)
        {
            case SipReceived received: OnReceived(received); break;
            case SipMalformed bad: OnMalformed(bad); break;
            case SipUnsent unsent: OnUnsent(unsent); break;
            default: throw new UnreachableException($"nothing to do with {message.GetType().Name}");
        }
    }

    private void OnReceived(SipReceived received)
    {
        if (received.Message is SipResponse response)
        {
            _large.Delivered(TransactionKey.OfResponse(response));
            Execute(_layer.ReceiveResponse(response, received.Flow));
            return;
        }

        var request = (SipRequest)received.Message;
        SipCounters.Requests.Add(1, new KeyValuePair<string, object?>("method", RequestRouting.IsKnown(request.Method) ? request.Method.Name : "other"));
        // What is refused here leaves no transaction behind: every copy gets the same answer (RFC 3261 §8.2.7).
        var isFirst = request.Method != SipMethod.Ack && !_layer.IsCopy(request);
        if (isFirst && IsNotAdmitted(request, received.Flow)) return;
        var answer = isFirst ? RequestRouting.Of(request, _tags, _isStopping) as RoutingVerdict.Answer : null;
        if (isFirst && (answer is null or { Status: < 300 }) && IsUnknown(request, received)) return;
        if (answer is not null)
        {
            if (answer.Status >= 300) SipCounters.Refused(answer.Status);
            Execute([TransactionLayer.Stateless(request, received.Flow, answer.Status, answer.Reason, answer.Extra)]);
            return;
        }

        Execute(_layer.ReceiveRequest(request, received.Flow));
    }

    /// <summary>What is refused anyway is refused without asking who sent it; a copy of what was let in is not asked again.</summary>
    private bool IsUnknown(SipRequest request, SipReceived received)
    {
        _caller = _callers.Identify(request, received.Flow, received.Peer, out var answer);
        if (answer is null) return false;
        SipCounters.Refused(((SipResponse)answer.Message).StatusCode);
        Execute(answer);
        return true;
    }

    /// <summary>Before anything that costs more, and never to what belongs to a dialog or is a copy; a node that stops has its own answer.</summary>
    private bool IsNotAdmitted(SipRequest request, SipFlow flow)
    {
        if (!AdmissionRules.BeginsSomething(request) || _isStopping) return false;
        var refusal = _admission.TryCharge(flow) ? _admission.Judge(flow, _layer.ServerCount) : AdmissionRefusal.SourceTooFast;
        if (refusal is not { } reason) return false;
        if (_admission.Refuse(request, flow, reason) is { } response) Execute(response);
        return true;
    }

    private void OnMalformed(SipMalformed bad)
    {
        SipCounters.Malformed(bad.Error.Kind);
        if (!_admission.TryCharge(bad.Flow))
        {
            SipCounters.NotAdmitted(AdmissionRefusal.SourceTooFast);
            return;
        }

        if (bad.Answerable is not { } request || request.Method == SipMethod.Ack) return;
        var (status, reason) = RequestRouting.Malformed(bad.Error, request.Method);
        SipCounters.Refused(status);
        Execute([TransactionLayer.Stateless(request, bad.Flow, status, reason, SipHeaders.Empty)]);
    }

    private void OnUnsent(SipUnsent unsent)
    {
        if (unsent.Key is not { } key) return;
        if (_large.Unsent(key, Now) is not { } lifted)
        {
            Execute(_layer.TransportFailed(key));
            return;
        }

        // The request lives on as a datagram, so nobody is told and its body is kept.
        SipCounters.Lifted(isDelivered: false);
        _bodies.Remove(key);
        Execute(_layer.Withdraw(key));
        var again = lifted.Sent with { KeepsTransport = true };
        if (again.Request.Method == SipMethod.Ack) SendAck(again);
        else OnSendRequest(again);
    }

    /// <summary>RFC 6026 §7.1: the transaction repeats every final response but a 2xx to INVITE, so the keys of that one can go at once.</summary>
    private void OnRespond(Respond respond)
    {
        if (respond.Response.IsFinal) _admission.Answered(respond.Key);
        _answers.Heard(respond.Key);
        var effects = _layer.Respond(respond.Key, respond.Response);
        Execute(effects);
        // Its transaction has ended otherwise: no ACK will come.
        if (effects.IsEmpty && respond is { Key.Method.Name: "INVITE", Response.Class: 2 } && _owners.TryGetValue(respond.Key, out var owner))
            _regions.Participants.Tell(new SipTransactionFailed(owner, respond.Key, TransactionFailure.Timeout));
        var body = respond.Response.Body;
        var isRepeated = _owners.ContainsKey(respond.Key) && !(respond.Key.Method == SipMethod.Invite && respond.Response.Class == 2);
        if (!isRepeated) body.Clear();
        else if (!body.IsEmpty) _bodies[respond.Key] = body;
    }

    /// <summary>RFC 3261 §21.5.4. Whoever answers later, if anybody does, is told that nobody waits for it.</summary>
    private void OnUnheard(SipRequestArrived late)
    {
        _log.Warning("Nobody answers the INVITE with Call-ID {0}: it gets 503", late.Request.Headers.CallId);
        var response = late.Request.CreateResponse(503, "Service Unavailable", late.Participant.Value);
        _admission.Answered(late.Key);
        SipCounters.Refused(response.StatusCode);
        Execute(_layer.Respond(late.Key, response with { Headers = response.Headers.Append("Retry-After", RetryAfterLost) }));
        _regions.Participants.Tell(new SipTransactionFailed(late.Participant, late.Key, TransactionFailure.Timeout));
        _regions.Dialogs.Leave(late.Participant);
    }

    private void OnSendRequest(SendRequest send)
    {
        var (request, flow) = OnItsWay(send);
        _owners[TransactionKey.OfSent(request)] = send.Owner;
        if (!request.Body.IsEmpty) _bodies[TransactionKey.OfSent(request)] = request.Body;
        Execute(_layer.Request(request, flow));
    }

    private void SendAck(SendRequest ack)
    {
        var (request, flow) = OnItsWay(ack);
        var key = TransactionKey.OfSent(request);
        _sockets.Send(request, flow, _large.IsLifted(key) ? key : null, _large.IsLifted(key));
    }

    /// <summary>With its Via, over TCP when it is too large for a datagram (RFC 3261 §18.1.1).</summary>
    private (SipRequest Request, SipFlow Flow) OnItsWay(SendRequest send)
    {
        send = send with { Flow = Here(send.Flow) };
        var stream = _sockets.Tcp(send.Flow);
        // A CANCEL has the Via of its INVITE (RFC 3261 §9.1).
        if (send.Request.Headers.TopVia is not null)
            return (send.Request, stream is not null && LargeRequests.WasLifted(send.Request, send.Flow) ? stream : send.Flow);
        var request = _sockets.WithVia(send.Request, send.Flow);
        if (send.KeepsTransport || stream is null || !_large.IsTooLarge(request, send.Flow, Now)) return (request, send.Flow);
        request = _sockets.WithVia(send.Request, stream);
        _large.Lifted(TransactionKey.OfSent(request), new LiftedRequest<SendRequest>(send, send.Flow.Remote, Now));
        SipCounters.Lifted(isDelivered: true);
        return (request, stream);
    }

    private void OnTick()
    {
        _admission.Tick(TickInterval);
        while (_timers.TryTakeDue(out var key, out var timer)) Execute(_layer.Fired(key, timer));
    }

    private void Execute(ImmutableArray<TransactionEffect> effects)
    {
        foreach (var effect in effects) Execute(effect);
    }

    private void Execute(TransactionEffect effect)
    {
        switch (effect)
        {
            case TransactionEffect.Send send:
                _sockets.Send(send.Message, send.Flow, send.Key, _large.IsLifted(send.Key));
                break;
            case TransactionEffect.PassRequest pass:
                if (RequestRouting.Of(pass.Request, _tags, _isStopping) is RoutingVerdict.ToParticipant to)
                {
                    _owners[pass.Key] = to.Participant;
                    var arrived = new SipRequestArrived(to.Participant, pass.Key, pass.Request, Ours(pass.Flow), Self) { Caller = _caller };
                    if (AdmissionRules.BeginsSomething(pass.Request))
                    {
                        _admission.LetIn(pass.Key, to.Participant, pass.Flow);
                        _answers.Began(arrived);
                    }

                    _regions.Participants.Tell(arrived);
                }

                break;
            case TransactionEffect.PassAck pass:
                if (RequestRouting.Of(pass.Request, _tags, _isStopping) is RoutingVerdict.ToParticipant acked)
                    _regions.Participants.Tell(new SipAckArrived(acked.Participant, pass.Request, Ours(pass.Flow)));
                break;
            case TransactionEffect.PassResponse pass:
                if (_owners.TryGetValue(pass.Key, out var asker)) _regions.Participants.Tell(new SipResponseArrived(asker, pass.Key, pass.Response));
                break;
            // Nobody waits for it: the participant has refused and ended, or was lost. Telling it would only wake it.
            case TransactionEffect.Failed { Key.IsServer: true, Reason: TransactionFailure.Timeout }:
                break;
            case TransactionEffect.Failed failed:
                if (_owners.TryGetValue(failed.Key, out var owner)) _regions.Participants.Tell(new SipTransactionFailed(owner, failed.Key, failed.Reason));
                break;
            case TransactionEffect.StrayResponse:
                SipCounters.Strays.Add(1);
                break;
            case TransactionEffect.Start start:
                _timers.Start(start.Key, start.Timer, start.After);
                break;
            case TransactionEffect.Cancel cancel:
                _timers.Cancel(cancel.Key, cancel.Timer);
                break;
            case TransactionEffect.Ended ended:
                _timers.CancelAll(ended.Key);
                _owners.Remove(ended.Key);
                _admission.Answered(ended.Key);
                _answers.Heard(ended.Key);
                if (_bodies.Remove(ended.Key, out var body)) body.Clear();
                break;
            default:
                throw new UnreachableException($"no shell for {effect.GetType().Name}");
        }
    }

    /// <summary>As participants, which may be elsewhere, know it.</summary>
    private SipFlow Ours(SipFlow flow) => _regions.Node.Length == 0 ? flow : flow with { Node = _regions.Node };

    /// <summary>As sockets and transactions of this node know it.</summary>
    private static SipFlow Here(SipFlow flow) => flow.Node.Length == 0 ? flow : flow with { Node = "" };

    private sealed record Tick
    {
        public static readonly Tick Instance = new();
    }

    private sealed record Sweep
    {
        public static readonly Sweep Instance = new();
    }
}
