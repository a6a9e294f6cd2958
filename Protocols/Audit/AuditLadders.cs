namespace ConfCluster.Protocols.Audit;

/// <summary>Keys that were told in advance (K1, K5): each under a number that never meant another key, and none begins once a holder has left.</summary>
internal static class AuditLadders
{
    public static void Check(AuditLog log)
    {
        Numbers(log);
        foreach (var epoch in log.Epochs.Where(e => log.Rungs.Exists(r => r.Number == e.Number))) LeaversHoldNone(log, epoch);
    }

    private static void Numbers(AuditLog log)
    {
        foreach (var rung in log.Rungs)
        {
            if (log.Rungs.Exists(r => r.Number >= rung.Number && r.Record < rung.Record) || log.Epochs.Exists(e => e.Number >= rung.Number && e.Record < rung.Record))
                log.Break(AuditRule.K5, rung.Record, null, $"a key is told in advance for epoch {rung.Number}, a number that was given before");
        }

        foreach (var epoch in log.Epochs)
        {
            var rungs = log.Rungs.FindAll(r => r.Record < epoch.Record);
            if (rungs.Find(r => r.Number == epoch.Number) is { } own)
            {
                if (!own.Commitments.Order(StringComparer.Ordinal).SequenceEqual(epoch.Commitments.Order(StringComparer.Ordinal)))
                    log.Break(AuditRule.K5, epoch.Record, null, $"epoch {epoch.Number} began with another key than was told in advance");
            }
            else if (rungs.Exists(r => r.Number > epoch.Number))
            {
                log.Break(AuditRule.K5, epoch.Record, null, $"epoch {epoch.Number} began below a number that was given before");
            }
        }
    }

    private static void LeaversHoldNone(AuditLog log, AuditEpoch epoch)
    {
        foreach (var leg in log.Legs.Values.Where(l => l.LeaveRecord < epoch.Record && l.Sent.Exists(s => s.Epoch == epoch.Number)))
            log.Break(AuditRule.K1, epoch.Record, leg.Id, $"epoch {epoch.Number} began, and {leg.Name}, which had left, was told its key in advance");
    }
}
