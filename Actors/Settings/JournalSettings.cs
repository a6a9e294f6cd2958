using ConfCluster.Actors.Journal;

namespace ConfCluster.Actors.Settings;

/// <summary>Which database keeps what happened.</summary>
public enum JournalKind : byte
{
    /// <summary>A file, for one node.</summary>
    Sqlite,

    /// <summary>Shared by the nodes of a cluster.</summary>
    PostgreSql,
}

/// <param name="Database">Where it is.</param>
/// <param name="MinBackoff">How long a writer waits after a failed write, at first.</param>
/// <param name="MaxBackoff">And at most.</param>
public sealed record JournalSettings(JournalDatabase Database, TimeSpan MinBackoff, TimeSpan MaxBackoff)
{
    private static readonly TimeSpan Millisecond = TimeSpan.FromMilliseconds(1);

    public JournalKind Kind => Database.Kind;

    internal static JournalSettings Read(SettingsScope read, string dataDirectory)
    {
        var kind = read.OneOf("journal.kind", ("sqlite", JournalKind.Sqlite), ("postgresql", JournalKind.PostgreSql));
        var (text, textFile, passwordFile) = (read.Text("journal.connection-string"), read.Text("journal.connection-string-file"), read.Text("journal.password-file"));
        return new JournalSettings(
            kind == JournalKind.Sqlite ? Sqlite(read, text, textFile, passwordFile, dataDirectory) : PostgreSql(read, text, textFile, passwordFile),
            read.Duration("journal.write-backoff.min", Millisecond, TimeSpan.FromHours(1)),
            read.Duration("journal.write-backoff.max", Millisecond, TimeSpan.FromHours(1)));
    }

    private static JournalDatabase Sqlite(SettingsScope read, string text, string textFile, string passwordFile, string dataDirectory)
    {
        if (textFile.Length > 0) read.Refuse("journal.connection-string-file", textFile, "empty, for journal.kind is sqlite", 0);
        if (passwordFile.Length > 0) read.Refuse("journal.password-file", passwordFile, "empty, for journal.kind is sqlite", 0);
        if (text.Length == 0) return JournalDatabase.InDirectory(dataDirectory);
        return JournalDatabase.TrySqlite(text) ?? read.Refuse(
            "journal.connection-string", "", "one such as Data Source=/var/lib/confcluster/journal.db, or empty, for journal.kind is sqlite", JournalDatabase.Sqlite(""));
    }

    /// <summary>What is wrong is told without the text, which may hold a password.</summary>
    private static JournalDatabase PostgreSql(SettingsScope read, string text, string textFile, string passwordFile)
    {
        if (text.Length == 0 == (textFile.Length == 0))
            read.Refuse("journal.connection-string", "", "needed for journal.kind = postgresql, here or in journal.connection-string-file", 0);
        if (textFile.Length > 0) text = FirstLine(read, "journal.connection-string-file", textFile);
        var password = passwordFile.Length > 0 ? FirstLine(read, "journal.password-file", passwordFile) : "";
        return JournalDatabase.PostgreSql(text, password, out var problem)
            ?? read.Refuse("journal.connection-string", "", problem, JournalDatabase.Sqlite(""));
    }

    private static string FirstLine(SettingsScope read, string path, string file)
    {
        try
        {
            return File.ReadLines(file).FirstOrDefault()?.Trim() ?? "";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return read.Refuse(path, file, e.Message, "");
        }
    }
}
