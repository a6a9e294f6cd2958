using System.Collections.Immutable;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Srtp;

namespace ConfCluster.Protocols.Mixing;

/// <summary>
/// Under which keys the legs of a conference send: no two under the same (RFC 4568 §6.1: a key is unique), and none under a key of the group. Whoever had
/// it first keeps it, while its leg is open. Every key is compared at every question, so that the time says nothing of which it was.
/// </summary>
internal sealed class KeyOwners
{
    /// <summary>Of a leg that changes its keys again and again, the newest are remembered.</summary>
    private const int MaxOfALeg = 32;

    private readonly Dictionary<ParticipantId, ImmutableArray<KeyFingerprint>> _owned = [];
    private readonly HashSet<ParticipantId> _news = [];

    /// <returns>False: one of them is a key of another leg; nothing is claimed then.</returns>
    public bool TryClaim(ParticipantId claimant, ReadOnlySpan<KeyFingerprint> keys)
    {
        var isTaken = false;
        foreach (var (owner, owned) in _owned) isTaken |= owner != claimant & Meet(owned.AsSpan(), keys);
        if (isTaken) return false;
        var fresh = ImmutableArray.CreateBuilder<KeyFingerprint>();
        var before = _owned.GetValueOrDefault(claimant, []);
        foreach (var key in keys)
            if (!Meet(before.AsSpan(), [key]))
                fresh.Add(key);
        if (fresh.Count > 0) _news.Add(claimant);
        _owned[claimant] = [.. fresh, .. before.Take(MaxOfALeg - Math.Min(MaxOfALeg, fresh.Count))];
        return true;
    }

    public void Free(ParticipantId claimant)
    {
        _owned.Remove(claimant);
        _news.Remove(claimant);
    }

    /// <summary>All keys of a leg, when one of them is new since the last time; for those who compare legs of several mixers.</summary>
    /// <param name="all">Also when none is.</param>
    public ImmutableArray<KeyFingerprint> TakeNews(ParticipantId owner, bool all) => _news.Remove(owner) || all ? _owned.GetValueOrDefault(owner, []) : [];

    /// <summary>Whether any of these is any of those.</summary>
    public static bool Meet(ReadOnlySpan<KeyFingerprint> these, ReadOnlySpan<KeyFingerprint> those)
    {
        var found = false;
        foreach (ref readonly var one in these)
            foreach (ref readonly var other in those)
                found |= one.FixedTimeEquals(other);
        return found;
    }
}
