using System.Data.Common;
using System.Net;
using System.Net.Sockets;
using ConfCluster.Actors.Settings;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace ConfCluster.Actors.Journal;

/// <summary>
/// The database of the journal: a SQLite file of one node, or PostgreSQL for a cluster. Both have the same tables, so what is read from them is written
/// once; where their SQL differs it is said here. Never prints its connection string, which may hold a password.
/// </summary>
public sealed class JournalDatabase
{
    private const string FileName = "journal.db";

    /// <summary>What Npgsql waits for a connection when nothing is said, in seconds.</summary>
    private const int NpgsqlTimeout = 15;

    private readonly string _where;

    private JournalDatabase(JournalKind kind, string connectionString, string where) => (Kind, ConnectionString, _where) = (kind, connectionString, where);

    public JournalKind Kind { get; }

    /// <summary>For whoever opens it by himself: the engine.</summary>
    internal string ConnectionString { get; }

    /// <summary>As Akka.Persistence.Sql knows it.</summary>
    internal string ProviderName => Kind == JournalKind.Sqlite ? "SQLite.MS" : "PostgreSQL.15";

    /// <summary>A condition for texts that begin with another, whatever order the database sorts text in.</summary>
    internal string BeginsWith(string column, string prefix) => Kind == JournalKind.Sqlite
        ? $"{column} >= '{prefix}' AND {column} < '{prefix[..^1]}{(char)(prefix[^1] + 1)}'"
        : $"starts_with({column}, '{prefix}')";

    /// <summary>The file of a data directory.</summary>
    public static JournalDatabase InDirectory(string directory) => Sqlite(new SqliteConnectionStringBuilder
    {
        DataSource = Path.Combine(Path.GetFullPath(directory), FileName),
        Mode = SqliteOpenMode.ReadWriteCreate,
        DefaultTimeout = 10,
    }.ToString());

    /// <exception cref="ArgumentException">The text is none; see <see cref="TrySqlite"/>.</exception>
    public static JournalDatabase Sqlite(string connectionString) =>
        new(JournalKind.Sqlite, connectionString, new SqliteConnectionStringBuilder(connectionString).DataSource);

    /// <summary>Null: the text is no connection string of SQLite.</summary>
    public static JournalDatabase? TrySqlite(string connectionString)
    {
        try
        {
            return Sqlite(connectionString);
        }
        catch (ArgumentException)
        {
            return null;
        }
    }

    /// <summary>Null, with what is needed, when the text is none or the way to the database is not protected.</summary>
    /// <param name="password">Empty: it is in the text, or none is needed.</param>
    public static JournalDatabase? PostgreSql(string connectionString, string password, out string problem)
    {
        problem = "";
        NpgsqlConnectionStringBuilder builder;
        try
        {
            builder = new NpgsqlConnectionStringBuilder(connectionString);
        }
        catch (ArgumentException)
        {
            problem = "a connection string such as Host=db.example;Database=confcluster;Username=confcluster;SSL Mode=VerifyFull";
            return null;
        }

        if (password.Length > 0) builder.Password = password;
        if (string.IsNullOrEmpty(builder.Host) || string.IsNullOrEmpty(builder.Database))
        {
            problem = "Host and Database must stand in it";
            return null;
        }

        if (!IsHere(builder.Host) && builder.SslMode != SslMode.VerifyFull)
        {
            problem = "SSL Mode=VerifyFull must stand in it, since the database is not on this machine";
            return null;
        }

        // A database that does not answer is found out before those who wait give up.
        if (builder.Timeout == NpgsqlTimeout) builder.Timeout = 5;
        builder.ApplicationName ??= "confcluster";
        return new JournalDatabase(JournalKind.PostgreSql, builder.ConnectionString, $"{builder.Database} at {builder.Host}:{builder.Port}");
    }

    /// <summary>An open connection; the caller disposes it.</summary>
    /// <param name="readOnly">It cannot write.</param>
    /// <exception cref="DbException">The database cannot be opened.</exception>
    public DbConnection Open(bool readOnly = false)
    {
        var connection = Connection(readOnly);
        try
        {
            connection.Open();
            return connection;
        }
        catch (SocketException e)
        {
            // A host without an address: Npgsql does not say it as one of its own.
            connection.Dispose();
            throw new NpgsqlException(e.Message, e);
        }
    }

    /// <summary>As <see cref="Open"/>.</summary>
    public async Task<DbConnection> OpenAsync(CancellationToken stop = default)
    {
        var connection = Connection(readOnly: false);
        try
        {
            await connection.OpenAsync(stop);
            return connection;
        }
        catch (SocketException e)
        {
            await connection.DisposeAsync();
            throw new NpgsqlException(e.Message, e);
        }
    }

    /// <summary>False: a file that is not there yet. A database elsewhere is taken to be there.</summary>
    public bool Exists => Kind != JournalKind.Sqlite || File.Exists(_where);

    /// <summary>The first write to a SQLite file makes it.</summary>
    internal bool HasTable(DbConnection connection)
    {
        using var command = connection.CreateCommand();
        command.CommandText = Kind == JournalKind.Sqlite
            ? "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'journal'"
            : "SELECT count(*) FROM information_schema.tables WHERE table_schema = current_schema() AND table_name = 'journal'";
        return command.ExecuteScalar() is > 0L;
    }

    public override string ToString() => _where;

    private DbConnection Connection(bool readOnly)
    {
        if (Kind == JournalKind.Sqlite)
        {
            return new SqliteConnection(readOnly
                ? new SqliteConnectionStringBuilder(ConnectionString) { Mode = SqliteOpenMode.ReadOnly }.ToString()
                : ConnectionString);
        }

        return new NpgsqlConnection(readOnly
            ? new NpgsqlConnectionStringBuilder(ConnectionString) { Options = "-c default_transaction_read_only=on" }.ConnectionString
            : ConnectionString);
    }

    private static bool IsHere(string host) => host.Split(',').All(h =>
        h.StartsWith('/') || h.Equals("localhost", StringComparison.OrdinalIgnoreCase) || (IPAddress.TryParse(h, out var address) && IPAddress.IsLoopback(address)));
}
