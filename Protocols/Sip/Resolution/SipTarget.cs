using System.Net;
using ConfCluster.Protocols.Sip.Messages;

namespace ConfCluster.Protocols.Sip.Resolution;

/// <summary>One place to send a request to (RFC 3263 §4.2).</summary>
/// <param name="Name">The host of the URI that was looked up: what a TLS certificate must name, wherever DNS led (RFC 5922 §4).</param>
public sealed record SipTarget(SipTransport Transport, IPEndPoint EndPoint, string Name)
{
    public override string ToString() => $"{Transport} {EndPoint}";
}

/// <summary>What this node can use: the transports it has listeners for, and the address families of these.</summary>
/// <param name="RandomBelow">A random whole number below its argument, for RFC 2782's weights.</param>
public sealed record ResolutionContext(Func<SipTransport, bool> Supports, bool UsesIPv4, bool UsesIPv6, Func<int, int> RandomBelow);
