using System.Collections.Immutable;
using ConfCluster.Actors.Conference;
using ConfCluster.Actors.Journal;
using ConfCluster.Protocols.Conference;

namespace ConfCluster.Host.Api;

/// <summary>What is stored of a conference, read from the journal without waking it.</summary>
internal sealed class ConferenceHistory(JournalReader journal)
{
    public async Task<ImmutableArray<(long Number, ConferenceEvent Event)>> OfAsync(ConferenceId conference, CancellationToken stop)
    {
        var events = await journal.OfAsync(ConferenceRegion.PersistenceId(conference), stop);
        return [.. events.Where(e => e.Event is ConferenceEvent).Select(e => (e.Number, (ConferenceEvent)e.Event))];
    }
}
