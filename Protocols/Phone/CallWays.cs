using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Transactions;

namespace ConfCluster.Protocols.Phone;

/// <summary>
/// A call goes on through another server of the same conference when the one that it came by is gone: a target refresh over the new way (RFC 3261 §12.2, as an
/// UPDATE without offer, RFC 3311 §5.1) tells the peer where the phone is now, and its 2xx tells the phone where the peer is. A connection shows by itself that it
/// is gone; over UDP a request that nobody answers does (in place of RFC 5626 §4.4.2, for servers without STUN), which also keeps a NAT open.
/// </summary>
internal sealed class CallWays(CallCore core, PhoneCredentials credentials)
{
    /// <summary>So long a refresh waits for its answer, and after one that says no; then the next server is tried.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private TransactionKey? _refresh;
    private TransactionKey? _probe;

    /// <summary>Where the requests of the call go while the other server has not said where it wants them; null: where the dialog says.</summary>
    private SipFlow? _way;

    public void Answered() => WaitToProbe();

    /// <summary>The shell has another way.</summary>
    public void Opened(SipFlow flow)
    {
        core.Messages.Flow = flow;
        (_way, _probe) = (flow, null);
        if (core.State is CallState.Talking) Refresh();
    }

    public SipFlow To(SipUri nextHop) => _way ?? core.Messages.FlowTo(nextHop);

    public void Fired(CallTimer timer)
    {
        if (core.State is not CallState.Talking) return;
        if (timer == CallTimer.Probe) Probe();
        else if (_way is not null) LookElsewhere();
    }

    /// <summary>False: the transaction is somebody else's.</summary>
    public bool Responded(TransactionKey key, SipResponse response)
    {
        if (key == _probe)
        {
            if (response.IsFinal) _probe = null;
            return true;
        }

        if (key != _refresh) return false;
        if (response.IsFinal && core.State is CallState.Talking talking) Refreshed(talking, response);
        return true;
    }

    /// <summary>False: the transaction is somebody else's. What is to be done about it the timers say.</summary>
    public bool Failed(TransactionKey key) => key == _probe || key == _refresh;

    private void Refreshed(CallState.Talking talking, SipResponse response)
    {
        _refresh = null;
        switch (response)
        {
            case { Class: 2 }:
                core.Cancel(CallTimer.Way);
                core.State = talking with { Dialog = talking.Dialog.Receive(response) };
                _way = null;
                core.Tell(new PhoneEvent.Rerouted());
                break;
            case { StatusCode: 401 or 407 } when credentials.Learns(response):
                Refresh();
                break;
            // RFC 3261 §12.2.1.2: the peer does not know the dialog any more.
            case { StatusCode: 481 }:
                core.Bye(talking, CallEnd.Peer);
                break;
        }
    }

    private void Refresh()
    {
        var talking = (CallState.Talking)core.State;
        var (dialog, update) = talking.Dialog.NewRequest(SipMethod.Update);
        core.State = talking with { Dialog = dialog };
        var request = core.Messages.WithVia(core.Messages.WithSession(credentials.On(update), SipBody.Empty));
        _refresh = TransactionKey.OfSent(request);
        core.Start(CallTimer.Way, Patience);
        core.Send(request, core.Messages.Flow);
    }

    private void Probe()
    {
        WaitToProbe();
        if (_way is not null) return;
        if (_probe is not null)
        {
            LookElsewhere();
            return;
        }

        var talking = (CallState.Talking)core.State;
        var (dialog, options) = talking.Dialog.NewRequest(SipMethod.Options);
        core.State = talking with { Dialog = dialog };
        var request = core.Messages.WithVia(credentials.On(options));
        _probe = TransactionKey.OfSent(request);
        core.Send(request, core.Messages.FlowTo(dialog.NextHop));
    }

    private void LookElsewhere()
    {
        _probe = null;
        core.Emit(new PhoneEffect.Reconnect());
    }

    private void WaitToProbe()
    {
        if (core.Settings.ProbeEvery is { } time) core.Start(CallTimer.Probe, time);
    }
}
