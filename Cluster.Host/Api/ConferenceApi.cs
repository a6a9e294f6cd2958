using ConfCluster.Actors.Conference;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Keys.Rekeying;

namespace ConfCluster.Host.Api;

/// <summary><c>/api/v1/conferences</c>. Loopback only until callers are authenticated (the settings see to it).</summary>
internal static class ConferenceApi
{
    private const int MaxNote = 200;

    public static void Map(IEndpointRouteBuilder routes)
    {
        var conferences = routes.MapGroup("/api/v1/conferences");
        conferences.MapGet("", async (ConferenceQueries queries) => (await queries.ActiveAsync()).Select(ApiMapping.Summary));
        conferences.MapGet("{name}", ShowAsync);
        conferences.MapGet("{name}/events", EventsAsync);
        conferences.MapPost("{name}/end", EndAsync);
        conferences.MapPost("{name}/rekey", RekeyAsync);
        conferences.MapPost("{name}/participants/{id}/evict", EvictAsync);
        conferences.MapPost("{name}", CreationApi.CreateAsync);
        InvitationApi.Map(conferences);
    }

    private static async Task<IResult> RekeyAsync(string name, RekeyRequest request, ConferenceQueries queries)
    {
        var note = request.Reason?.Trim() ?? "";
        if (note.Length is 0 or > MaxNote) return Results.BadRequest(new ApiProblem($"A reason of 1 to {MaxNote} characters is needed; it is kept in the audit."));
        if (await queries.FindAsync(Id(name)) is not { } view) return NotActive(name);
        if (view.Participants.All(p => p.Key is null or { Keying: LegKeying.Own }))
            return Results.Conflict(new ApiProblem($"Nobody in conference {name} shares a group key, so there is none to change."));
        queries.Tell(new RekeyConference(Id(name), note));
        return Results.Accepted(value: new { name = Id(name).Value, rekeying = true });
    }

    private static async Task<IResult> EvictAsync(string name, string id, ConferenceQueries queries)
    {
        if (await queries.FindAsync(Id(name)) is not { } view) return NotActive(name);
        var found = view.Participants.Where(p => p.Participant.Value.StartsWith(id, StringComparison.Ordinal)).ToList();
        if (found.Count != 1)
        {
            var problem = found.Count == 0 ? $"There is no participant {id} in {name}." : $"{found.Count} participants of {name} begin with {id}.";
            return Results.NotFound(new ApiProblem(problem));
        }

        queries.Tell(new EvictParticipant(Id(name), found[0].Participant));
        return Results.Accepted(value: new { name = Id(name).Value, evicted = found[0].Participant.Value, identity = found[0].Identity });
    }

    private static async Task<IResult> ShowAsync(string name, ConferenceQueries queries, ConferenceHistory history, CancellationToken stop)
    {
        if (await queries.FindAsync(Id(name)) is { } view) return Results.Ok(ApiMapping.Details(view));
        var planned = (await history.OfAsync(Id(name), stop)).Select(e => e.Event).OfType<ConferenceEvent.Planned>().LastOrDefault();
        return planned is null ? NotActive(name) : Results.Ok(ApiMapping.Planned(Id(name), planned.Plan));
    }

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

    internal static ConferenceId Id(string name) => new(name.ToLowerInvariant());
}
