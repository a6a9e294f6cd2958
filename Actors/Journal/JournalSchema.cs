using System.Collections.Immutable;
using System.Data.Common;
using ConfCluster.Actors.Settings;

namespace ConfCluster.Actors.Journal;

/// <summary>
/// The tables of the journal in PostgreSQL, with the names and columns of Akka.Persistence.Sql. Made by whoever operates the cluster and by nobody else, so that a
/// node needs no right to make tables and two that begin at once make none.
/// </summary>
public static class JournalSchema
{
    /// <summary>Of the tables; a node takes no other.</summary>
    public const int Version = 1;

    /// <summary>So many advisory locks are there for anybody; this one is ours.</summary>
    private const long InitLock = 0x636F6E66636C7573;

    private const string Tables = """
        CREATE TABLE confcluster_schema (version integer NOT NULL, made timestamptz NOT NULL DEFAULT now());
        CREATE TABLE journal (
          ordering bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, created bigint NOT NULL, deleted boolean NOT NULL, persistence_id text NOT NULL,
          sequence_number bigint NOT NULL, message bytea NOT NULL, manifest text, identifier integer, writer_uuid text,
          CONSTRAINT journal_uq UNIQUE (persistence_id, sequence_number));
        CREATE TABLE tags (
          ordering_id bigint NOT NULL, tag text NOT NULL, sequence_nr bigint NOT NULL, persistence_id text NOT NULL, PRIMARY KEY (ordering_id, tag));
        CREATE TABLE snapshot (
          persistence_id text NOT NULL, sequence_number bigint NOT NULL, created bigint NOT NULL, snapshot bytea, manifest text, serializer_id integer,
          PRIMARY KEY (persistence_id, sequence_number));
        """;

    private static readonly ImmutableDictionary<string, string> Columns = ImmutableDictionary.CreateRange(StringComparer.Ordinal,
    [
        KeyValuePair.Create("journal", "created,deleted,identifier,manifest,message,ordering,persistence_id,sequence_number,writer_uuid"),
        KeyValuePair.Create("snapshot", "created,manifest,persistence_id,sequence_number,serializer_id,snapshot"),
        KeyValuePair.Create("tags", "ordering_id,persistence_id,sequence_nr,tag"),
    ]);

    /// <summary>Null when the tables are there; else what is wrong and what to do, in a sentence.</summary>
    public static string? Check(JournalDatabase database)
    {
        ArgumentNullException.ThrowIfNull(database);
        try
        {
            using var connection = database.Open();
            return Check(connection, database);
        }
        catch (DbException e)
        {
            return Unreachable(database, e);
        }
    }

    /// <summary>Makes the tables in a database that has none of them; two at once make them once.</summary>
    /// <param name="made">They were not there before.</param>
    /// <returns>Null, or why not.</returns>
    public static string? Init(JournalDatabase database, out bool made)
    {
        ArgumentNullException.ThrowIfNull(database);
        made = false;
        if (database.Kind != JournalKind.PostgreSql) return $"The journal {database} is a SQLite file, which makes its tables itself.";
        try
        {
            using var connection = database.Open();
            using var transaction = connection.BeginTransaction();
            Run(connection, $"SELECT pg_advisory_xact_lock({InitLock})");
            if (!database.HasTable(connection) && VersionOf(connection) is null)
            {
                Run(connection, Tables);
                Run(connection, $"INSERT INTO confcluster_schema (version) VALUES ({Version})");
                made = true;
            }

            transaction.Commit();
            return Check(connection, database);
        }
        catch (DbException e)
        {
            return Unreachable(database, e);
        }
    }

    private static string? Check(DbConnection connection, JournalDatabase database)
    {
        if (VersionOf(connection) is not { } version) return $"The database {database} has no tables of confcluster; `confcluster db init` makes them.";
        if (version != Version) return $"The tables in {database} are of version {version}, and this confcluster wants {Version}.";
        foreach (var (table, wanted) in Columns.OrderBy(t => t.Key, StringComparer.Ordinal))
        {
            var there = Text(connection,
                "SELECT string_agg(column_name, ',' ORDER BY column_name COLLATE \"C\") FROM information_schema.columns " +
                $"WHERE table_schema = current_schema() AND table_name = '{table}'");
            if (there != wanted) return $"The table {table} in {database} is not as `confcluster db init` makes it (columns: {there ?? "none"}).";
        }

        return Text(connection, "SELECT conname FROM pg_constraint WHERE conrelid = 'journal'::regclass AND contype = 'u'") is null
            ? $"The table journal in {database} has lost its unique constraint (persistence_id, sequence_number), which keeps two writers apart."
            : null;
    }

    private static int? VersionOf(DbConnection connection)
    {
        if (Text(connection, "SELECT to_regclass('confcluster_schema')::text") is null) return null;
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT max(version) FROM confcluster_schema";
        return command.ExecuteScalar() as int?;
    }

    private static string? Text(DbConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteScalar() as string;
    }

    private static void Run(DbConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    private static string Unreachable(JournalDatabase database, DbException e) => $"The database {database} cannot be used: {e.Message}";
}
