using System.Collections.Immutable;
using System.Globalization;
using ConfCluster.Actors.Phone;
using ConfCluster.Protocols.Audit;

namespace ConfCluster.Host.Demo;

/// <summary>What must be so at the end, and is not.</summary>
internal static class DemoVerdict
{
    /// <summary>Two frames, which a jitter buffer makes up when the machine is busy. A key that is missing is missed for longer.</summary>
    private static readonly TimeSpan Allowed = TimeSpan.FromMilliseconds(40);

    /// <summary>Around each change of the key.</summary>
    private static readonly TimeSpan Before = TimeSpan.FromMilliseconds(100);

    private static readonly TimeSpan After = TimeSpan.FromSeconds(1);

    public static ImmutableArray<string> Of(
        DemoStory story, IReadOnlyList<(DemoCall Call, PhoneReport Report)> calls, ExposureSummary exposure, ImmutableArray<AuditViolation> violations, DemoProbe probe)
    {
        var wrong = ImmutableArray.CreateBuilder<string>();
        foreach (var (call, report) in calls)
        {
            if (report.Problem is { } problem) wrong.Add($"{call.Name}: {problem}");
            else if (!report.Answered) wrong.Add($"{call.Name} was answered {report.Status} {report.Reason}");
            else if (report.EndedBy != (call.IsThrownOut ? "peer" : "us")) wrong.Add($"{call.Name}'s call was ended by {report.EndedBy}");
            if (report.Undecryptable > 0) wrong.Add($"{call.Name} got {report.Undecryptable} packets that no key opened");
            if (report.Answered && report.MkisHeard == 0) wrong.Add($"{call.Name} heard nothing under a group key");
            var longest = Longest(story, call, report, probe);
            if (longest > Allowed) wrong.Add($"{call.Name} heard a gap of {Milliseconds(longest)} at a change of the key");
        }

        if (story.Epochs.Count < 6) wrong.Add($"{story.Epochs.Count} epochs began; the script asks for six at least");
        if (story.Epochs.Count > 0 && story.Epochs.SkipLast(1).Any(e => e.Settled is null)) wrong.Add("not every epoch reached everybody");
        if (exposure.Bound is { } bound && exposure.LongestForward > bound)
            wrong.Add($"somebody who left could decrypt for {DemoStory.Seconds(exposure.LongestForward)}; the rules allow {DemoStory.Seconds(bound)}");
        if (exposure.LongestBackward > TimeSpan.Zero) wrong.Add($"somebody who came could decrypt {DemoStory.Seconds(exposure.LongestBackward)} of what was said before");
        wrong.AddRange(violations.Select(v => $"audit: {v.Rule} {v.Text}"));
        return wrong.ToImmutable();
    }

    /// <summary>The longest gap near a change of the key, but for those that the machine made.</summary>
    public static TimeSpan Longest(DemoStory story, DemoCall call, PhoneReport report, DemoProbe probe) => report.Interruptions
        .Where(i => call.Started + TimeSpan.FromSeconds(i.At) is var at && story.Epochs.Any(e => IsNear(at - story.Zero, e))
            && !probe.WasLateAround(at, at + TimeSpan.FromMilliseconds(i.Milliseconds)))
        .Select(i => TimeSpan.FromMilliseconds(i.Milliseconds)).DefaultIfEmpty().Max();

    public static string Milliseconds(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{time.TotalMilliseconds:0} ms");

    private static bool IsNear(TimeSpan at, DemoEpoch epoch) => at >= epoch.At - Before && at <= epoch.At + (epoch.Settled ?? TimeSpan.Zero) + After;
}
