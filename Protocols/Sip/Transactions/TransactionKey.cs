using System.Globalization;
using ConfCluster.Protocols.Sip.Messages;

namespace ConfCluster.Protocols.Sip.Transactions;

/// <summary>
/// Matches messages to transactions (RFC 3261 §17.1.3, §17.2.3): side, branch, sent-by and method, where ACK matches its INVITE and
/// CANCEL is a transaction of its own. A branch without the magic cookie is replaced by the fields that RFC 3261 §17.2.3 lists for
/// RFC 2543 peers, without the To tag (an ACK's is the one of our response, and the other fields already name one request).
/// </summary>
public readonly record struct TransactionKey(bool IsServer, string Branch, string SentBy, SipMethod Method)
{
    /// <summary>The server transaction of a received request, before <see cref="ViaStamp"/> has written into it.</summary>
    public static TransactionKey OfReceived(SipRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        var method = request.Method == SipMethod.Ack ? SipMethod.Invite : request.Method;
        var via = request.Headers.TopVia!;
        return via.Branch is { } branch && HasCookie(branch)
            ? new TransactionKey(true, branch, SentByOf(via), method)
            : new TransactionKey(true, Rfc2543Branch(request, via), "", method);
    }

    /// <summary>The client transaction of a request of ours, which has its Via.</summary>
    public static TransactionKey OfSent(SipRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        var via = request.Headers.TopVia!;
        return new TransactionKey(false, via.Branch!, SentByOf(via), request.Method);
    }

    /// <summary>
    /// The client transaction that a response claims. RFC 3261 §18.1.2: a sent-by that is not ours makes it a stray; it is part of the key.
    /// </summary>
    public static TransactionKey OfResponse(SipResponse response)
    {
        ArgumentNullException.ThrowIfNull(response);
        var via = response.Headers.TopVia!;
        return new TransactionKey(false, via.Branch ?? "", SentByOf(via), response.Headers.CSeq.Method);
    }

    public override string ToString() => $"{(IsServer ? "server" : "client")} {Method} {Branch}";

    // RFC 3261 §7.3.1: tokens are compared without case.
    private static bool HasCookie(string branch) =>
        branch.StartsWith(Via.MagicCookie, StringComparison.OrdinalIgnoreCase) && branch.Length > Via.MagicCookie.Length;

    private static string SentByOf(Via via) =>
        string.Create(CultureInfo.InvariantCulture, $"{via.Host.ToLowerInvariant()}:{via.Port ?? 5060}");

    private static string Rfc2543Branch(SipRequest request, Via via)
    {
        var headers = request.Headers;
        return string.Create(CultureInfo.InvariantCulture,
            $"2543 {request.RequestUri} {headers.From.Tag} {headers.CallId} {headers.CSeq.Number} {via}");
    }
}
