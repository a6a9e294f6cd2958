using ConfCluster.Actors.Journal;
using Microsoft.Data.Sqlite;
using Xunit;

namespace ConfCluster.Actors.Tests.Journal;

public sealed class JournalFileTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("confcluster-file");
    private readonly JournalFile _file;

    public JournalFileTests() =>
        _file = JournalFile.Start(
            new SqliteConnectionStringBuilder { DataSource = Path.Combine(_directory.FullName, "journal.db") }.ToString(),
            TimeSpan.FromMilliseconds(1), TimeProvider.System);

    public void Dispose()
    {
        _file.Dispose();
        SqliteConnection.ClearAllPools();
        _directory.Delete(recursive: true);
    }

    [Fact]
    public async Task Whoever_reads_sees_what_it_wrote_before_whether_it_waited_or_not()
    {
        var written = Enumerable.Range(1, 200).Select(n => _file.WriteAsync([Row("a", n)])).ToArray();
        Assert.Equal(200, await _file.HighestAsync("a"));
        await Task.WhenAll(written);
        Assert.Equal(Enumerable.Range(50, 11).Select(n => (long)n), await ReadAsync("a", 50, 60));
    }

    [Fact]
    public async Task A_write_whose_number_is_taken_fails_alone_and_as_a_whole()
    {
        await _file.WriteAsync([Row("a", 1)]);
        Task[] together = [_file.WriteAsync([Row("b", 1)]), _file.WriteAsync([Row("a", 2), Row("a", 1)]), _file.WriteAsync([Row("c", 1)])];
        await together[0];
        await Assert.ThrowsAsync<SqliteException>(() => together[1]);
        await together[2];
        Assert.Equal((1, 1, 1), (await _file.HighestAsync("a"), await _file.HighestAsync("b"), await _file.HighestAsync("c")));
    }

    [Fact]
    public async Task What_is_deleted_is_not_read_and_its_number_is_not_given_again()
    {
        await _file.WriteAsync([Row("a", 1), Row("a", 2), Row("a", 3)]);
        await _file.DeleteAsync("a", 3);
        Assert.Equal(3, await _file.HighestAsync("a"));
        Assert.Empty(await ReadAsync("a", 1, 10));
    }

    [Fact]
    public async Task A_row_comes_back_as_it_was()
    {
        await _file.WriteAsync([Row("a", 7)]);
        JournalRow? read = null;
        await _file.ReadAsync("a", 1, 10, 10, row => read = row);
        Assert.Equal(("a", 7, 42, "m", 7001, "w"), (read!.PersistenceId, read.Sequence, read.Created, read.Manifest, read.Serializer, read.Writer));
        Assert.Equal([1, 2, 3], read.Message);
    }

    [Fact]
    public async Task A_file_that_cannot_be_opened_fails_the_question_and_is_tried_again_by_the_next()
    {
        var inside = Path.Combine(_directory.FullName, "later");
        using var file = JournalFile.Start(
            new SqliteConnectionStringBuilder { DataSource = Path.Combine(inside, "journal.db") }.ToString(), TimeSpan.Zero, TimeProvider.System);
        await Assert.ThrowsAsync<SqliteException>(() => file.HighestAsync("a"));
        Directory.CreateDirectory(inside);
        Assert.Equal(0, await file.HighestAsync("a"));
    }

    private static JournalRow Row(string id, long sequence) => new(id, sequence, 42, [1, 2, 3], "m", 7001, "w");

    private async Task<List<long>> ReadAsync(string id, long from, long to)
    {
        var read = new List<long>();
        await _file.ReadAsync(id, from, to, 100, row => read.Add(row.Sequence));
        return read;
    }
}
