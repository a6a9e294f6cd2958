namespace ConfCluster.Actors.Media;

/// <summary>
/// How many sockets the lanes of a node may hold open together, so that its last descriptors are left to signalling and journal: a process
/// without any does not refuse calls, it fails.
/// </summary>
public sealed class SocketBudget(int limit)
{
    /// <summary>Kept for SIP connections, files and the runtime, unless that is more than half of what there is.</summary>
    private const int Reserve = 2048;

    private int _open;

    public int Limit { get; } = limit;

    public int Open => Volatile.Read(ref _open);

    /// <summary>What the process's limit on open files leaves.</summary>
    public static SocketBudget OfThisProcess()
    {
        if (!OperatingSystem.IsLinux() || Libc.GetLimit(Libc.OpenFiles, out var files) != 0) return new SocketBudget(int.MaxValue);
        var all = (int)Math.Min(files.Current, int.MaxValue);
        return new SocketBudget(Math.Max(all - Reserve, all / 2));
    }

    public bool TryTake()
    {
        if (Interlocked.Increment(ref _open) <= Limit) return true;
        Interlocked.Decrement(ref _open);
        return false;
    }

    public void Return() => Interlocked.Decrement(ref _open);
}
