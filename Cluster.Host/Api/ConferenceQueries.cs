using System.Collections.Immutable;
using Akka.Actor;
using ConfCluster.Actors;
using ConfCluster.Actors.Conference;
using ConfCluster.Actors.Settings;
using ConfCluster.Protocols.Conference;

namespace ConfCluster.Host.Api;

/// <summary>What the management API may ask of the conferences, on whatever node they live.</summary>
internal sealed class ConferenceQueries(EntityRegions regions, ClusterView cluster)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    public async Task<ImmutableArray<ConferenceView>> ActiveAsync()
    {
        var views = await Task.WhenAll((await IdsAsync()).Select(ViewAsync));
        return [.. views.Where(v => v is { IsActive: true }).OrderBy(v => v!.Conference.Value, StringComparer.Ordinal).Select(v => v!)];
    }

    /// <summary>Null when there is none; asking never wakes an entity.</summary>
    public async Task<ConferenceView?> FindAsync(ConferenceId conference)
    {
        if (!(await IdsAsync()).Contains(conference)) return null;
        return await ViewAsync(conference) is { IsActive: true } view ? view : null;
    }

    /// <summary>Null when there is none; also of a conference that has just ended.</summary>
    public async Task<Callout?> CalloutAsync(ConferenceId conference, ParticipantId participant)
    {
        if (!(await IdsAsync()).Contains(conference)) return null;
        return await ViewAsync(conference) is { } view ? view.Callouts.FirstOrDefault(c => c.Participant == participant) : null;
    }

    public void Tell(IConferenceMessage message) => regions.Conferences.Tell(message);

    public void End(ConferenceId conference, EndReason reason) => regions.Conferences.Tell(new EndConference(conference, reason));

    private async Task<ImmutableHashSet<ConferenceId>> IdsAsync() =>
        [.. (await cluster.IdsAsync(ConferenceRegion.TypeName, NodeRole.Focus)).Select(id => new ConferenceId(id))];

    /// <summary>Wakes it; null: it does not answer.</summary>
    public async Task<ConferenceView?> ViewAsync(ConferenceId conference)
    {
        try
        {
            return await regions.Conferences.Ask<ConferenceView>(new GetConference(conference), Patience);
        }
        catch (AskTimeoutException)
        {
            // It ended while we asked, or its journal is away: not shown is what an operator expects of either.
            return null;
        }
    }
}
