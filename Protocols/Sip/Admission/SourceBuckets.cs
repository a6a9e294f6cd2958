namespace ConfCluster.Protocols.Sip.Admission;

/// <summary>
/// A token bucket per source in a table of fixed size: somebody with many addresses makes nothing grow. A source may lie in one of four
/// places; where all are taken the fullest bucket goes, since a full one and none at all are the same. <paramref name="seed"/> is random, so
/// that nobody can choose addresses that fall together.
/// </summary>
public sealed class SourceBuckets(BucketRate rate, int size, ulong seed)
{
    private const int Ways = 4;
    private const ulong Mixer = 0x9E37_79B9_7F4A_7C15;

    private readonly Slot[] _slots = new Slot[Ways * Math.Max(1, (size + Ways - 1) / Ways)];

    public int Size => _slots.Length;

    /// <summary>Sources that have a bucket.</summary>
    public int Count { get; private set; }

    /// <returns>False: the source has used up what it may have.</returns>
    public bool TryTake(SourceKey source, TimeSpan now)
    {
        ref var slot = ref Find(source, now);
        var allowed = slot.Bucket.TryTake(rate, now, out var after);
        slot.Bucket = after;
        return allowed;
    }

    private ref Slot Find(SourceKey source, TimeSpan now)
    {
        var first = Ways * (int)(Hash(source) % (ulong)(_slots.Length / Ways));
        var chosen = first;
        for (var i = first; i < first + Ways; i++)
        {
            ref var slot = ref _slots[i];
            if (slot.IsUsed && slot.Source == source) return ref slot;
            if (Emptiness(_slots[i], now) > Emptiness(_slots[chosen], now)) chosen = i;
        }

        ref var taken = ref _slots[chosen];
        if (!taken.IsUsed) Count++;
        taken = new Slot(true, source, TokenBucket.Full(rate, now));
        return ref taken;
    }

    /// <summary>How little is lost with it.</summary>
    private double Emptiness(in Slot slot, TimeSpan now) => slot.IsUsed ? slot.Bucket.Level(rate, now) : double.MaxValue;

    private ulong Hash(SourceKey source)
    {
        var mixed = (source.High ^ seed) * Mixer;
        mixed = (mixed ^ (mixed >> 32) ^ source.Low) * Mixer;
        mixed ^= seed >> 1;
        mixed = (mixed ^ (mixed >> 29)) * Mixer;
        return mixed ^ (mixed >> 32);
    }

    private record struct Slot(bool IsUsed, SourceKey Source, TokenBucket Bucket);
}
