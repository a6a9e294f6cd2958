using System.Net;

namespace ConfCluster.Protocols.Sip.Messages;

/// <summary>Transports of RFC 3261 §18.</summary>
public enum SipTransport : byte { Udp, Tcp, Tls }

/// <summary>
/// Where a message came from or goes to: transport, the local listener's and the remote address, and for a connection its number on
/// the node (0: datagram, or "connect anew").
/// </summary>
public sealed record SipFlow(SipTransport Transport, IPEndPoint Local, IPEndPoint Remote, long Connection = 0)
{
    /// <summary>The node whose listener it is, as the nodes of a cluster tell each other apart; empty: there is one only.</summary>
    public string Node { get; init; } = "";

    public bool IsReliable => Transport != SipTransport.Udp;

    /// <summary>RFC 3261 §18.1.1: where a transport is expected when no port is given.</summary>
    public static int DefaultPort(SipTransport transport) => transport == SipTransport.Tls ? 5061 : 5060;

    public override string ToString() => $"{Transport} {Remote}";
}
