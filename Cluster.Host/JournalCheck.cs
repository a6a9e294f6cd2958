using System.Data.Common;
using ConfCluster.Actors.Journal;

namespace ConfCluster.Host;

/// <summary>Whether the journal's database answers a read.</summary>
internal sealed class JournalCheck(JournalDatabase database)
{
    public async Task<bool> AnswersAsync()
    {
        try
        {
            await using var connection = await database.OpenAsync();
            await using var command = connection.CreateCommand();
            command.CommandText = "SELECT 1";
            return await command.ExecuteScalarAsync() is not null;
        }
        catch (DbException)
        {
            return false;
        }
    }
}
