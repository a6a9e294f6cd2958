using System.Net;
using ConfCluster.Protocols.Sip.Dialogs;
using ConfCluster.Protocols.Sip.Messages;

namespace ConfCluster.Protocols.Focus;

/// <summary>
/// The flow that a request of ours takes in a dialog (RFC 3261 §8.1.2, §12.2.1.1): to the address of the first route or remote target, but
/// over the dialog's own flow when that is a connection to the same peer or the peer is hidden behind a NAT. Left out: names, which need
/// DNS (RFC 3263); they go over the dialog's flow, too.
/// </summary>
internal static class NextHop
{
    /// <summary>RFC 3581 §4: the sender sees another address of itself than we do, so its Contact is of no use.</summary>
    public static bool IsHidden(SipRequest request, SipFlow flow) =>
        request.Headers.TopVia is { } via && TryAddress(via.Host, out var sentBy) && !sentBy.Equals(flow.Remote.Address);

    public static SipFlow Of(Dialog dialog, SipFlow flow, bool hidden)
    {
        var uri = dialog.NextHop;
        if (hidden || !uri.IsSip || !TryAddress(uri.Host, out var address)) return flow;

        // RFC 3261 §26.2.2: a sips URI is reached over TLS whatever its transport parameter says.
        var transport = uri.IsSecure ? SipTransport.Tls : Transport(uri.Parameters["transport"]) ?? flow.Transport;
        var remote = new IPEndPoint(address, uri.Port ?? SipFlow.DefaultPort(transport));
        // Over the connection while it is there; once it is gone, where the peer listens and not the port that it called from.
        if (transport == flow.Transport && flow.IsReliable && address.Equals(flow.Remote.Address)) return flow with { Remote = remote };
        return transport == flow.Transport ? flow with { Remote = remote, Connection = 0 } : new SipFlow(transport, flow.Local, remote) { Node = flow.Node };
    }

    private static bool TryAddress(string host, out IPAddress address)
    {
        var known = IPAddress.TryParse(host.Trim('[', ']'), out var parsed);
        address = parsed is { IsIPv4MappedToIPv6: true } ? parsed.MapToIPv4() : parsed ?? IPAddress.None;
        return known;
    }

    private static SipTransport? Transport(string? name) => name?.ToUpperInvariant() switch
    {
        "TCP" => SipTransport.Tcp,
        "UDP" => SipTransport.Udp,
        "TLS" => SipTransport.Tls,
        _ => null,
    };
}
