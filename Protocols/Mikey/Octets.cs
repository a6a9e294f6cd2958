using System.Collections.Immutable;

namespace ConfCluster.Protocols.Mikey;

/// <summary>Octets of a message that are no secret: immutable, compared by value, printed by their number alone.</summary>
public readonly struct Octets : IEquatable<Octets>
{
    private readonly byte[]? _bytes;

    private Octets(byte[] bytes) => _bytes = bytes;

    public static readonly Octets Empty;

    public int Length => _bytes?.Length ?? 0;

    public bool IsEmpty => Length == 0;

    public ReadOnlySpan<byte> Span => _bytes;

    public static Octets CopyOf(ReadOnlySpan<byte> bytes) => bytes.IsEmpty ? Empty : new Octets(bytes.ToArray());

    public static Octets Zero(int length) => length == 0 ? Empty : new Octets(new byte[length]);

    /// <summary>Takes over an array that nobody else keeps.</summary>
    internal static Octets Own(byte[] bytes) => bytes.Length == 0 ? Empty : new Octets(bytes);

    public bool Equals(Octets other) => Span.SequenceEqual(other.Span);

    public override bool Equals(object? obj) => obj is Octets other && Equals(other);

    public override int GetHashCode()
    {
        var hash = new HashCode();
        hash.AddBytes(Span);
        return hash.ToHashCode();
    }

    public override string ToString() => $"<{Length} octets>";

    public static bool operator ==(Octets left, Octets right) => left.Equals(right);

    public static bool operator !=(Octets left, Octets right) => !left.Equals(right);
}

/// <summary>A list compared by its items, so that messages that hold the same are the same.</summary>
public readonly struct ListOf<T>(ImmutableArray<T> items) : IEquatable<ListOf<T>>, IReadOnlyList<T>
    where T : IEquatable<T>
{
    private readonly ImmutableArray<T> _items = items;

    public ImmutableArray<T> Items => _items.IsDefault ? [] : _items;

    public int Count => Items.Length;

    public T this[int index] => Items[index];

    public ListOf<T> With(params ReadOnlySpan<T> more) => new([.. Items, .. more]);

    public IEnumerator<T> GetEnumerator() => ((IEnumerable<T>)Items).GetEnumerator();

    System.Collections.IEnumerator System.Collections.IEnumerable.GetEnumerator() => GetEnumerator();

    public bool Equals(ListOf<T> other) => Items.AsSpan().SequenceEqual(other.Items.AsSpan());

    public override bool Equals(object? obj) => obj is ListOf<T> other && Equals(other);

    public override int GetHashCode() => Items.Aggregate(Items.Length, (hash, item) => HashCode.Combine(hash, item));

    public override string ToString() => $"[{string.Join(", ", Items)}]";

    public static bool operator ==(ListOf<T> left, ListOf<T> right) => left.Equals(right);

    public static bool operator !=(ListOf<T> left, ListOf<T> right) => !left.Equals(right);
}
