using System.Collections.Immutable;

namespace ConfCluster.Protocols.Keys.Rekeying;

/// <summary>Which keys a message to a leg lists: each SDP takes the place of the one before (RFC 4568 §7.1.4), so it lists all that the leg is to have.</summary>
internal static class ToldEpochs
{
    /// <summary>It is sent that key, and the rungs above it where it can be.</summary>
    public static LegKeys Tell(RekeyState state, RekeyPolicy policy, LegKeys leg, KeyEpoch epoch)
    {
        // After the loss of the focus nobody knows which of its keys is in use, so all stay in the list, and that is long enough.
        var top = leg.TakesLadder && leg.InUse != LegKeys.Forgotten && state.Ladder is { } ladder && epoch >= ladder.Base ? ladder.Top : epoch;
        var sent = Enumerable.Range(0, (int)(top.Number - epoch.Number) + 1).Select(n => new KeyEpoch(epoch.Number + (uint)n)).ToImmutableArray();
        leg = leg with { Offered = epoch, OfferedTo = top, Held = leg.Held.Union(sent) };
        if (policy.Revoke != Revocation.Now || leg.Keying == LegKeying.Switched) return leg;
        // Without MKI there is one.
        var kept = leg.Keying == LegKeying.GroupPlain ? []
            : leg.InUse == LegKeys.Forgotten ? leg.Knows : new[] { leg.InUse, leg.Confirmed }.OfType<KeyEpoch>();
        var listed = kept.Concat(sent).ToImmutableSortedSet();
        return leg with { Listed = listed, Knows = leg.Knows.Union(listed) };
    }

    /// <summary>The last rung of what it was sent; null: none.</summary>
    public static KeyEpoch? Above(LegKeys leg) => leg.OfferedTo > leg.Offered ? leg.OfferedTo : null;

    /// <summary>Its phone has keys that it is not sent anything under, now or soon.</summary>
    public static bool IsStale(RekeyState state, LegKeys leg) => leg.Knows.Any(k => k != leg.InUse && k != leg.Confirmed && !MayCome(state, leg, k));

    /// <summary>A rung that has not begun, or one whose beginning is being stored.</summary>
    private static bool MayCome(RekeyState state, LegKeys leg, KeyEpoch epoch) =>
        epoch > state.Last ? state.Ladder is { } ladder && epoch <= ladder.Top : epoch > leg.Confirmed && state.Find(epoch) is { IsSpoiled: false };
}
