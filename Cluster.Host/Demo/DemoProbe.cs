namespace ConfCluster.Host.Demo;

/// <summary>
/// A thread that wants to run every 5 ms and notes when it could not: a phone or a mixer could not either, and a gap at that moment says nothing about keys.
/// </summary>
internal sealed class DemoProbe : IDisposable
{
    private static readonly TimeSpan Wanted = TimeSpan.FromMilliseconds(5);

    /// <summary>Less than what a jitter buffer holds back is not heard.</summary>
    private static readonly TimeSpan Worth = TimeSpan.FromMilliseconds(20);

    private static readonly TimeSpan Before = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan After = TimeSpan.FromMilliseconds(250);

    private readonly List<(DateTimeOffset From, DateTimeOffset To)> _late = [];
    private readonly Thread _thread;
    private volatile bool _stopped;

    public DemoProbe()
    {
        _thread = new Thread(Run) { IsBackground = true, Name = "demo probe" };
        _thread.Start();
    }

    /// <summary>The longest time that it waited for the processor.</summary>
    public TimeSpan Longest { get; private set; }

    /// <summary>To be asked after <see cref="Dispose"/>.</summary>
    public bool WasLateAround(DateTimeOffset from, DateTimeOffset to) => _late.Exists(l => l.From - Before <= to && from <= l.To + After);

    public void Dispose()
    {
        _stopped = true;
        _thread.Join();
    }

    private void Run()
    {
        while (!_stopped)
        {
            var before = DateTimeOffset.UtcNow;
            Thread.Sleep(Wanted);
            var now = DateTimeOffset.UtcNow;
            var late = now - before - Wanted;
            if (late > Longest) Longest = late;
            if (late >= Worth) _late.Add((before, now));
        }
    }
}
