using System.Collections.Immutable;

namespace ConfCluster.Actors.Audit;

/// <summary>
/// Rows are numbered when they are written and seen when they are committed, so a number may appear after a higher one, or never when its write failed.
/// Remembers which are missing, for as long as a write may take.
/// </summary>
internal sealed class RowGaps
{
    /// <summary>Numbers that are waited for at once; a jump of thousands is no write that is on its way.</summary>
    private const int MaxMissing = 1000;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly SortedDictionary<long, DateTimeOffset> _missing = [];

    /// <param name="seen">Every number above <paramref name="after"/> and up to <paramref name="last"/> that is there, in order.</param>
    public void Look(long after, long last, IReadOnlyList<long> seen, DateTimeOffset now)
    {
        var next = after + 1;
        foreach (var number in seen.Append(last + 1))
        {
            for (; next < number && _missing.Count < MaxMissing; next++) _missing.TryAdd(next, now);
            next = number + 1;
        }
    }

    public ImmutableArray<long> Missing(DateTimeOffset now)
    {
        foreach (var number in _missing.Where(m => now - m.Value > Patience).Select(m => m.Key).ToList()) _missing.Remove(number);
        return [.. _missing.Keys];
    }

    /// <param name="found">Those of them that were missing.</param>
    public void Found(IEnumerable<long> numbers, out ImmutableArray<long> found) => found = [.. numbers.Where(_missing.Remove)];
}
