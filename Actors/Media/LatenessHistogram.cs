namespace ConfCluster.Actors.Media;

/// <summary>How late ticks came: counts per bound, written by one thread and read by any. A quantile is the bound it lies under.</summary>
internal sealed class LatenessHistogram
{
    private static readonly int[] BoundsInMicroseconds =
    [
        20, 50, 100, 150, 200, 300, 500, 700, 1_000, 1_500, 2_000, 3_000, 5_000, 7_000, 10_000, 15_000, 20_000, 50_000, 100_000, 200_000, int.MaxValue,
    ];

    private readonly long[] _counts = new long[BoundsInMicroseconds.Length];
    private long _max;

    public TimeSpan Max => TimeSpan.FromTicks(Volatile.Read(ref _max));

    public void Record(TimeSpan lateness)
    {
        if (lateness.Ticks > _max) Volatile.Write(ref _max, lateness.Ticks);
        var i = 0;
        while (lateness.TotalMicroseconds > BoundsInMicroseconds[i]) i++;
        Volatile.Write(ref _counts[i], _counts[i] + 1);
    }

    /// <param name="lateness">One of the bounds.</param>
    public long LongerThan(TimeSpan lateness)
    {
        long longer = 0;
        for (var i = 0; i < _counts.Length; i++)
            if (BoundsInMicroseconds[i] > lateness.TotalMicroseconds)
                longer += Volatile.Read(ref _counts[i]);
        return longer;
    }

    public TimeSpan Quantile(double share)
    {
        var total = _counts.Sum();
        long seen = 0;
        for (var i = 0; i < _counts.Length; i++)
        {
            seen += Volatile.Read(ref _counts[i]);
            if (total > 0 && seen >= share * total) return Min(Max, TimeSpan.FromMicroseconds(BoundsInMicroseconds[i]));
        }

        return TimeSpan.Zero;
    }

    private static TimeSpan Min(TimeSpan a, TimeSpan b) => a < b ? a : b;
}
