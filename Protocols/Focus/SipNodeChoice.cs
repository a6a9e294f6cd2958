using System.Collections.Immutable;
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

    /// <summary>The same in every process, which the hash of a string is not.</summary>
    private static uint Sum(string text) => text.Aggregate(2166136261u, (sum, c) => unchecked((sum ^ c) * 16777619u));
}
