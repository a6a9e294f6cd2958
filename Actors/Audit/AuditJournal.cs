using System.Collections.Immutable;
using System.Data.Common;
using System.Globalization;
using System.Runtime.Serialization;
using System.Security.Cryptography;
using ConfCluster.Actors.Conference;
using ConfCluster.Actors.Journal;
using ConfCluster.Actors.Serialization;
using ConfCluster.Actors.Settings;
using ConfCluster.Protocols.Audit;
using ConfCluster.Protocols.Conference;
using Google.Protobuf;

namespace ConfCluster.Actors.Audit;

/// <param name="Row">Of the journal.</param>
public sealed record AuditedEvent(long Row, string Conference, KeyChangeRecord Record);

/// <summary>
/// The records of conferences, read from the journal while its node runs or after it stopped, by a connection that cannot write.
/// What cannot be read any more is a record of its own, so that it shows.
/// </summary>
public sealed class AuditJournal(JournalDatabase database, TimeProvider? clock = null)
{
    private const string Columns = "SELECT ordering, persistence_id, sequence_number, message, manifest FROM journal WHERE deleted = false AND identifier = 7001";

    private static readonly string Empty = ConferenceRegion.PersistenceId(new ConferenceId(""));

    /// <summary>Facts of conferences have these manifests, and their rows this prefix.</summary>
    private readonly string _ofConferences = $"{database.BeginsWith("persistence_id", Empty)} AND manifest LIKE 'c.%'";

    private readonly TimeProvider _clock = clock ?? TimeProvider.System;
    private readonly RowGaps _gaps = new();

    /// <exception cref="DbException">There is no journal, or it cannot be read.</exception>
    public ImmutableArray<KeyChangeRecord> Of(string conference)
    {
        using var connection = database.Open(readOnly: true);
        var id = ConferenceRegion.PersistenceId(new ConferenceId(conference));
        return [.. Read(connection, $"{Columns} AND persistence_id = @a ORDER BY sequence_number", id).Select(e => e.Record)];
    }

    /// <summary>
    /// What was stored after a row, and the row up to which that is all. Before its first event a node has no tables yet. Where many write at once, rows that
    /// were taken before others may be seen after them: those come with a later question, asked of the same object.
    /// </summary>
    /// <exception cref="DbException">There is no journal any more, or it cannot be read.</exception>
    public (ImmutableArray<AuditedEvent> Events, long Row) After(long row)
    {
        if (row == 0 && !database.Exists) return ([], 0);
        using var connection = database.Open(readOnly: true);
        if (row == 0 && !database.HasTable(connection)) return ([], 0);
        var late = Late(connection);
        var last = JournalReader.LastRow(connection);
        if (last <= row) return (late, row);
        var news = Read(connection, $"{Columns} AND ordering > @a AND ordering <= @b AND {_ofConferences} ORDER BY ordering", row, last);
        if (database.Kind == JournalKind.PostgreSql) _gaps.Look(row, last, Numbers(connection, row, last), _clock.GetUtcNow());
        return ([.. late, .. news], last);
    }

    public ImmutableArray<string> Conferences()
    {
        using var connection = database.Open(readOnly: true);
        if (!database.HasTable(connection)) return [];
        using var command = connection.CreateCommand();
        command.CommandText = $"SELECT DISTINCT persistence_id FROM journal WHERE {_ofConferences}";
        using var rows = command.ExecuteReader();
        var names = new List<string>();
        while (rows.Read()) names.Add(rows.GetString(0)[Empty.Length..]);
        return [.. names.Order(StringComparer.Ordinal)];
    }

    /// <summary>Rows that were missing among those of before and are there now.</summary>
    private ImmutableArray<AuditedEvent> Late(DbConnection connection)
    {
        var missing = _gaps.Missing(_clock.GetUtcNow());
        if (missing.IsEmpty) return [];
        var list = string.Join(',', missing);
        _gaps.Found(Numbers(connection, $"SELECT ordering FROM journal WHERE ordering IN ({list})"), out var found);
        return found.IsEmpty ? [] : Read(connection, $"{Columns} AND ordering IN ({string.Join(',', found)}) AND {_ofConferences} ORDER BY ordering");
    }

    private static List<long> Numbers(DbConnection connection, long after, long last) =>
        Numbers(connection, "SELECT ordering FROM journal WHERE ordering > @a AND ordering <= @b ORDER BY ordering", after, last);

    private static List<long> Numbers(DbConnection connection, string sql, params ReadOnlySpan<object> values)
    {
        using var command = Command(connection, sql, values);
        using var rows = command.ExecuteReader();
        var numbers = new List<long>();
        while (rows.Read()) numbers.Add(rows.GetInt64(0));
        return numbers;
    }

    private static ImmutableArray<AuditedEvent> Read(DbConnection connection, string sql, params ReadOnlySpan<object> values)
    {
        using var command = Command(connection, sql, values);
        using var rows = command.ExecuteReader();
        var events = ImmutableArray.CreateBuilder<AuditedEvent>();
        while (rows.Read())
        {
            var record = Record(rows.GetInt64(2), rows.GetFieldValue<byte[]>(3), rows.GetString(4));
            events.Add(new AuditedEvent(rows.GetInt64(0), rows.GetString(1)[Empty.Length..], record));
        }

        return events.DrainToImmutable();
    }

    private static DbCommand Command(DbConnection connection, string sql, ReadOnlySpan<object> values)
    {
        var command = connection.CreateCommand();
        command.CommandText = sql;
        for (var i = 0; i < values.Length; i++) command.With($"@{(char)('a' + i)}", values[i]);
        return command;
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
