using System.Collections.Immutable;
using Akka.Actor;
using Microsoft.Data.Sqlite;

namespace ConfCluster.Actors.Journal;

/// <param name="Number">Of the event among those of its id.</param>
public sealed record StoredEvent(string PersistenceId, long Number, object Event);

/// <summary>Reads what is stored without waking anybody: beside the journal's own connection, one state of the file at a time.</summary>
public sealed class JournalReader(ActorSystem system, string connectionString)
{
    private const string Columns = "SELECT persistence_id, sequence_number, message, identifier, manifest FROM journal WHERE deleted = 0";

    public Task<ImmutableArray<StoredEvent>> OfAsync(string persistenceId, CancellationToken stop) =>
        ReadAsync($"{Columns} AND persistence_id = $key ORDER BY sequence_number", persistenceId, stop);

    /// <summary>Whatever was stored after a row of the journal, in the order of its rows.</summary>
    public Task<ImmutableArray<StoredEvent>> AfterAsync(long row, CancellationToken stop) =>
        ReadAsync($"{Columns} AND ordering > $key ORDER BY ordering", row, stop);

    /// <summary>The journal's last row; 0 for a new journal.</summary>
    public static long LastRow(string connectionString)
    {
        using var connection = new SqliteConnection(connectionString);
        connection.Open();
        if (!HasTable(connection)) return 0;
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT coalesce(max(ordering), 0) FROM journal";
        return command.ExecuteScalar() is long last ? last : 0;
    }

    private async Task<ImmutableArray<StoredEvent>> ReadAsync(string sql, object key, CancellationToken stop)
    {
        await using var connection = new SqliteConnection(connectionString);
        await connection.OpenAsync(stop);
        if (!HasTable(connection)) return [];
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.Parameters.AddWithValue("$key", key);
        await using var rows = await command.ExecuteReaderAsync(stop);
        var events = ImmutableArray.CreateBuilder<StoredEvent>();
        while (await rows.ReadAsync(stop))
        {
            var stored = system.Serialization.Deserialize(rows.GetFieldValue<byte[]>(2), rows.GetInt32(3), rows.GetString(4));
            events.Add(new StoredEvent(rows.GetString(0), rows.GetInt64(1), stored));
        }

        return events.DrainToImmutable();
    }

    /// <summary>The first write makes it.</summary>
    private static bool HasTable(SqliteConnection connection)
    {
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT count(*) FROM sqlite_master WHERE name = 'journal'";
        return command.ExecuteScalar() is not 0L;
    }
}
