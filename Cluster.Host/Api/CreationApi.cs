using ConfCluster.Actors.Conference;
using ConfCluster.Actors.Settings;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Focus;

namespace ConfCluster.Host.Api;

/// <summary><c>POST /api/v1/conferences/NAME</c>: the rules of a conference, before anybody calls it.</summary>
internal static class CreationApi
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    /// <summary>Answered once it is stored.</summary>
    public static async Task<IResult> CreateAsync(
        string name, CreateRequest request, ConferenceQueries queries, ConfClusterSettings settings, CancellationToken stop)
    {
        if (!ConferenceUri.IsName(name)) return Results.BadRequest(new ApiProblem($"{name} cannot be the name of a conference: {ConferenceUri.NameRule}."));
        var id = ConferenceApi.Id(name);
        var set = (request.Set ?? new Dictionary<string, string>()).Select(s => new PolicySetting(s.Key, s.Value));
        var plan = settings.Conference.Blueprints.Plan(id, request.Blueprint, set, out var problems);
        if (plan is not { } chosen) return Results.BadRequest(new ApiProblem(string.Join("\n", problems)));
        if (chosen.MinIdentity() is { } who && !settings.Auth.Policy.IsRequired)
            return Results.BadRequest(new ApiProblem($"min-identity = {who}: nobody is asked who it is; the node needs auth.required = on."));
        if (await queries.FindAsync(id) is not null) return Results.Conflict(new ApiProblem($"{id.Value} is on, and its rules stay as they are until it has ended."));

        queries.Tell(new PlanConference(id, chosen));
        var clock = TimeProvider.System;
        for (var started = clock.GetTimestamp(); clock.GetElapsedTime(started) < Patience; await Task.Delay(Look, clock, stop))
        {
            if (await queries.ViewAsync(id) is not { } view) continue;
            if (chosen.Equals(view.Plan)) return Results.Created($"/api/v1/conferences/{id.Value}", ApiMapping.Planned(id, chosen));
            if (view.IsActive) return Results.Conflict(new ApiProblem($"Somebody has called {id.Value} meanwhile; its rules stay as they are until it has ended."));
        }

        var problem = new ApiProblem($"The rules of {id.Value} could not be stored: the journal does not answer.");
        return Results.Json(problem, statusCode: StatusCodes.Status503ServiceUnavailable);
    }

    private static string? MinIdentity(this ConferencePlan plan) =>
        plan.Policy.FirstOrDefault(s => s.Name == "min-identity") is { Value: not "none" } who ? who.Value : null;
}
