using System.Collections.Immutable;
using System.Data.Common;
using Akka.Actor;

namespace ConfCluster.Actors.Journal;

/// <param name="Number">Of the event among those of its id.</param>
public sealed record StoredEvent(string PersistenceId, long Number, object Event);

/// <summary>Reads what is stored without waking anybody: beside the journal's own connection, one state of the database at a time.</summary>
public sealed class JournalReader(ActorSystem system, JournalDatabase database)
{
    private const string Columns = "SELECT persistence_id, sequence_number, message, identifier, manifest FROM journal WHERE deleted = false";

    /// <exception cref="DbException">The database cannot be read.</exception>
    public Task<ImmutableArray<StoredEvent>> OfAsync(string persistenceId, CancellationToken stop) =>
        ReadAsync($"{Columns} AND persistence_id = @key ORDER BY sequence_number", persistenceId, stop);

    /// <summary>Whatever was stored after a row of the journal, in the order of its rows.</summary>
    /// <exception cref="DbException">The database cannot be read.</exception>
    public Task<ImmutableArray<StoredEvent>> AfterAsync(long row, CancellationToken stop) =>
        ReadAsync($"{Columns} AND ordering > @key ORDER BY ordering", row, stop);

    /// <summary>The journal's last row; 0 for a new journal.</summary>
    /// <exception cref="DbException">The database cannot be read.</exception>
    public static long LastRow(JournalDatabase database)
    {
        ArgumentNullException.ThrowIfNull(database);
        using var connection = database.Open();
        return database.HasTable(connection) ? LastRow(connection) : 0;
    }

    internal static long LastRow(DbConnection connection)
    {
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT coalesce(max(ordering), 0) FROM journal";
        return command.ExecuteScalar() is long last ? last : 0;
    }

    private async Task<ImmutableArray<StoredEvent>> ReadAsync(string sql, object key, CancellationToken stop)
    {
        await using var connection = await database.OpenAsync(stop);
        if (!database.HasTable(connection)) return [];
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.With("@key", key);
        await using var rows = await command.ExecuteReaderAsync(stop);
        var events = ImmutableArray.CreateBuilder<StoredEvent>();
        while (await rows.ReadAsync(stop))
        {
            var stored = system.Serialization.Deserialize(rows.GetFieldValue<byte[]>(2), rows.GetInt32(3), rows.GetString(4));
            events.Add(new StoredEvent(rows.GetString(0), rows.GetInt64(1), stored));
        }

        return events.DrainToImmutable();
    }
}

/// <summary>Parameters of commands, in the spelling that both databases take.</summary>
internal static class CommandParameters
{
    public static void With(this DbCommand command, string name, object value)
    {
        var parameter = command.CreateParameter();
        (parameter.ParameterName, parameter.Value) = (name, value);
        command.Parameters.Add(parameter);
    }
}
