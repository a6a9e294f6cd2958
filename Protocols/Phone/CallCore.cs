using ConfCluster.Protocols.Mikey.Exchanges;
using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Sip.Dialogs;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Transactions;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Protocols.Phone;

/// <summary>
/// What a phone does in each state of its call: the user's wishes and the outcome of its own requests (RFC 3261 §13.2, §15.1). Changes of a call that is on
/// are <see cref="CallChanges"/>', the peer's requests are read by <see cref="CallServer"/>.
/// </summary>
internal sealed class CallCore : IDisposable
{
    private readonly PhoneCall _call;
    private readonly CallServer _server;
    private readonly PhoneCredentials _credentials;
    private readonly CallWays _ways;
    private readonly CallChanges _changes;

    public CallCore(PhoneSettings settings, SipFlow flow, MediaAddress rtp, MediaAddress rtcp, SecretWriter random, PhoneCall call)
    {
        (Settings, _call) = (settings, call);
        Messages = new PhoneMessages(settings, flow, random);
        _credentials = new PhoneCredentials(settings, random);
        _ways = new CallWays(this, _credentials);
        _changes = new CallChanges(this, _credentials);
        Negotiation = new PhoneNegotiation(settings, rtp, rtcp, random);
        _server = new CallServer(this);
    }

    public CallState State { get; set; } = new CallState.Idle();

    /// <summary>The Call-ID is ours.</summary>
    public bool HasDialled { get; private set; }

    public PhoneSettings Settings { get; }

    public PhoneMessages Messages { get; }

    public PhoneNegotiation Negotiation { get; }

    private SipFlow Flow => Messages.Flow;

    public void Dial(SipUri target)
    {
        if (State is not CallState.Idle) throw new InvalidOperationException("a phone makes one call");
        HasDialled = true;
        var invite = Messages.Invite(target, Negotiation.Offer());
        State = new CallState.Calling(invite, Progressed: false, Cancelling: false);
        _call.Request(invite, Flow);
    }

    public void HangUp()
    {
        switch (State)
        {
            case CallState.Calling { Cancelling: false } calling:
                State = calling with { Cancelling = true };
                if (calling.Progressed) _call.Request(PhoneMessages.Cancel(calling.Invite), Flow);
                break;
            case CallState.Ringing ringing:
                Unavailable(ringing.Key, ringing.Invite);
                break;
            case CallState.Resolving resolving:
                Unavailable(resolving.Key, resolving.Invite);
                break;
            case CallState.Talking talking:
                Bye(talking, CallEnd.Us);
                break;
            case CallState.Idle:
                End(CallEnd.Us, 0, "Not called");
                break;
        }
    }

    public void Hold(bool on) => _changes.Hold(on);

    public void MoveTo(MediaAddress rtp, MediaAddress rtcp) => _changes.MoveTo(rtp, rtcp);

    public void Resolved(GrantedKeys? granted, string problem) => _server.Resolved(granted, problem);

    public void Requested(TransactionKey key, SipRequest request) => _server.Requested(key, request);

    public void Acknowledged(SipRequest ack) => _server.Acknowledged(ack);

    /// <summary>Another server may be reached over this flow.</summary>
    public void Reconnected(SipFlow flow) => _ways.Opened(flow);

    public void Fired(CallTimer timer)
    {
        if (timer == CallTimer.Glare) _changes.Again();
        else if (timer is CallTimer.Way or CallTimer.Probe) _ways.Fired(timer);
        else _server.Fired(timer);
    }

    public void Responded(TransactionKey key, SipResponse response)
    {
        if (_ways.Responded(key, response)) return;
        switch (State)
        {
            case CallState.Calling calling when key.Method == SipMethod.Invite:
                Dialled(calling, response);
                break;
            case CallState.Talking talking when key.Method == SipMethod.Invite:
                _changes.Responded(talking, key, response);
                break;
            case CallState.Ending ending when key == ending.Bye && _credentials.Learns(response):
                State = SendBye(ending.Dialog, ending.How);
                break;
            case CallState.Ending ending when key == ending.Bye && response.IsFinal:
                End(ending.How, 200, "OK");
                break;
            case CallState.Ending or CallState.Ended when key.Method == SipMethod.Invite && response.Class == 2:
                Disown(response);
                break;
        }
    }

    public void Failed(TransactionKey key, TransactionFailure reason)
    {
        if (_ways.Failed(key)) return;
        // RFC 3261 §8.1.3.1: no answer counts as 408, a transport error as 503.
        var (end, status, text) = reason == TransactionFailure.Timeout
            ? (CallEnd.NoAnswer, 408, "Request Timeout")
            : (CallEnd.TransportFailed, 503, "Service Unavailable");
        switch (State)
        {
            case CallState.Calling when !key.IsServer && key.Method == SipMethod.Invite:
                End(end, status, text);
                break;
            // RFC 3261 §12.2.1.2: a request of the dialog without an answer ends it.
            case CallState.Talking talking when key == talking.OurInvite:
                Negotiation.Withdraw();
                Bye(talking, end);
                break;
            case CallState.Ending ending when key == ending.Bye:
                End(ending.How, status, text);
                break;
            case CallState.Ringing ringing when key == ringing.Key:
                End(end, status, text);
                break;
        }
    }

    public TransactionKey Request(SipRequest request, Dialog dialog) => _call.Request(Messages.WithVia(request), _ways.To(dialog.NextHop));

    /// <summary>With its Via.</summary>
    public void Send(SipRequest request, SipFlow flow) => _call.Request(request, flow);

    public void Respond(TransactionKey key, SipResponse response) => _call.Respond(key, response);

