using System.Collections.Immutable;
using System.Diagnostics;
using ConfCluster.Protocols.Mikey.Exchanges;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Parsing;
using ConfCluster.Protocols.Sip.Transactions;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Protocols.Phone;

/// <summary>
/// A SIP phone with one call and no I/O, clock or randomness of its own: datagrams or frames, timers and wishes go in, effects come out.
/// UAC and UAS (RFC 3261 §8, §9, §12 to §15), offers both ways (RFC 3264), UPDATE received (RFC 3311), SDES keys (RFC 4568), digest (RFC 3261 §22). It answers
/// by itself. Left out: 100rel, session timers, redirection, forks other than one 2xx (others are ended by BYE), DNS.
/// </summary>
public sealed class PhoneCall : IDisposable
{
    private const int MaxServerTransactions = 64;

    private readonly TransactionLayer _transactions;
    private readonly CallCore _core;
    private readonly List<PhoneEffect> _effects = [];
    private readonly Dictionary<TransactionKey, (SipRequest Request, SipFlow Flow)> _lifted = [];
    private bool _hasTcp;

    /// <param name="flow">From where the phone sends, and to where it sends its first request.</param>
    /// <param name="rtcp">Equal to <paramref name="rtp"/> when there is one port only.</param>
    public PhoneCall(PhoneSettings settings, SipFlow flow, MediaAddress rtp, MediaAddress rtcp, SecretWriter random)
    {
        _transactions = new TransactionLayer(settings.Timings, MaxServerTransactions);
        _core = new CallCore(settings, flow, rtp, rtcp, random, this);
        _hasTcp = settings.HasTcp;
    }

    public CallState State => _core.State;

    /// <summary>Datagrams that are no SIP message: nothing was done about them.</summary>
    public ulong Malformed { get; private set; }

    /// <summary>Of the stream that will be sent, for messages that name it.</summary>
    public uint Ssrc { set => _core.Negotiation.Ssrc = value; }

    /// <summary>Sends the INVITE.</summary>
    public ImmutableArray<PhoneEffect> Dial(SipUri target) => Collect(() => _core.Dial(target));

    /// <summary>CANCEL, refusal or BYE, whichever fits.</summary>
    public ImmutableArray<PhoneEffect> HangUp() => Collect(_core.HangUp);

    /// <summary>A re-INVITE: on hold the peer is told sendonly (RFC 3264 §8.4). Nothing while another change is under way.</summary>
    public ImmutableArray<PhoneEffect> Hold(bool on) => Collect(() => _core.Hold(on));

    /// <summary>A re-INVITE with other addresses, which brings a new key (RFC 4568 §7.1.4).</summary>
    public ImmutableArray<PhoneEffect> MoveTo(MediaAddress rtp, MediaAddress rtcp) => Collect(() => _core.MoveTo(rtp, rtcp));

    /// <summary>A datagram, or one frame of a connection.</summary>
    public ImmutableArray<PhoneEffect> Receive(ReadOnlySpan<byte> bytes, SipFlow from)
    {
        if (SipReader.TryRead(bytes, out var message, out var error)) return Collect(() => Receive(message!, from));
        Malformed++;
        return message is SipRequest request && request.Method != SipMethod.Ack
            ? [Addressed(TransactionLayer.Stateless(request, from, 400, error.Detail, SipHeaders.Empty), null)]
            : [];
    }

    public ImmutableArray<PhoneEffect> Fired(PhoneTimer timer) => Collect(() =>
    {
        if (timer.Call == CallTimer.None) Run(_transactions.Fired(timer.Transaction, timer.Timer), timer.Transaction);
        else _core.Fired(timer.Call);
    });

    public ImmutableArray<PhoneEffect> TransportFailed(TransactionKey transaction) => Collect(() =>
    {
        if (!_lifted.Remove(transaction, out var large))
        {
            Run(_transactions.TransportFailed(transaction), transaction);
            return;
        }

        // RFC 3261 §18.1.1: nobody there takes connections. The branch stays, since nobody has seen it.
        _hasTcp = false;
        Run(_transactions.Withdraw(transaction), transaction);
        Run(_transactions.Request(large.Request, large.Flow), transaction);
    });

