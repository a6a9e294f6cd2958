using System.Net;
using ConfCluster.Protocols.Sip.Messages;

namespace ConfCluster.Protocols.Sip.Authentication;

/// <summary>
/// Connection reuse (RFC 5923 §8.2): an "alias" in the top Via lets us send requests for the sender's listening address over the connection
/// that it opened. Only on a connection whose client proved itself with a certificate (RFC 5923 §9.2), and only for names that this certificate holds.
/// </summary>
public static class ConnectionAlias
{
    /// <summary>The address that the connection may stand for; null: none was asked for, or it was not proven who asks.</summary>
    public static IPEndPoint? Of(SipRequest request, SipFlow flow, TlsPeer? peer)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(flow);
        if (peer is null || flow.Transport != SipTransport.Tls || request.Headers.TopVia is not { } via || !via.Parameters.Has("alias")) return null;
        // RFC 5923 §8.2: the address is the "received" one, whatever the Via says; the port is that of sent-by.
        return new IPEndPoint(flow.Remote.Address, via.Port ?? SipFlow.DefaultPort(SipTransport.Tls));
    }

    /// <summary>
    /// Whether a TLS connection to the right address may carry a message of ours: its peer proved the name of the next hop (RFC 5923 §8.1,
    /// §8.2). One that we opened also carries what a dialog sends to the address itself, since whoever it leads to chose that Contact.
    /// </summary>
    /// <param name="proven">The names in the peer's certificate; null: nothing was verified.</param>
    public static bool MayCarry(SipMessage message, CertificateNames? proven, bool isOurs)
    {
        ArgumentNullException.ThrowIfNull(message);
        if (proven is null) return false;
        var name = DomainIdentity.OfNextHop(message);
        return DomainIdentity.Authenticates(proven, name)
            || (isOurs && message is SipRequest { Headers.To.Tag: not null } && IPAddress.TryParse(name, out _));
    }
}
