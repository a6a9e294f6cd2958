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
    public bool IsReliable => Transport != SipTransport.Udp;

    public override string ToString() => $"{Transport} {Remote}";
}
