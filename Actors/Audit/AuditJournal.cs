using System.Collections.Immutable;
using System.Globalization;
using System.Runtime.Serialization;
using System.Security.Cryptography;
using ConfCluster.Actors.Conference;
using ConfCluster.Actors.Serialization;
using ConfCluster.Protocols.Audit;
using ConfCluster.Protocols.Conference;
using Google.Protobuf;
using Microsoft.Data.Sqlite;

namespace ConfCluster.Actors.Audit;

/// <param name="Row">Of the journal.</param>
public sealed record AuditedEvent(long Row, string Conference, KeyChangeRecord Record);

/// <summary>
/// The records of conferences, read from the file of the journal while its node runs or after it stopped, by a connection that cannot write.
/// What cannot be read any more is a record of its own, so that it shows.
/// </summary>
public sealed class AuditJournal(string connectionString)
{
    private const string Columns = "SELECT ordering, persistence_id, sequence_number, message, manifest FROM journal WHERE deleted = 0 AND identifier = 7001";

    /// <summary>Facts of conferences have these manifests, and their rows this prefix.</summary>
    private const string OfConferences = "persistence_id >= 'conference-' AND persistence_id < 'conference.' AND manifest LIKE 'c.%'";

    private static readonly int Prefix = ConferenceRegion.PersistenceId(new ConferenceId("")).Length;

    private readonly string _connectionString = new SqliteConnectionStringBuilder(connectionString) { Mode = SqliteOpenMode.ReadOnly }.ToString();

    /// <exception cref="SqliteException">There is no journal, or it cannot be read.</exception>
    public ImmutableArray<KeyChangeRecord> Of(string conference)
    {
        using var connection = Open();
        var id = ConferenceRegion.PersistenceId(new ConferenceId(conference));
        return [.. Read(connection, $"{Columns} AND persistence_id = $a ORDER BY sequence_number", id, 0).Select(e => e.Record)];
    }

    /// <summary>What was stored after a row, and the row up to which that is all. Before its first event a node has no tables yet.</summary>
    /// <exception cref="SqliteException">There is no journal any more, or it cannot be read.</exception>
    public (ImmutableArray<AuditedEvent> Events, long Row) After(long row)
    {
        if (row == 0 && !File.Exists(new SqliteConnectionStringBuilder(_connectionString).DataSource)) return ([], 0);
        using var connection = Open();
        if (row == 0 && !HasTable(connection)) return ([], 0);
        var last = LastRow(connection);
        return last <= row ? ([], row) : (Read(connection, $"{Columns} AND ordering > $a AND ordering <= $b AND {OfConferences} ORDER BY ordering", row, last), last);
    }

    public ImmutableArray<string> Conferences()
    {
        using var connection = Open();
        using var command = connection.CreateCommand();
        command.CommandText = $"SELECT DISTINCT persistence_id FROM journal WHERE {OfConferences} ORDER BY persistence_id";
        using var rows = command.ExecuteReader();
        var names = ImmutableArray.CreateBuilder<string>();
        while (rows.Read()) names.Add(rows.GetString(0)[Prefix..]);
        return names.DrainToImmutable();
    }

    private SqliteConnection Open()
    {
        var connection = new SqliteConnection(_connectionString);
        connection.Open();
        return connection;
    }

    private static bool HasTable(SqliteConnection connection)
    {
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'journal'";
        return command.ExecuteScalar() is > 0L;
    }

    private static long LastRow(SqliteConnection connection)
    {
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT coalesce(max(ordering), 0) FROM journal";
        return command.ExecuteScalar() is long last ? last : 0;
    }

    private static ImmutableArray<AuditedEvent> Read(SqliteConnection connection, string sql, object a, long b)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.Parameters.AddWithValue("$a", a);
        command.Parameters.AddWithValue("$b", b);
        using var rows = command.ExecuteReader();
        var events = ImmutableArray.CreateBuilder<AuditedEvent>();
        while (rows.Read())
        {
            var record = Record(rows.GetInt64(2), rows.GetFieldValue<byte[]>(3), rows.GetString(4));
            events.Add(new AuditedEvent(rows.GetInt64(0), rows.GetString(1)[Prefix..], record));
        }

        return events.DrainToImmutable();
    }

    private static KeyChangeRecord Record(long number, byte[] message, string manifest)
    {
        try
        {
            if (WireTable.Of(manifest).Read(message) is ConferenceEvent happened) return KeyChangeProjection.Of(number, happened);
        }
        catch (Exception e) when (e is SerializationException or InvalidProtocolBufferException or ArgumentException or OverflowException)
        {
            // Below.
        }

        return new KeyChangeRecord(
            number, "", "unreadable",
            [new AuditField("manifest", manifest), new AuditField("octets", message.Length.ToString(CultureInfo.InvariantCulture)),
                new AuditField("sha256", Convert.ToHexStringLower(SHA256.HashData(message)))]);
    }
}
