using Microsoft.Data.Sqlite;

namespace ConfCluster.Host;

/// <summary>Whether the journal's database answers a read.</summary>
internal sealed class JournalCheck(string connectionString)
{
    public async Task<bool> AnswersAsync()
    {
        try
        {
            await using var connection = new SqliteConnection(connectionString);
            await connection.OpenAsync();
            await using var command = connection.CreateCommand();
            command.CommandText = "SELECT count(*) FROM sqlite_master";
            return await command.ExecuteScalarAsync() is not null;
        }
        catch (SqliteException)
        {
            return false;
        }
    }
}
