namespace ConfCluster.Protocols.Keys;

/// <summary>
/// Tells within one conference whether two parties send under the same key, without showing it: 256 bits of a digest over the conference and the key. Marks of two
/// conferences cannot be compared. Neither stored nor printed, and compared in constant time, since keys that peers made may be poor ones.
/// </summary>
public readonly struct KeyMark(ulong a, ulong b, ulong c, ulong d)
{
    private readonly ulong _a = a;
    private readonly ulong _b = b;
    private readonly ulong _c = c;
    private readonly ulong _d = d;

    /// <summary>For a message between nodes.</summary>
    public IEnumerable<ulong> Words => [_a, _b, _c, _d];

    public bool FixedTimeEquals(in KeyMark other) => ((_a ^ other._a) | (_b ^ other._b) | (_c ^ other._c) | (_d ^ other._d)) == 0;

    /// <summary>Whether any of these is any of those; all are compared.</summary>
    public static bool Meet(ReadOnlySpan<KeyMark> these, ReadOnlySpan<KeyMark> those)
    {
        var found = false;
        foreach (ref readonly var one in these)
            foreach (ref readonly var other in those)
                found |= one.FixedTimeEquals(other);
        return found;
    }

    public override string ToString() => "<key mark>";
}
