using System.Diagnostics;

namespace ConfCluster.Actors.Media;

/// <summary>A lane's time, and how its thread waits for a moment of it.</summary>
public interface ILaneClock
{
    /// <summary>Monotonic, from an arbitrary zero.</summary>
    TimeSpan Now { get; }

    /// <summary>Called once on the lane's thread. True: the thread has real-time priority.</summary>
    bool Prepare();

    void WaitUntil(TimeSpan moment);
}

internal static class LaneClock
{
    public static ILaneClock ForThisSystem() => OperatingSystem.IsLinux() ? new LinuxLaneClock() : new SleepingLaneClock();
}

/// <summary>Absolute clock_nanosleep with the smallest timer slack and, where the process may, round-robin real-time priority.</summary>
internal sealed class LinuxLaneClock : ILaneClock
{
    private const int Priority = 10;

    public TimeSpan Now
    {
        get
        {
            _ = Libc.ClockGetTime(Libc.ClockMonotonic, out var time);
            return TimeSpan.FromTicks(time.Seconds * TimeSpan.TicksPerSecond + time.Nanoseconds / TimeSpan.NanosecondsPerTick);
        }
    }

    public bool Prepare()
    {
        _ = Libc.ProcessControl(Libc.SetTimerSlack, 1, 0, 0, 0);
        return Libc.SetScheduler(0, Libc.RoundRobin, Priority) == 0;
    }

    public void WaitUntil(TimeSpan moment)
    {
        var until = new Libc.TimeSpec
        {
            Seconds = (nint)(moment.Ticks / TimeSpan.TicksPerSecond),
            Nanoseconds = (nint)(moment.Ticks % TimeSpan.TicksPerSecond * TimeSpan.NanosecondsPerTick),
        };
        while (Libc.ClockNanosleep(Libc.ClockMonotonic, Libc.TimerAbsolute, until, 0) == Libc.Interrupted)
        {
        }
    }
}

/// <summary>Sleeps until the moment is there; a sleep that ends early is repeated, so errors do not add up.</summary>
internal sealed class SleepingLaneClock : ILaneClock
{
    private readonly long _zero = Stopwatch.GetTimestamp();

    public TimeSpan Now => Stopwatch.GetElapsedTime(_zero);

    public bool Prepare()
    {
        Thread.CurrentThread.Priority = ThreadPriority.Highest;
        return false;
    }

    public void WaitUntil(TimeSpan moment)
    {
        for (var left = moment - Now; left > TimeSpan.Zero; left = moment - Now)
            Thread.Sleep(Math.Max(1, (int)left.TotalMilliseconds));
    }
}
