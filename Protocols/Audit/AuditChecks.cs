using System.Collections.Immutable;

namespace ConfCluster.Protocols.Audit;

/// <summary>
/// The invariants of the rekeying over the log alone. Facts of the same instant are taken in the order that breaks nothing: the clock cannot
/// tell them apart.
/// </summary>
public static class AuditChecks
{
    /// <summary>How much earlier than the interval an epoch may begin: a tick of the media clock.</summary>
    private static readonly TimeSpan Early = TimeSpan.FromMilliseconds(20);

    /// <summary>Two nodes' clocks at a take-over differ by less.</summary>
    private static readonly TimeSpan Skew = TimeSpan.FromSeconds(1);

    /// <param name="now">When a conference of a running node was looked at; null: nothing is known after the last record.</param>
    public static ImmutableArray<AuditViolation> Run(string conference, IEnumerable<KeyChangeRecord> records, DateTimeOffset? now = null)
    {
        var log = AuditLogReader.Read(conference, records, now);
        Clock(log);
        LeaversHoldNothingNew(log);
        NewcomersHoldNothingOld(log);
        Interval(log);
        AuditCoverage.Check(log);
        AuditMixers.Check(log);
        Numbers(log);
        AuditLadders.Check(log);
        Moves(log);
        return [.. log.Violations.OrderBy(v => v.Record).ThenBy(v => v.Rule)];
    }

    private static void Clock(AuditLog log)
    {
        foreach (var (before, after) in log.Records.Zip(log.Records.Skip(1)))
        {
            if (before.At - after.At > Skew)
                log.Break(AuditRule.Clock, after.Record, null, $"record {after.Record} is {Seconds(before.At - after.At)} s older than the one before it");
        }
    }

    /// <summary>K1.</summary>
    private static void LeaversHoldNothingNew(AuditLog log)
    {
        foreach (var leg in log.Legs.Values.Where(l => l.Left is not null))
        {
            foreach (var sent in leg.Sent.DistinctBy(s => s.Epoch))
            {
                if (log.FirstUse(sent.Epoch) is { } first && leg.Left < first)
                    log.Break(AuditRule.K1, FirstUser(log, sent.Epoch), leg.Id,
                        $"{leg.Name} was sent epoch {sent.Epoch} and had left {Seconds(first - leg.Left.Value)} s before it was first used");
            }

            foreach (var sent in leg.Sent.Where(s => s.At > leg.Left))
                log.Break(AuditRule.K1, sent.Record, leg.Id, $"{leg.Name} was sent epoch {sent.Epoch} after it had left");
            foreach (var use in leg.Uses.Where(u => u.Start > leg.Left))
                log.Break(AuditRule.K1, use.Record, leg.Id, $"{leg.Name} was sent media under epoch {use.Epoch} after it had left");
        }
    }

    /// <summary>K2; with the rule that newcomers get the key in use it is measured instead (<see cref="Exposure"/>).</summary>
    private static void NewcomersHoldNothingOld(AuditLog log)
    {
        foreach (var leg in log.Legs.Values)
        {
            foreach (var sent in leg.Sent.Where(s => log.PolicyAt(s.Record) is not { NextEpochOnly: false }))
            {
                if (!log.HasBegun(sent.Epoch, leg.JoinRecord)) continue;
                var began = log.Epochs.First(e => e.Number == sent.Epoch).Record;
                log.Break(
                    AuditRule.K2, sent.Record, leg.Id,
                    $"{leg.Name} was sent epoch {sent.Epoch}, which began in record {began}, before it joined in record {leg.JoinRecord}");
            }
        }
    }

    /// <summary>K3. A name that begins again after its end is another conference.</summary>
    private static void Interval(AuditLog log)
    {
        foreach (var (before, epoch) in log.Epochs.Zip(log.Epochs.Skip(1)))
        {
            if (log.PolicyAt(epoch.Record) is not { } policy || policy.Bypasses(epoch.Reason)) continue;
            if (log.Begins.Exists(b => b.Record > before.Record && b.Record < epoch.Record)) continue;
            if (epoch.At - before.At < policy.MinInterval - Early)
                log.Break(AuditRule.K3, epoch.Record, null, $"epoch {epoch.Number} ({epoch.Reason}) began {Seconds(epoch.At - before.At)}"
                        + $" s after epoch {before.Number}; the interval is {Seconds(policy.MinInterval)} s");
        }
    }

    /// <summary>K5.</summary>
    private static void Numbers(AuditLog log)
    {
        long last = 0;
        var commitments = new Dictionary<string, long>();
        foreach (var epoch in log.Epochs)
        {
            if (epoch.Number <= last) log.Break(AuditRule.K5, epoch.Record, null, $"epoch {epoch.Number} began after epoch {last}");
            if (!log.Policies.Exists(p => p.Record < epoch.Record)) log.Break(AuditRule.K5, epoch.Record, null,
                $"epoch {epoch.Number} began before any rules were stored");
            last = Math.Max(last, epoch.Number);
            foreach (var commitment in epoch.Commitments)
            {
                if (commitments.TryGetValue(commitment, out var other) && other != epoch.Number)
                    log.Break(AuditRule.K5, epoch.Record, null, $"epoch {epoch.Number} has the key of epoch {other}");
                commitments[commitment] = epoch.Number;
            }
        }

        foreach (var step in log.Steps.Where(s => s.Kind is "sent" or "moved"))
        {
            var isRung = step.Kind == "sent" && log.IsRung(step.Epoch, step.Record);
            if (!isRung && !log.HasBegun(step.Epoch, step.Record))
                log.Break(AuditRule.K5, step.Record, step.Participant, $"epoch {step.Epoch} was {step.Kind} before it was stored");
        }
    }

    /// <summary>K7.</summary>
    private static void Moves(AuditLog log)
    {
        foreach (var use in log.Uses)
        {
            if (!use.Leg.Took.TryGetValue(use.Epoch, out var took) || took > use.Start)
                log.Break(AuditRule.K7, use.Record, use.Leg.Id, $"{use.Leg.Name} was moved to epoch {use.Epoch} and had not taken it");
        }
    }

    private static long? FirstUser(AuditLog log, long epoch) => log.Uses.Where(u => u.Epoch == epoch).MinBy(u => u.Start)?.Record;

    internal static string Seconds(TimeSpan time) => time.TotalSeconds.ToString("0.0##", System.Globalization.CultureInfo.InvariantCulture);
}