    /// <summary>After <see cref="PhoneEffect.Reconnect"/>, or when a connection was lost: another server of the conference may be reached over this flow.</summary>
    public ImmutableArray<PhoneEffect> Reconnected(SipFlow flow) => Collect(() => _core.Reconnected(flow));

    /// <summary>What the KMS says of the ticket of a <see cref="PhoneEffect.Resolve"/>.</summary>
    /// <param name="granted">Borrowed; null with a <paramref name="problem"/>.</param>
    public ImmutableArray<PhoneEffect> Resolved(GrantedKeys? granted, string problem) => Collect(() => _core.Resolved(granted, problem));

    public void Dispose() => _core.Dispose();

    internal void Emit(PhoneEffect effect) => _effects.Add(effect);

    /// <summary>Starts a client transaction.</summary>
    internal TransactionKey Request(SipRequest request, SipFlow flow)
    {
        var key = TransactionKey.OfSent(request);
        if (OverTcp(key, request, flow))
        {
            _lifted[key] = (request, flow);
            (request, flow) = (WithTcp(request), new SipFlow(SipTransport.Tcp, flow.Local, flow.Remote));
        }

        Run(_transactions.Request(request, flow), key);
        return key;
    }

    /// <summary>RFC 3261 §18.1.1; and §9.1: a CANCEL goes where its INVITE went.</summary>
    private bool OverTcp(TransactionKey key, SipRequest request, SipFlow flow)
    {
        if (!_hasTcp || flow.IsReliable) return false;
        return request.Method == SipMethod.Cancel
            ? _lifted.ContainsKey(key with { Method = SipMethod.Invite })
            : LargeRequests.Size(request) > LargeRequests.MaxDatagram;
    }

    private static SipRequest WithTcp(SipRequest request)
    {
        var rest = request.Headers.Fields.Where(f => f.Name != "Via");
        return request with { Headers = new SipHeaders([.. rest]).Prepend("Via", (request.Headers.TopVia! with { Transport = "TCP" }).ToString()) };
    }

    internal void Respond(TransactionKey key, SipResponse response) => Run(_transactions.Respond(key, response), key);

    private void Receive(SipMessage message, SipFlow from)
    {
        if (message is SipRequest request) Run(_transactions.ReceiveRequest(request, from), TransactionKey.OfReceived(request));
        else Run(_transactions.ReceiveResponse((SipResponse)message, from), null);
    }

    private void Run(ImmutableArray<TransactionEffect> effects, TransactionKey? key)
    {
        foreach (var effect in effects)
        {
            switch (effect)
            {
                case TransactionEffect.Send send:
                    Emit(Addressed(send, key));
                    break;
                case TransactionEffect.Start start:
                    Emit(new PhoneEffect.Start(new PhoneTimer(start.Key, start.Timer, CallTimer.None), start.After));
                    break;
                case TransactionEffect.Cancel cancel:
                    Emit(new PhoneEffect.Cancel(new PhoneTimer(cancel.Key, cancel.Timer, CallTimer.None)));
                    break;
                case TransactionEffect.PassRequest pass:
                    _core.Requested(pass.Key, pass.Request);
                    break;
                case TransactionEffect.PassAck pass:
                    _core.Acknowledged(pass.Request);
                    break;
                case TransactionEffect.PassResponse pass:
                    _core.Responded(pass.Key, pass.Response);
                    break;
                case TransactionEffect.Failed failed:
                    _core.Failed(failed.Key, failed.Reason);
                    break;
                case TransactionEffect.StrayResponse or TransactionEffect.Ended:
                    break;
                default:
                    throw new UnreachableException($"no way for {effect.GetType().Name}");
            }
        }
    }

    private static PhoneEffect.Send Addressed(TransactionEffect.Send send, TransactionKey? key) => new(send.Message, send.Flow, key);

    private ImmutableArray<PhoneEffect> Collect(Action step)
    {
        step();
        var effects = _effects.ToImmutableArray();
        _effects.Clear();
        return effects;
    }
}
