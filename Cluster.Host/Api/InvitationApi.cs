using ConfCluster.Actors.Participant;
using ConfCluster.Actors.Settings;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Sip.Parsing;

namespace ConfCluster.Host.Api;

/// <summary>
/// <c>/api/v1/conferences/NAME/invite</c> and <c>…/invitations/ID</c>: calls that a conference makes. Whom it may call is the settings'
/// (<c>sip.outbound.allow</c>), and it is said before anything rings.
/// </summary>
internal static class InvitationApi
{
    private const int Looks = 40;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    private const string AllowKey = $"{SettingsReader.Root}.sip.outbound.allow";

    public static void Map(IEndpointRouteBuilder conference)
    {
        conference.MapPost("{name}/invite", InviteAsync);
        conference.MapGet("{name}/invitations/{id}", ShowAsync);
    }

    private static async Task<IResult> InviteAsync(
        string name, InvitationRequest request, ConferenceQueries queries, Dialler dialler, ConfClusterSettings settings, CancellationToken stop)
    {
        var conference = new ConferenceId(name.ToLowerInvariant());
        if (!SipReader.TryReadUri(request.Uri ?? "", out var uri) || !uri!.IsSip)
            return Results.BadRequest(new ApiProblem($"'{request.Uri}' is no SIP URI; one looks like sip:user@host."));
        if (!settings.Sip.Outbound.Allows(uri))
        {
            return Results.Json(
                new ApiProblem($"{uri} may not be called: nothing in {AllowKey} matches it, or it has maddr, method, headers or a password."),
                statusCode: StatusCodes.Status403Forbidden);
        }

        if (await queries.FindAsync(conference) is null) return ConferenceApi.NotActive(name);
        var id = dialler.Dial(conference, uri);
        await NotedAsync(queries, conference, id, stop);
        var invitation = new InvitationDetails(id.Value, uri.ToString(), CalloutState.Inviting, 0, "", null);
        return Results.Accepted($"/api/v1/conferences/{Uri.EscapeDataString(conference.Value)}/invitations/{id}", invitation);
    }

    /// <summary>Whoever is told an id can look at it at once; a conference that does not answer is no reason to hold the caller for long.</summary>
    private static async Task NotedAsync(ConferenceQueries queries, ConferenceId conference, ParticipantId id, CancellationToken stop)
    {
        for (var looks = 0; looks < Looks && await queries.CalloutAsync(conference, id) is null; looks++) await Task.Delay(Pause, stop);
    }

    private static async Task<IResult> ShowAsync(string name, string id, ConferenceQueries queries) =>
        await queries.CalloutAsync(new ConferenceId(name.ToLowerInvariant()), new ParticipantId(id)) is { } callout
            ? Results.Ok(ApiMapping.Invitation(callout))
            : Results.NotFound(new ApiProblem($"Conference {name} knows of no invitation {id}; it may have ended."));
}
