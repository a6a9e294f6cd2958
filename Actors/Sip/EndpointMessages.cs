using System.Net;
using System.Net.Sockets;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Transactions;

namespace ConfCluster.Actors.Sip;

/// <summary>Answer a request that the endpoint passed up (provisional, final, or a 2xx again: RFC 3261 §13.3.1.4). The endpoint owns
/// its body and clears it after the last transmission.</summary>
public sealed record Respond(TransactionKey Key, SipResponse Response);

/// <summary>
/// Start a client transaction for a participant: the endpoint adds the Via with a fresh branch (a CANCEL
/// brings its own), owns the body, and sends to <paramref name="Flow"/>
/// (or connects anew; what is too large for a datagram goes over TCP to the same port, RFC 3261 §18.1.1). Outcome: <c>SipResponseArrived</c> or
/// <c>SipTransactionFailed</c> with the CSeq's method, to the participant region.
/// </summary>
public sealed record SendRequest(ParticipantId Owner, SipRequest Request, SipFlow Flow)
{
    /// <summary>Not over TCP, however large it is: behind its NAT the peer is reached by datagrams only.</summary>
    public bool KeepsTransport { get; init; }
}

/// <summary>An ACK for a 2xx: no transaction (RFC 3261 §13.2.2.4); the endpoint adds the Via.</summary>
public sealed record SendAck(SipRequest Request, SipFlow Flow);

/// <summary>New dialogs get 503 from now on; running ones go on to their end.</summary>
public sealed record StopAccepting
{
    public static readonly StopAccepting Instance = new();
}

/// <summary>Answered with a <see cref="SipListening"/>.</summary>
public sealed record GetListening
{
    public static readonly GetListening Instance = new();
}

/// <summary>Where the listeners are bound (port 0 in the settings: the port that the system chose).</summary>
/// <param name="Refusal">Why nothing is bound, for the operator; null when all is well.</param>
public sealed record SipListening(IPEndPoint? Udp, IPEndPoint? Tcp, int Transactions, int Connections, string? Refusal = null)
{
    public AdmissionView? Admission { get; init; }

    /// <summary>Timers of transactions that run.</summary>
    public int Timers { get; init; }

    public IPEndPoint? Tls { get; init; }

    /// <summary>Of the other family; null: there are none.</summary>
    public SecondListeners? Second { get; init; }

    /// <summary>The listener of that transport for peers of that family; any, when there is none for it; null: the transport is off.</summary>
    public IPEndPoint? Of(SipTransport transport, AddressFamily family)
    {
        var (first, second) = transport switch
        {
            SipTransport.Udp => (Udp, Second?.Udp),
            SipTransport.Tcp => (Tcp, Second?.Tcp),
            SipTransport.Tls => (Tls, Second?.Tls),
            _ => (null, null),
        };
        return second?.AddressFamily == family ? second : first;
    }

    public bool Uses(AddressFamily family) =>
        Enum.GetValues<SipTransport>().Any(t => Of(t, family)?.AddressFamily == family);

    /// <summary>Connections that have not finished their handshake.</summary>
    public int Handshakes { get; init; }
}

/// <summary>Listeners beside the first, one of each transport that is on.</summary>
public sealed record SecondListeners(IPEndPoint? Udp, IPEndPoint? Tcp, IPEndPoint? Tls);
