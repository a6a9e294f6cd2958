using ConfCluster.Host.Roles;
using ConfCluster.Protocols.Audit;

namespace ConfCluster.Host.Api;

/// <summary><c>/api/v1/audit/NAME</c>: what is stored of a conference and its keys, chained.</summary>
internal static class AuditApi
{
    public static void Map(IEndpointRouteBuilder routes) => routes.MapGet("/api/v1/audit/{name}", (string name, AuditReading audit) =>
    {
        var view = audit.View(name.ToLowerInvariant());
        return view.Records.IsEmpty ? Results.NotFound(new ApiProblem($"There never was a conference {name}.")) : Results.Ok(Details(view));
    });

    public static AuditDetails Details(AuditView view)
    {
        var exposure = view.Exposure();
        return new AuditDetails(
            view.Name, AuditChain.Link(view.Name, view.Records), AuditTimeline.Of(view.Records), view.Heads.LastOrDefault(),
            AuditChecks.Run(view.Name, view.Records, view.Now), ExposureDetails.Of(exposure));
    }
}

/// <param name="Violations">Of the rules about keys; whether the records are those that were signed is for <c>audit verify</c>.</param>
internal sealed record AuditDetails(
    string Name, IReadOnlyList<LinkedRecord> Records, IReadOnlyList<TimelineLine> Timeline, AuditHead? LastHead,
    IReadOnlyList<AuditViolation> Violations, ExposureDetails Exposure);

internal sealed record ExposureDetails(double LongestForwardSeconds, double LongestBackwardSeconds, double? BoundSeconds,
    IReadOnlyList<ExposedChangeDetails> Changes)
{
    public static ExposureDetails Of(ExposureSummary summary) => new(
        summary.LongestForward.TotalSeconds, summary.LongestBackward.TotalSeconds, summary.Bound?.TotalSeconds,
        [.. summary.Changes.Select(c => new ExposedChangeDetails(c.Record, c.At, c.Participant, c.Name, c.IsForward
            ? "left" : "joined", c.Time.TotalSeconds, c.IsOpen))]);
}

internal sealed record ExposedChangeDetails(long Record, DateTimeOffset At, string Participant, string Identity, string Change, double Seconds, bool Open);
