using System.Collections.Immutable;

namespace ConfCluster.Protocols.Nodes;

/// <summary>When a node of a cluster that is parted has to end itself: it has been on the smaller side for a while, and heard of the same nodes all the time.</summary>
/// <param name="after">So long.</param>
public sealed class CutOff(TimeSpan after)
{
    private TimeSpan _since;
    private ImmutableSortedSet<string>? _lost;

    /// <summary>True once, when it is time.</summary>
    /// <param name="members">In the order of addresses as the engine has it, each with whether it is heard of.</param>
    /// <param name="at">Of a clock that never goes back.</param>
    public bool Look(IReadOnlyList<(string Address, bool IsHeard)> members, TimeSpan at)
    {
        ArgumentNullException.ThrowIfNull(members);
        if (IsOver) return false;
        if (!IsMinority([.. members.Select(m => m.IsHeard)]))
        {
            _lost = null;
            return false;
        }

        var lost = members.Where(m => !m.IsHeard).Select(m => m.Address).ToImmutableSortedSet(StringComparer.Ordinal);
        if (_lost is null || !_lost.SetEquals(lost)) (_lost, _since) = (lost, at);
        return IsOver = at - _since >= after;
    }

    /// <summary>Said already.</summary>
    public bool IsOver { get; private set; }

    /// <summary>Whether those that a node hears of, itself among them, are fewer than half of all, or half without the lowest address.</summary>
    /// <param name="heard">In the order of addresses as the engine has it, each with whether it is heard of.</param>
    public static bool IsMinority(IReadOnlyList<bool> heard)
    {
        ArgumentNullException.ThrowIfNull(heard);
        var side = heard.Count(h => h);
        return 2 * side < heard.Count || (2 * side == heard.Count && side > 0 && !heard[0]);
    }
}
