namespace ConfCluster.Protocols.Audit;

/// <summary>
/// K6, as far as facts show it: an SSRC is given once, mixers are numbered on, and whoever takes the place of a mixer does so with a new epoch where a group key
/// is shared, so that nothing goes on under numbers that the other may still be using. Who forwards packets unopened has no key and begins nothing.
/// </summary>
internal static class AuditMixers
{
    /// <summary>A leave of that moment may have been on its way.</summary>
    private static readonly TimeSpan Late = TimeSpan.FromMilliseconds(500);

    public static void Check(AuditLog log)
    {
        var given = new Dictionary<string, long>();
        foreach (var (ssrc, record) in log.Ssrcs)
        {
            if (given.TryGetValue(ssrc, out var before)) log.Break(AuditRule.K6, record, null, $"SSRC {ssrc} was given before, in record {before}");
            else given.Add(ssrc, record);
        }

        foreach (var (before, after) in log.Mixers.Zip(log.Mixers.Skip(1)))
        {
            if (after.Incarnation <= before.Incarnation)
                log.Break(AuditRule.K6, after.Record, null, $"mixer {after.Incarnation} was placed after mixer {before.Incarnation}");
        }

        foreach (var mixer in log.Mixers.Where(m => m.TakesOver && IsShared(log, m)))
        {
            // One fact with it and the epoch: the same moment.
            if (!log.Epochs.Exists(e => e.Record > mixer.Record && e.Reason == "mixerReplaced" && e.At == mixer.At))
                log.Break(AuditRule.K6, mixer.Record, null, $"mixer {mixer.Incarnation} took the place of another, and no epoch began with it");
        }
    }

    private static bool IsShared(AuditLog log, AuditMixer mixer) => log.Legs.Values.Any(
        l => l is { IsInGroup: true, IsSwitched: false } && l.JoinRecord < mixer.Record && !(l.LeaveRecord < mixer.Record)
            && (l.Left is null || l.Left > mixer.At + Late));
}
