using Microsoft.Data.Sqlite;

namespace ConfCluster.Actors.Journal;

/// <summary>One stored event as the file holds it.</summary>
internal sealed class JournalRow(string persistenceId, long sequence, long created, byte[] message, string manifest, int serializer, string writer)
{
    public string PersistenceId => persistenceId;

    public long Sequence => sequence;

    public long Created => created;

    public byte[] Message => message;

    public string Manifest => manifest;

    public int Serializer => serializer;

    public string Writer => writer;
}

/// <summary>
/// The tables of the journal over one open connection, with every statement prepared once. Names and columns are those of
/// Akka.Persistence.Sql, whose read journal looks into them, too.
/// </summary>
internal sealed class JournalTables : IDisposable
{
    // FULL: a commit returns when the disk has it. The log is folded back into the file every 16 MB, not every 4: a page of the index is
    // written there once for many commits.
    private const string Open = """
        PRAGMA synchronous=FULL;
        PRAGMA wal_autocheckpoint=4000;
        CREATE TABLE IF NOT EXISTS journal (
          ordering INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, created INTEGER NOT NULL, deleted Bit NOT NULL,
          persistence_id NVarChar(255) NOT NULL, sequence_number INTEGER NOT NULL, message VarBinary NOT NULL, manifest NVarChar(500) NULL,
          identifier INTEGER NULL, writer_uuid NVarChar(128) NULL);
        CREATE UNIQUE INDEX IF NOT EXISTS journal_uq ON journal (persistence_id, sequence_number);
        CREATE TABLE IF NOT EXISTS tags (
          ordering_id INTEGER NOT NULL, tag NVarChar(64) NOT NULL, sequence_nr INTEGER NOT NULL, persistence_id NVarChar(255) NOT NULL,
          CONSTRAINT PK_tags PRIMARY KEY (ordering_id, tag));
        """;

    private readonly SqliteConnection _connection;
    private readonly SqliteCommand _insert;
    private readonly SqliteCommand _highest;
    private readonly SqliteCommand _select;
    private readonly SqliteCommand _mark;
    private readonly SqliteCommand _delete;

    /// <exception cref="SqliteException">The file cannot be opened.</exception>
    public JournalTables(string connectionString)
    {
        _connection = new SqliteConnection(connectionString);
        _connection.Open();
        using (var open = Command(Open)) open.ExecuteNonQuery();
        _insert = Command(
            "INSERT INTO journal (created, deleted, persistence_id, sequence_number, message, manifest, identifier, writer_uuid) " +
            "VALUES ($created, 0, $id, $sequence, $message, $manifest, $serializer, $writer)",
            "$created", "$id", "$sequence", "$message", "$manifest", "$serializer", "$writer");
        _highest = Command("SELECT coalesce(max(sequence_number), 0) FROM journal WHERE persistence_id = $id", "$id");
        _select = Command(
            "SELECT sequence_number, created, message, manifest, identifier, writer_uuid FROM journal WHERE persistence_id = $id " +
            "AND sequence_number BETWEEN $from AND $to AND deleted = 0 ORDER BY sequence_number LIMIT $max",
            "$id", "$from", "$to", "$max");
        // The last row stays, marked: it keeps the highest number.
        _mark = Command("UPDATE journal SET deleted = 1 WHERE persistence_id = $id AND sequence_number <= $to", "$id", "$to");
        _delete = Command(
            "DELETE FROM journal WHERE persistence_id = $id AND sequence_number <= $to " +
            "AND sequence_number < (SELECT max(sequence_number) FROM journal WHERE persistence_id = $id)",
            "$id", "$to");
    }

    /// <summary>All or nothing.</summary>
    public void InOneWrite(Action act)
    {
        using var transaction = _connection.BeginTransaction();
        foreach (var command in (SqliteCommand[])[_insert, _mark, _delete]) command.Transaction = transaction;
        act();
        transaction.Commit();
    }

    public void Insert(JournalRow row)
    {
        var p = _insert.Parameters;
        (p[0].Value, p[1].Value, p[2].Value) = (row.Created, row.PersistenceId, row.Sequence);
        (p[3].Value, p[4].Value, p[5].Value, p[6].Value) = (row.Message, row.Manifest, row.Serializer, row.Writer);
        _insert.ExecuteNonQuery();
    }

    public long Highest(string persistenceId)
    {
        _highest.Transaction = null;
        _highest.Parameters[0].Value = persistenceId;
        return (long)_highest.ExecuteScalar()!;
    }

    public void Read(string persistenceId, long from, long to, long max, Action<JournalRow> each)
    {
        var p = _select.Parameters;
        (p[0].Value, p[1].Value, p[2].Value, p[3].Value) = (persistenceId, from, to, max);
        using var rows = _select.ExecuteReader();
        while (rows.Read())
        {
            each(new JournalRow(
                persistenceId, rows.GetInt64(0), rows.GetInt64(1), rows.GetFieldValue<byte[]>(2), rows.GetString(3), rows.GetInt32(4),
                rows.IsDBNull(5) ? "" : rows.GetString(5)));
        }
    }

    public void Delete(string persistenceId, long to)
    {
        foreach (var command in (SqliteCommand[])[_mark, _delete])
        {
            (command.Parameters[0].Value, command.Parameters[1].Value) = (persistenceId, to);
            command.ExecuteNonQuery();
        }
    }

    public void Dispose()
    {
        foreach (var command in (SqliteCommand[])[_insert, _highest, _select, _mark, _delete]) command.Dispose();
        _connection.Dispose();
    }

    private SqliteCommand Command(string sql, params ReadOnlySpan<string> parameters)
    {
        var command = _connection.CreateCommand();
        command.CommandText = sql;
        foreach (var name in parameters) command.Parameters.Add(new SqliteParameter { ParameterName = name });
        return command;
    }
}
