using Akka.Configuration;
using Akka.Persistence.Sql;
using ConfCluster.Actors.Settings;
using Microsoft.Data.Sqlite;

namespace ConfCluster.Actors.Journal;

/// <summary>
/// The journal of a node: a SQLite file, checked and set to write-ahead logging before anybody opens it, and the engine's configuration for
/// it. The data directory is held by one process (the host sees to it).
/// </summary>
public static class JournalBootstrap
{
    private const string FileName = "journal.db";

    public static string ConnectionString(ConfClusterSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        if (settings.Journal.ConnectionString.Length > 0) return settings.Journal.ConnectionString;
        return new SqliteConnectionStringBuilder
        {
            DataSource = Path.Combine(Path.GetFullPath(settings.DataDirectory), FileName),
            Mode = SqliteOpenMode.ReadWriteCreate,
            DefaultTimeout = 10,
        }.ToString();
    }

    /// <summary>
    /// A sentence when the journal cannot be used, else null. The mode is kept in the file; writes stay safe at a power cut.
    /// </summary>
    public static string? Prepare(string connectionString)
    {
        try
        {
            using var connection = new SqliteConnection(connectionString);
            connection.Open();
            var mode = Scalar(connection, "PRAGMA journal_mode=WAL");
            if (mode != "wal") return $"The journal {connection.DataSource} cannot be opened for write-ahead logging.";
            var verdict = Scalar(connection, "PRAGMA quick_check(1)");
            if (verdict == "ok") return null;
            return $"The journal {connection.DataSource} is damaged ({verdict}); restore it from a backup, or move it away to begin anew.";
        }
        catch (SqliteException e)
        {
            return $"The journal ({connectionString}) cannot be opened: {e.Message}.";
        }
    }

    /// <summary>What the engine needs, defaults of the plugin included; goes under what the user says.</summary>
    public static Config Configuration(string connectionString, string providerName)
    {
        var quoted = connectionString.Replace("\\", @"\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal);
        var source = $$"""
            connection-string = "{{quoted}}"
            provider-name = "{{providerName}}"
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
            .WithFallback(Built("journal.conf"))
            .WithFallback(SqlPersistence.DefaultConfiguration);
    }

    private static Config Built(string name)
    {
        using var stream = typeof(JournalBootstrap).Assembly.GetManifestResourceStream(name)
            ?? throw new InvalidOperationException($"{name} is not built in");
        using var reader = new StreamReader(stream);
        return ConfigurationFactory.ParseString(reader.ReadToEnd());
    }

    private static string? Scalar(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteScalar() as string;
    }
}
