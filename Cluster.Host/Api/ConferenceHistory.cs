using System.Collections.Immutable;
using Akka.Actor;
using Akka.Persistence.Query;
using Akka.Persistence.Sql.Query;
using Akka.Streams;
using Akka.Streams.Dsl;
using ConfCluster.Actors.Conference;
using ConfCluster.Protocols.Conference;

namespace ConfCluster.Host.Api;

/// <summary>What is stored of a conference, read from the journal without waking it.</summary>
internal sealed class ConferenceHistory(ActorSystem system)
{
    public async Task<ImmutableArray<(long Number, ConferenceEvent Event)>> OfAsync(ConferenceId conference, CancellationToken stop)
    {
        var journal = PersistenceQuery.Get(system).ReadJournalFor<SqlReadJournal>(SqlReadJournal.Identifier);
        var events = await journal.CurrentEventsByPersistenceId(ConferenceRegion.PersistenceId(conference), 0, long.MaxValue)
            .RunWith(Sink.Seq<EventEnvelope>(), system.Materializer()).WaitAsync(stop);
        return [.. events.Where(e => e.Event is ConferenceEvent).Select(e => (e.SequenceNr, (ConferenceEvent)e.Event))];
    }
}
