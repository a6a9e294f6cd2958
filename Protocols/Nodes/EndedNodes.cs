namespace ConfCluster.Protocols.Nodes;

/// <summary>One run of a node's program.</summary>
/// <param name="Address">Of its inner interface.</param>
/// <param name="Incarnation">Drawn at its start: who comes back at the same address is another one.</param>
public sealed record NodeRun(string Address, int Incarnation);

/// <summary>
/// Which nodes' programs have ended, by what the members of the cluster find at their doors. One node alone may be kept from another by something between the two, so
/// a run is over only when more than half of all members have found so within <see cref="Kept"/>: of two sides that cannot see each other at most one ever believes it.
/// </summary>
public sealed class EndedNodes
{
    /// <summary>What somebody found counts so long.</summary>
    public static readonly TimeSpan Kept = TimeSpan.FromSeconds(5);

    private readonly Dictionary<NodeRun, Dictionary<string, TimeSpan>> _found = [];

    /// <summary>Takes down what a member found.</summary>
    /// <param name="finder">Its address.</param>
    /// <param name="at">Of a clock that never goes back.</param>
    public void Found(string finder, NodeRun ended, TimeSpan at)
    {
        ArgumentNullException.ThrowIfNull(finder);
        ArgumentNullException.ThrowIfNull(ended);
        foreach (var (run, finders) in _found)
        {
            foreach (var old in finders.Where(f => at - f.Value >= Kept).Select(f => f.Key).ToList()) finders.Remove(old);
            if (finders.Count == 0) _found.Remove(run);
        }

        if (!_found.TryGetValue(ended, out var known)) _found.Add(ended, known = new Dictionary<string, TimeSpan>(StringComparer.Ordinal));
        known[finder] = at;
    }

    /// <summary>Whether more than half of the members found that this run is over.</summary>
    /// <param name="members">Addresses of all, also of those that have ended or are not heard of.</param>
    public bool IsOver(NodeRun run, IReadOnlyCollection<string> members, TimeSpan at)
    {
        ArgumentNullException.ThrowIfNull(run);
        ArgumentNullException.ThrowIfNull(members);
        return _found.TryGetValue(run, out var finders)
            && 2 * finders.Count(f => at - f.Value < Kept && f.Key != run.Address && members.Contains(f.Key)) > members.Count;
    }
}
