using ConfCluster.Protocols.Conference;

namespace ConfCluster.Host.Api;

/// <summary><c>/api/v1/conferences</c>. Loopback only until callers are authenticated (the settings see to it).</summary>
internal static class ConferenceApi
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        var conferences = routes.MapGroup("/api/v1/conferences");
        conferences.MapGet("", async (ConferenceQueries queries) => (await queries.ActiveAsync()).Select(ApiMapping.Summary));
        conferences.MapGet("{name}", ShowAsync);
        conferences.MapGet("{name}/events", EventsAsync);
        conferences.MapPost("{name}/end", EndAsync);
        InvitationApi.Map(conferences);
    }

    private static async Task<IResult> ShowAsync(string name, ConferenceQueries queries) =>
        await queries.FindAsync(Id(name)) is { } view ? Results.Ok(ApiMapping.Details(view)) : NotActive(name);

    private static async Task<IResult> EventsAsync(string name, ConferenceHistory history, CancellationToken stop)
    {
        var events = await history.OfAsync(Id(name), stop);
        return events.IsEmpty
            ? Results.NotFound(new ApiProblem($"There never was a conference {name}."))
            : Results.Ok(ApiMapping.History(events));
    }

    private static async Task<IResult> EndAsync(string name, ConferenceQueries queries)
    {
        if (await queries.FindAsync(Id(name)) is null) return NotActive(name);
        queries.End(Id(name), EndReason.Operator);
        return Results.Accepted(value: new { name = Id(name).Value, ending = true });
    }

    public static IResult NotActive(string name) => Results.NotFound(new ApiProblem($"There is no active conference {name}."));

    private static ConferenceId Id(string name) => new(name.ToLowerInvariant());
}
