namespace ConfCluster.Protocols.Audit;

/// <summary>
/// K4: each change that asks for a rekeying is covered by an epoch that begins in time, or waits for a key of the KMS, which is told; and when the deadline
/// of an epoch is over nobody is under an older key. After a take-over both begin anew, since the keys of the life before are gone.
/// </summary>
internal static class AuditCoverage
{
    /// <summary>Timers of a busy node are late.</summary>
    private static readonly TimeSpan Late = TimeSpan.FromMilliseconds(500);

    public static void Check(AuditLog log)
    {
        foreach (var change in Changes(log)) Begins(log, change);
        foreach (var epoch in log.Epochs) Reaches(log, epoch);
    }

    private static IEnumerable<(AuditMoment At, string? Who, string What, AuditPolicy Policy)> Changes(AuditLog log)
    {
        foreach (var leg in log.Legs.Values)
        {
            if (leg.IsInGroup && log.PolicyAt(leg.JoinRecord) is { OnJoin: true } joined)
                yield return (new AuditMoment(leg.JoinRecord, leg.Joined), leg.Id, $"the join of {leg.Name}", joined);
            if (leg is { Left: { } at, LeaveRecord: { } record, Sent.Count: > 0 } && log.PolicyAt(record) is { OnLeave: true } left)
                yield return (new AuditMoment(record, at), leg.Id, $"the leave of {leg.Name}", left);
        }

        foreach (var taken in log.Takeovers)
        {
            if (log.PolicyAt(taken.Record) is not { } policy || log.Epochs.TrueForAll(e => e.Record > taken.Record)) continue;
            if (log.Legs.Values.Any(l => l.IsInGroup && l.JoinRecord < taken.Record
                && (l.LeaveRecord is null || l.LeaveRecord > taken.Record)))
                yield return (taken, null, "the take-over", policy);
        }
    }

    private static void Begins(AuditLog log, (AuditMoment Moment, string? Who, string What, AuditPolicy Policy) change)
    {
        // Nothing is covered by a key that the leaver took along.
        var taken = change.Who is { } who && log.Legs[who] is { LeaveRecord: { } left } leg && left == change.Moment.Record ? leg.Sent : [];
        var epochs = log.Epochs.FindAll(e => e.Record > change.Moment.Record && !taken.Exists(s => s.Epoch == e.Number));
        var due = change.Moment.At + change.Policy.BeginsWithin(log.IsSwitched) + Late;
        if (epochs.Exists(e => e.At <= due) || due > log.Horizon) return;
        if (IsOver(log, change.Moment.Record, due)) return;
        if (log.Lacks.Exists(l => l.At <= due && !epochs.Exists(e => e.At > l.At && e.At <= due)))
        {
            Waited(log, change);
            return;
        }

        var late = epochs.FirstOrDefault();
        log.Break(
            AuditRule.K4, change.Moment.Record, change.Who, late is null
                ? $"{change.What} is covered by no epoch, {AuditChecks.Seconds(log.Horizon - change.Moment.At)} s after it"
                : $"{change.What} is covered by epoch {late.Number} only, {AuditChecks.Seconds(late.At - change.Moment.At)} s after it");
    }

    /// <summary>There was no key to begin an epoch with, which is allowed as long as nobody is left under one from before the change.</summary>
    private static void Waited(AuditLog log, (AuditMoment Moment, string? Who, string What, AuditPolicy Policy) change)
    {
        var due = change.Moment.At + change.Policy.MinInterval + change.Policy.DistributionTimeout + Late;
        if (IsOver(log, change.Moment.Record, due)) return;
        var newest = log.Epochs.Where(e => e.Record < change.Moment.Record).Select(e => e.Number).DefaultIfEmpty().Max();
        foreach (var use in log.Uses.Where(u => u.Epoch <= newest && u.Start < due && (u.End ?? log.Horizon) > due))
            log.Break(AuditRule.K4, change.Moment.Record, use.Leg.Id, $"{use.Leg.Name} was under epoch {use.Epoch} long after {change.What}, for which there was no key");
    }

    private static void Reaches(AuditLog log, AuditEpoch epoch)
    {
        if (log.PolicyAt(epoch.Record) is not { } policy) return;
        var timeout = policy.ReachesWithin(log.IsSwitched);
        var due = epoch.At + timeout + Late;
        if (IsOver(log, epoch.Record, due)) return;
        foreach (var use in log.Uses.Where(u => u.Epoch < epoch.Number && (u.End ?? log.Horizon) > due))
        {
            // Who was moved to an old key long afterwards is named once, by the oldest epoch that forbids it.
            if (log.Epochs.Exists(e => e.Number > use.Epoch && e.Number < epoch.Number
                && !IsOver(log, e.Record, e.At + timeout + Late))) continue;
            log.Break(
                AuditRule.K4, epoch.Record, use.Leg.Id,
                $"{use.Leg.Name} was under epoch {use.Epoch} {(use.End is { } end
                    ? $"until {AuditChecks.Seconds(end - epoch.At)} s" : "to the end of the log")} after epoch {epoch.Number} began; "
                + $"the timeout is {AuditChecks.Seconds(timeout)} s");
        }
    }

    /// <summary>The conference ended, or its keys were lost, before that was due. The loss itself lies anywhere after the record before it.</summary>
    private static bool IsOver(AuditLog log, long record, DateTimeOffset due) =>
        log.Ends.Exists(e => e.Record > record && e.At <= due) || log.Takeovers.Exists(t => t.Record > record
            && LastBefore(log, t.Record) <= due);

    private static DateTimeOffset LastBefore(AuditLog log, long record) =>
        log.Records.Where(r => r.Record < record).Select(r => r.At).DefaultIfEmpty().Max();
}
