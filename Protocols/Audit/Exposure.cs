using System.Collections.Immutable;

namespace ConfCluster.Protocols.Audit;

/// <summary>How somebody could decrypt: which key, and how it came to be there.</summary>
public enum ReaderStanding : byte
{
    /// <summary>In the conference.</summary>
    Inside,

    /// <summary>Had left, and a key that it was sent was still in use.</summary>
    HadLeft,

    /// <summary>Joined later, and was sent a key that was in use then.</summary>
    JoinedLater,
}

/// <param name="Epoch">Null: a key of its own, which nobody else has.</param>
/// <param name="At">When it left, or joined.</param>
public sealed record KeyReader(string Participant, string Name, ReaderStanding Standing, long? Epoch, DateTimeOffset At);

/// <summary>How long a change left somebody outside able to decrypt.</summary>
/// <param name="IsForward">A leaver, until the last use of a key that it holds; else a newcomer, back to the beginning of one.</param>
/// <param name="IsOpen">It still can where the log ends.</param>
public sealed record ExposedChange(string Participant, string Name, long Record, DateTimeOffset At, bool IsForward, TimeSpan Time, bool IsOpen);

/// <param name="Bound">What the newest rules allow: interval, timeout and grace; null: no group keys.</param>
public sealed record ExposureSummary(
    ImmutableArray<ExposedChange> Changes, TimeSpan LongestForward, TimeSpan LongestBackward, TimeSpan? Bound, DateTimeOffset Horizon);

/// <summary>Who could decrypt what a conference sent, from the log alone. Whoever was sent a key counts, answered or not.</summary>
public static class Exposure
{
    public static ImmutableArray<KeyReader> ReadersAt(string conference, IEnumerable<KeyChangeRecord> records, DateTimeOffset at, DateTimeOffset? now = null)
    {
        var log = AuditLogReader.Read(conference, records, now);
        var inUse = log.Uses.Where(u => u.Start <= at && (u.End is null || u.End > at)).Select(u => u.Epoch).ToHashSet();
        var readers = ImmutableArray.CreateBuilder<KeyReader>();
        foreach (var leg in log.Legs.Values.OrderBy(l => l.JoinRecord))
        {
            var standing = leg.IsInAt(at) ? ReaderStanding.Inside : leg.Joined > at ? ReaderStanding.JoinedLater : ReaderStanding.HadLeft;
            var when = standing == ReaderStanding.HadLeft ? leg.Left!.Value : leg.Joined;
            var held = leg.Sent.Where(s => inUse.Contains(s.Epoch)
                && (standing != ReaderStanding.Inside || s.At <= at)).Select(s => s.Epoch).Distinct().Order().ToList();
            foreach (var epoch in held) readers.Add(new KeyReader(leg.Id, leg.Name, standing, epoch, when));
            if (held.Count == 0 && standing == ReaderStanding.Inside) readers.Add(new KeyReader(leg.Id, leg.Name, standing, null, when));
        }

        return readers.DrainToImmutable();
    }

    public static ExposureSummary Of(string conference, IEnumerable<KeyChangeRecord> records, DateTimeOffset? now = null)
    {
        var log = AuditLogReader.Read(conference, records, now);
        ImmutableArray<ExposedChange> changes =
            [.. log.Legs.Values.SelectMany(l => (ExposedChange?[])[Forward(log, l), Backward(log, l)]).OfType<ExposedChange>().OrderBy(c => c.At).ThenBy(c =>
                c.Record)];
        return new ExposureSummary(
            changes, Longest(changes.Where(c => c.IsForward)), Longest(changes.Where(c => !c.IsForward)),
            log.Epochs.Count == 0 ? null : log.Policies.LastOrDefault()?.BoundOf(log.IsSwitched), log.Horizon);
    }

    private static TimeSpan Longest(IEnumerable<ExposedChange> changes) => changes.Select(c => c.Time).DefaultIfEmpty().Max();

    private static ExposedChange? Forward(AuditLog log, AuditLeg leg)
    {
        if (leg is not { Left: { } left, LeaveRecord: { } record }) return null;
        var (last, isOpen) = (left, false);
        foreach (var epoch in leg.Sent.Select(s => s.Epoch).Distinct())
        {
            var end = log.LastUse(epoch, out var isInUse);
            isOpen |= isInUse;
            if (isInUse) last = log.Horizon > last ? log.Horizon : last;
            else if (end > last) last = end.Value;
        }

        return leg.Sent.Count == 0 ? null : new ExposedChange(leg.Id, leg.Name, record, left, true, last - left, isOpen);
    }

    /// <summary>From the first use: before it nothing was said under that key.</summary>
    private static ExposedChange? Backward(AuditLog log, AuditLeg leg)
    {
        var first = leg.Sent.Select(s => log.FirstUse(s.Epoch)).Where(f => f < leg.Joined).Min();
        return first is { } from ? new ExposedChange(leg.Id, leg.Name, leg.JoinRecord, leg.Joined, false, leg.Joined - from, false) : null;
    }
}