    public void Emit(PhoneEffect effect) => _call.Emit(effect);

    public void Tell(PhoneEvent said) => Emit(new PhoneEffect.Tell(said));

    public void Start(CallTimer timer, TimeSpan after) => Emit(new PhoneEffect.Start(new PhoneTimer(timer), after));

    public void Cancel(CallTimer timer) => Emit(new PhoneEffect.Cancel(new PhoneTimer(timer)));

    public void UseMedia()
    {
        if (Negotiation.Media() is { } media) Emit(new PhoneEffect.UseMedia(media) { Streams = Negotiation.Streams });
    }

    public void Bye(CallState.Talking talking, CallEnd how)
    {
        _server.Abandon(talking);
        StopTimers();
        State = SendBye(talking.Dialog, how);
    }

    private CallState.Ending SendBye(Dialog from, CallEnd how)
    {
        var (dialog, bye) = from.NewRequest(SipMethod.Bye);
        var request = Messages.WithVia(_credentials.On(bye));
        _call.Request(request, _ways.To(dialog.NextHop));
        return new CallState.Ending(dialog, TransactionKey.OfSent(request), how);
    }

    public void End(CallEnd how, int status, string reason, string? detail = null)
    {
        if (State is CallState.Ended) return;
        StopTimers();
        State = new CallState.Ended();
        Tell(new PhoneEvent.Ended(how, status, reason, detail));
    }

    public void Dispose() => Negotiation.Dispose();

    private void Dialled(CallState.Calling calling, SipResponse response)
    {
        switch (response.Class)
        {
            case 1:
                if (response.StatusCode > 100) Tell(new PhoneEvent.Progress(response.StatusCode, response.Reason));
                if (calling.Progressed) return;
                State = calling with { Progressed = true };
                if (calling.Cancelling) _call.Request(PhoneMessages.Cancel(calling.Invite), Flow);
                break;
            case 2:
                Answered(calling, response);
                break;
            case 4 when !calling.Cancelling && _credentials.Learns(response):
                var again = Messages.Again(_credentials.On(calling.Invite));
                State = calling with { Invite = again, Progressed = false };
                _call.Request(again, Flow);
                break;
            default:
                Negotiation.Withdraw();
                var how = calling.Cancelling && response.StatusCode == 487 ? CallEnd.Cancelled : CallEnd.Refused;
                End(how, response.StatusCode, response.Reason, response.Headers.First("Warning"));
                break;
        }
    }

    private void Answered(CallState.Calling calling, SipResponse response)
    {
        if (!Dialog.TryFromResponse(calling.Invite, response, out var dialog))
        {
            End(CallEnd.BadAnswer, response.StatusCode, response.Reason, "The 2xx has no Contact or no To tag (RFC 3261 §12.1)");
            return;
        }

        var talking = Acknowledge(new CallState.Talking(dialog!, 0, null, null, null), response);
        State = talking;
        // RFC 3261 §15.1.1: a 2xx that crossed our CANCEL is acknowledged and the dialog ended.
        if (calling.Cancelling)
        {
            Bye(talking, CallEnd.Us);
            return;
        }

        Tell(new PhoneEvent.Answered(response.StatusCode, response.Reason));
        _ways.Answered();
        TakeAnswer(talking, response, null);
    }

    /// <summary>The answer to our offer; a wrong one ends the call, since the peer now sends what we cannot read.</summary>
    public void TakeAnswer(CallState.Talking talking, SipResponse response, PhoneEvent? settled)
    {
        if (Negotiation.Accept(response.Body.Span) is { } wrong)
        {
            Negotiation.Withdraw();
            Tell(new PhoneEvent.ChangeRefused(response.StatusCode, wrong));
            Bye(talking, CallEnd.BadAnswer);
            return;
        }

        UseMedia();
        if (settled is not null) Tell(settled);
    }

    /// <summary>RFC 3261 §13.2.2.4: every 2xx gets an ACK, the same one for its copies.</summary>
    public CallState.Talking Acknowledge(CallState.Talking talking, SipResponse response)
    {
        var ack = Messages.WithVia(_credentials.OnAck(talking.Dialog.Ack(response.Headers.CSeq.Number)));
        Emit(new PhoneEffect.Send(ack, Messages.FlowTo(talking.Dialog.NextHop), null));
        return talking with { InviteSequence = response.Headers.CSeq.Number, Ack = ack };
    }

    private void Unavailable(TransactionKey key, SipRequest invite)
    {
        Respond(key, Messages.Respond(invite, 480));
        End(CallEnd.Us, 480, "Temporarily Unavailable");
    }

    /// <summary>Another 2xx to our INVITE, from a fork or too late: its dialog is acknowledged and ended (RFC 3261 §13.2.2.4).</summary>
    public void Disown(SipResponse response)
    {
        var remote = response.Headers.Contacts is [var contact, ..] ? contact.Uri : response.Headers.To.Uri;
        var target = new SipRequest(SipMethod.Invite, remote) { Headers = response.Headers };
        if (!Dialog.TryFromResponse(target, response, out var dialog)) return;
        Emit(new PhoneEffect.Send(Messages.WithVia(dialog!.Ack(response.Headers.CSeq.Number)), Messages.FlowTo(dialog.NextHop), null));
        var (next, bye) = dialog.NewRequest(SipMethod.Bye);
        Request(bye, next);
    }

    private void StopTimers()
    {
        ReadOnlySpan<CallTimer> own = [CallTimer.Repeat2xx, CallTimer.NoAck, CallTimer.Answer, CallTimer.Glare, CallTimer.Way, CallTimer.Probe];
        foreach (var timer in own) Cancel(timer);
    }
}
