using System.Collections.Immutable;
using Akka.Actor;
using Akka.Persistence.Query;
using Akka.Persistence.Sql.Query;
using Akka.Streams;
using Akka.Streams.Dsl;
using ConfCluster.Actors.Conference;
using ConfCluster.Protocols.Conference;
using Microsoft.Data.Sqlite;

namespace ConfCluster.Host.Roles;

/// <summary>
/// After a run that was cut off: the conferences that come back find their calls gone and store that. This reads what they store and says
/// in the log which conferences and callers it was.
/// </summary>
internal sealed class CutOffReport(ActorSystem system, ILogger<CutOffReport> log)
{
    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    /// <summary>The journal's last row before this run wrote anything; 0 for a new journal.</summary>
    public static long LastRow(string connectionString)
    {
        using var connection = new SqliteConnection(connectionString);
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT count(*) FROM sqlite_master WHERE name = 'journal'";
        if (command.ExecuteScalar() is 0L) return 0;
        command.CommandText = "SELECT coalesce(max(ordering), 0) FROM journal";
        return command.ExecuteScalar() is long last ? last : 0;
    }

    public async Task TellAsync(long after, CancellationToken stop)
    {
        var told = new HashSet<string>();
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(stop);
        patience.CancelAfter(Patience);
        try
        {
            while (true)
            {
                foreach (var life in (await EventsAsync(after, patience.Token)).GroupBy(e => e.PersistenceId)) Tell(life, told);
                await Task.Delay(LookAgain, patience.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // Remembered conferences are back long before that.
        }
    }

    private void Tell(IGrouping<string, EventEnvelope> life, HashSet<string> told)
    {
        var lost = life.Select(e => e.Event).OfType<ConferenceEvent.ParticipantLeft>().Count(e => e.Reason == LeaveReason.NodeLost);
        var ended = life.Select(e => e.Event).OfType<ConferenceEvent.Ended>().Any(e => e.Reason == EndReason.NodeLost);
        if ((lost == 0 && !ended) || !told.Add(life.Key)) return;
        var name = life.Key[ConferenceRegion.PersistenceId(new ConferenceId("")).Length..];
        log.LogWarning("conference {Conference}: the last run was cut off with {Calls} calls in it; they are ended", name, lost);
    }

    private async Task<IImmutableList<EventEnvelope>> EventsAsync(long after, CancellationToken stop)
    {
        var journal = PersistenceQuery.Get(system).ReadJournalFor<SqlReadJournal>(SqlReadJournal.Identifier);
        return await journal.CurrentAllEvents(Offset.Sequence(after)).RunWith(Sink.Seq<EventEnvelope>(), system.Materializer()).WaitAsync(stop);
    }
}
