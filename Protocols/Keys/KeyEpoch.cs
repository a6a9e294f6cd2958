namespace ConfCluster.Protocols.Keys;

/// <summary>Counts the group keys of one conference: 1 is the first key, each rekey adds 1, a number is never reused. 0: no key yet.</summary>
public readonly record struct KeyEpoch(uint Number) : IComparable<KeyEpoch>
{
    public KeyEpoch Next => new(checked(Number + 1));

    public int CompareTo(KeyEpoch other) => Number.CompareTo(other.Number);

    public override string ToString() => $"epoch {Number}";

    public static bool operator <(KeyEpoch left, KeyEpoch right) => left.CompareTo(right) < 0;

    public static bool operator >(KeyEpoch left, KeyEpoch right) => left.CompareTo(right) > 0;

    public static bool operator <=(KeyEpoch left, KeyEpoch right) => left.CompareTo(right) <= 0;

    public static bool operator >=(KeyEpoch left, KeyEpoch right) => left.CompareTo(right) >= 0;
}
