using System.Collections.Immutable;
using Akka.Actor;
using Akka.Persistence.Query;
using Akka.Persistence.Sql.Query;
using Akka.Streams;
using Akka.Streams.Dsl;
using ConfCluster.Actors.Conference;
using ConfCluster.Actors.Participant;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Focus;

namespace ConfCluster.Actors.Journal;

/// <summary>One stored fact, for a reader.</summary>
/// <param name="At">When it happened; of a dialog: when it was stored, since its facts carry no time.</param>
public sealed record HistoryEntry(long Sequence, DateTimeOffset At, string Text);

/// <summary>What is stored of a conference or a dialog, oldest first, read without waking the entity. Empty: nothing ever was.</summary>
public sealed class JournalHistory(ActorSystem system)
{
    public Task<ImmutableArray<HistoryEntry>> OfAsync(ConferenceId conference, CancellationToken stop) =>
        ReadAsync(ConferenceRegion.PersistenceId(conference), stop);

    public Task<ImmutableArray<HistoryEntry>> OfAsync(ParticipantId participant, CancellationToken stop) =>
        ReadAsync(DialogWriter.PersistenceId(participant), stop);

    private async Task<ImmutableArray<HistoryEntry>> ReadAsync(string persistenceId, CancellationToken stop)
    {
        var journal = PersistenceQuery.Get(system).ReadJournalFor<SqlReadJournal>(SqlReadJournal.Identifier);
        var stored = await journal.CurrentEventsByPersistenceId(persistenceId, 0, long.MaxValue)
            .RunWith(Sink.Seq<EventEnvelope>(), system.Materializer()).WaitAsync(stop);
        return [.. stored.Select(Entry)];
    }

    private static HistoryEntry Entry(EventEnvelope stored) => stored.Event switch
    {
        ConferenceEvent fact => new HistoryEntry(stored.SequenceNr, fact.At, Text(fact)),
        DialogFact fact => new HistoryEntry(stored.SequenceNr, new DateTimeOffset(stored.Timestamp, TimeSpan.Zero), Text(fact)),
        _ => throw new InvalidOperationException($"{stored.PersistenceId} holds a {stored.Event.GetType().Name}"),
    };

    private static string Text(ConferenceEvent fact) => fact switch
    {
        ConferenceEvent.Created => "created",
        ConferenceEvent.Taken e => $"taken by {e.Incarnation}",
        ConferenceEvent.ParticipantJoined e => $"{e.Participant} joined as {e.Identity}",
        ConferenceEvent.ParticipantLeft e => $"{e.Participant} left: {e.Reason}",
        ConferenceEvent.MixerPlaced e => $"mixer placed, its incarnation {e.MixerIncarnation}",
        ConferenceEvent.Ended e => $"ended: {e.Reason}",
        _ => throw new InvalidOperationException($"no text for {fact.GetType().Name}"),
    };

    private static string Text(DialogFact fact) => fact switch
    {
        DialogFact.DialogConfirmed e => $"confirmed with {e.Dialog.Remote} in {e.Conference}, Call-ID {e.Dialog.CallId}",
        DialogFact.DialogEnded e => $"ended: {e.Reason}",
        _ => throw new InvalidOperationException($"no text for {fact.GetType().Name}"),
    };
}
