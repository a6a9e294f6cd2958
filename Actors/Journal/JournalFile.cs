using System.Collections.Concurrent;
using Microsoft.Data.Sqlite;

namespace ConfCluster.Actors.Journal;

/// <summary>
/// The journal's thread: everything goes through one connection in the order in which it was asked for, so whoever reads sees what it wrote
/// before. Writes that wait together share one commit, and commits keep a distance, because the price of a commit is the disk's, not the
/// row's. A write that the file refuses fails alone.
/// </summary>
internal sealed class JournalFile : IDisposable
{
    private const int MaxBatch = 1000;
    private const int ConstraintError = 19;

    private readonly BlockingCollection<Job> _jobs = [];
    private readonly string _connectionString;
    private readonly TimeSpan _distance;
    private readonly TimeProvider _clock;
    private readonly Thread _thread;
    private JournalTables? _tables;

    private JournalFile(string connectionString, TimeSpan distance, TimeProvider clock)
    {
        (_connectionString, _distance, _clock) = (connectionString, distance, clock);
        _thread = new Thread(Loop) { IsBackground = true, Name = "journal" };
    }

    /// <param name="distance">From the beginning of one commit to the beginning of the next, at least. An idle journal commits at once.</param>
    public static JournalFile Start(string connectionString, TimeSpan distance, TimeProvider clock)
    {
        var file = new JournalFile(connectionString, distance, clock);
        file._thread.Start();
        return file;
    }

    public Task WriteAsync(IReadOnlyList<JournalRow> rows) => Ask(true, tables =>
    {
        foreach (var row in rows) tables.Insert(row);
        return rows.Count;
    });

    public Task DeleteAsync(string persistenceId, long to) => Ask(true, tables =>
    {
        tables.Delete(persistenceId, to);
        return to;
    });

    public Task<long> HighestAsync(string persistenceId) => Ask(false, tables => tables.Highest(persistenceId));

    public Task ReadAsync(string persistenceId, long from, long to, long max, Action<JournalRow> each) => Ask(false, tables =>
    {
        tables.Read(persistenceId, from, to, max, each);
        return max;
    });

    /// <summary>Whatever was asked for before is still done.</summary>
    public void Dispose()
    {
        _jobs.CompleteAdding();
        _thread.Join();
        _jobs.Dispose();
    }

    private Task<T> Ask<T>(bool isWrite, Func<JournalTables, T> work)
    {
        var job = new Job<T>(isWrite, work);
        _jobs.Add(job);
        return job.Done;
    }

    private void Loop()
    {
        var batch = new List<Job>();
        var next = long.MinValue;
        foreach (var first in _jobs.GetConsumingEnumerable())
        {
            batch.Add(first);
            if (first.IsWrite)
            {
                Await(next);
                next = _clock.GetTimestamp() + (long)(_distance.TotalSeconds * _clock.TimestampFrequency);
                while (batch.Count < MaxBatch && _jobs.TryTake(out var more)) batch.Add(more);
            }

            Do(batch);
            batch.Clear();
        }

        _tables?.Dispose();
    }

    private void Await(long due)
    {
        if (due == long.MinValue) return;
        var rest = _clock.GetElapsedTime(_clock.GetTimestamp(), due);
        if (rest > TimeSpan.Zero) Thread.Sleep(rest);
    }

    private void Do(List<Job> batch)
    {
        try
        {
            _tables ??= new JournalTables(_connectionString);
            Write(_tables, batch.FindAll(j => j.IsWrite));
            foreach (var read in batch) Read(_tables, read);
        }
        catch (SqliteException e)
        {
            // The connection may be past use; the next batch opens another.
            foreach (var job in batch) job.Fail(e);
            _tables?.Dispose();
            _tables = null;
        }
    }

    private static void Read(JournalTables tables, Job job)
    {
        if (job.IsWrite) return;
        job.Run(tables);
        job.Complete();
    }

    private static void Write(JournalTables tables, List<Job> writes)
    {
        if (writes.Count == 0) return;
        try
        {
            tables.InOneWrite(() => writes.ForEach(w => w.Run(tables)));
            writes.ForEach(w => w.Complete());
        }
        catch (SqliteException e) when (e.SqliteErrorCode == ConstraintError)
        {
            // Somebody's row is there already; its neighbours are not to blame.
            if (writes.Count == 1) writes[0].Fail(e);
            else writes.ForEach(w => Write(tables, [w]));
        }
    }

    private abstract class Job(bool isWrite)
    {
        public bool IsWrite { get; } = isWrite;

        public abstract void Run(JournalTables tables);

        /// <summary>After the commit: nobody hears of what a power cut could still take back.</summary>
        public abstract void Complete();

        public abstract void Fail(Exception reason);
    }

    private sealed class Job<T>(bool isWrite, Func<JournalTables, T> work) : Job(isWrite)
    {
        private readonly TaskCompletionSource<T> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private T? _result;

        public Task<T> Done => _done.Task;

        public override void Run(JournalTables tables) => _result = work(tables);

        public override void Complete() => _done.TrySetResult(_result!);

        public override void Fail(Exception reason) => _done.TrySetException(reason);
    }
}
