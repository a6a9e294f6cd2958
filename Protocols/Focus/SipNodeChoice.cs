using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Sip.Messages;

namespace ConfCluster.Protocols.Focus;

/// <summary>Which node of a cluster sends what a participant wants sent.</summary>
public static class SipNodeChoice
{
    /// <summary>
    /// The node whose flow it is. When that one is gone: another, always the same for a participant while the nodes stay, over a connection of its own. Null:
    /// there is no node that could.
    /// </summary>
    /// <param name="alive">Nodes with sockets for SIP that can be reached, in the same order everywhere.</param>
    public static SipFlow? Route(SipFlow flow, ParticipantId participant, ImmutableArray<string> alive)
    {
        ArgumentNullException.ThrowIfNull(flow);
        if (alive.Contains(flow.Node)) return flow;
        return Any(participant, alive) is { } other ? flow with { Node = other, Connection = 0 } : null;
    }

    /// <summary>For what needs no flow yet.</summary>
    public static string? Any(ParticipantId participant, ImmutableArray<string> alive) =>
        alive.IsEmpty ? null : alive[(int)(Sum(participant.Value) % (uint)alive.Length)];

    /// <summary>
    /// The node that takes over from one that is gone; null: the flow was another's, or nobody is there.
    /// </summary>
    /// <param name="before">The nodes that were there before.</param>
    public static string? Successor(SipFlow flow, ParticipantId participant, ImmutableArray<string> before, ImmutableArray<string> alive)
    {
        ArgumentNullException.ThrowIfNull(flow);
        var had = Route(flow, participant, before)?.Node;
        return had is null || alive.Contains(had) ? null : Any(participant, alive);
    }

    /// <summary>A flow to the same peer through another node, whose own address nobody here knows: it stands open, and <see cref="At"/> fills it in there.</summary>
    public static SipFlow Through(SipFlow flow, string node)
    {
        ArgumentNullException.ThrowIfNull(flow);
        var open = flow.Remote.AddressFamily == AddressFamily.InterNetworkV6 ? IPAddress.IPv6Any : IPAddress.Any;
        return new SipFlow(flow.Transport, new IPEndPoint(open, flow.Local.Port), flow.Remote) { Node = node };
    }

    /// <summary>A request as the node sends it: a Contact whose host was left open (<see cref="Through"/>) gets the node's.</summary>
    /// <param name="host">As it stands in a URI.</param>
    /// <param name="port">Of the node, for a transport.</param>
    public static SipRequest At(SipRequest request, string host, Func<SipTransport, int?> port)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(port);
        if (request.Headers.First("Contact") is null || request.Headers.Contacts is not [{ Uri.Host: "0.0.0.0" or "[::]" } contact]) return request;
        var name = contact.Uri.Parameters["transport"];
        var transport = contact.Uri.IsSecure ? SipTransport.Tls : Enum.TryParse<SipTransport>(name, ignoreCase: true, out var named) ? named : SipTransport.Udp;
        var uri = contact.Uri with { Host = host, Port = port(transport) ?? contact.Uri.Port };
        return request with { Headers = request.Headers.With("Contact", (contact with { Uri = uri }).ToString()) };
    }

    /// <summary>The same in every process, which the hash of a string is not.</summary>
    private static uint Sum(string text) => text.Aggregate(2166136261u, (sum, c) => unchecked((sum ^ c) * 16777619u));
}
