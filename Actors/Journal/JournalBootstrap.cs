using System.Data.Common;
using Akka.Configuration;
using Akka.Persistence.Sql;
using ConfCluster.Actors.Settings;

namespace ConfCluster.Actors.Journal;

/// <summary>
/// The journal before anybody opens it: a SQLite file is checked and set to write-ahead logging, PostgreSQL must have our tables; and the engine's
/// configuration for it. A data directory is held by one process (the host sees to it).
/// </summary>
public static class JournalBootstrap
{
    /// <summary>A sentence when the journal cannot be used, else null.</summary>
    public static string? Prepare(JournalDatabase database)
    {
        ArgumentNullException.ThrowIfNull(database);
        return database.Kind == JournalKind.Sqlite ? PrepareFile(database) : JournalSchema.Check(database);
    }

    /// <summary>What the engine needs, defaults of the plugin included; goes under what the user says.</summary>
    public static Config Configuration(JournalDatabase database)
    {
        ArgumentNullException.ThrowIfNull(database);
        var quoted = database.ConnectionString.Replace("\\", @"\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal);
        var source = $$"""
            connection-string = "{{quoted}}"
            provider-name = "{{database.ProviderName}}"
            """;
        var config = $$"""
            akka.persistence {
              journal.sql {
                {{source}}
              }
              snapshot-store.sql {
                {{source}}
              }
            }
            """;
        return ConfigurationFactory.ParseString(config)
            .WithFallback(Built(database.Kind == JournalKind.Sqlite ? "journal-sqlite.conf" : "journal-postgresql.conf"))
            .WithFallback(Built("journal.conf"))
            .WithFallback(SqlPersistence.DefaultConfiguration);
    }

    /// <summary>The mode is kept in the file; writes stay safe at a power cut.</summary>
    private static string? PrepareFile(JournalDatabase database)
    {
        try
        {
            using var connection = database.Open();
            var mode = Scalar(connection, "PRAGMA journal_mode=WAL");
            if (mode != "wal") return $"The journal {database} cannot be opened for write-ahead logging.";
            var verdict = Scalar(connection, "PRAGMA quick_check(1)");
            if (verdict == "ok") return null;
            return $"The journal {database} is damaged ({verdict}); restore it from a backup, or move it away to begin anew.";
        }
        catch (DbException e)
        {
            return $"The journal {database} cannot be opened: {e.Message}.";
        }
    }

    private static Config Built(string name)
    {
        using var stream = typeof(JournalBootstrap).Assembly.GetManifestResourceStream(name)
            ?? throw new InvalidOperationException($"{name} is not built in");
        using var reader = new StreamReader(stream);
        return ConfigurationFactory.ParseString(reader.ReadToEnd());
    }

    private static string? Scalar(DbConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteScalar() as string;
    }
}
