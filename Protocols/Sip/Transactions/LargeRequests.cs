using System.Globalization;
using System.Net;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Parsing;

namespace ConfCluster.Protocols.Sip.Transactions;

/// <summary>A request that goes over TCP because of its size, as it was before.</summary>
/// <param name="Sent">Without our Via.</param>
public sealed record LiftedRequest<T>(T Sent, IPEndPoint Peer, TimeSpan At);

/// <summary>Requests of ours that are too large for a datagram (RFC 3261 §18.1.1).</summary>
public static class LargeRequests
{
    /// <summary>RFC 3261 §18.1.1: larger requests, in octets and with their Via, take a transport with congestion control.</summary>
    public const int MaxDatagram = 1300;

    /// <summary>Octets on the wire.</summary>
    public static int Size(SipRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        // The body may hold keys, so it is counted and not written; without it one digit says its length.
        var digits = request.Body.Length.ToString(CultureInfo.InvariantCulture).Length;
        return SipWriter.ToBytes(request with { Body = SipBody.Empty }).Length - 1 + digits + request.Body.Length;
    }

    /// <summary>RFC 3261 §9.1: a CANCEL takes the way of its INVITE, which its Via tells.</summary>
    public static bool WasLifted(SipRequest cancel, SipFlow flow)
    {
        ArgumentNullException.ThrowIfNull(cancel);
        ArgumentNullException.ThrowIfNull(flow);
        return !flow.IsReliable && string.Equals(cancel.Headers.TopVia?.Transport, "TCP", StringComparison.OrdinalIgnoreCase);
    }
}

/// <summary>
/// Which requests of ours are too large for a datagram and go over TCP to the same address and port (RFC 3261 §18.1.1), and what becomes of one that
/// cannot be delivered that way: it goes as a datagram after all, and so do the next ones to that peer for a while. One owner; time is an argument. Left out:
/// the path's MTU, which is not known; responses, which go where the request came from.
/// </summary>
/// <typeparam name="T">What the owner needs to send the request again.</typeparam>
public sealed class LargeRequestTable<T>
{
    /// <summary>Peers without TCP that are remembered; of more than these each is tried each time.</summary>
    public const int MaxRemembered = 4096;

    /// <summary>How long a peer is taken to have no TCP.</summary>
    public static readonly TimeSpan Memory = TimeSpan.FromMinutes(10);

    /// <summary>A request that has had no answer for so long was delivered, or is beyond help.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(40);

    private readonly Dictionary<TransactionKey, LiftedRequest<T>> _lifted = [];
    private readonly Dictionary<IPEndPoint, TimeSpan> _without = [];

    /// <summary>Requests that are out over TCP in place of UDP and may come back.</summary>
    public int Count => _lifted.Count;

    /// <summary>Whether the request, with its Via, is to go over TCP.</summary>
    public bool IsTooLarge(SipRequest request, SipFlow flow, TimeSpan now)
    {
        ArgumentNullException.ThrowIfNull(flow);
        return !flow.IsReliable && LargeRequests.Size(request) > LargeRequests.MaxDatagram && !(_without.TryGetValue(flow.Remote, out var until) && now < until);
    }

    public void Lifted(TransactionKey key, LiftedRequest<T> request) => _lifted[key] = request;

    public bool IsLifted(TransactionKey? key) => key is { } known && _lifted.ContainsKey(known);

    /// <summary>Something came back: the peer has TCP.</summary>
    public void Delivered(TransactionKey key) => _lifted.Remove(key);

    /// <summary>It could not be sent: null when it was not lifted, else what is to be sent as a datagram now.</summary>
    public LiftedRequest<T>? Unsent(TransactionKey key, TimeSpan now)
    {
        if (!_lifted.Remove(key, out var request)) return null;
        Sweep(now);
        if (_without.Count < MaxRemembered) _without[request.Peer] = now + Memory;
        return request;
    }

    /// <summary>Forgets what is over.</summary>
    public void Sweep(TimeSpan now)
    {
        foreach (var (peer, until) in _without)
            if (now >= until)
                _without.Remove(peer);
        foreach (var (key, request) in _lifted)
            if (now - request.At > Patience)
                _lifted.Remove(key);
    }
}
