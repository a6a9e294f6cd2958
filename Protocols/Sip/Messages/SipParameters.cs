using System.Collections.Immutable;

namespace ConfCluster.Protocols.Sip.Messages;

/// <summary>
/// The <c>;name=value</c> list of a URI or header field, in the order written. Names are compared without case; a value is null for a
/// parameter without "=". Values are held unquoted and unescaped; the writer quotes where the grammar asks for it.
/// </summary>
public sealed class SipParameters : IEquatable<SipParameters>
{
    public static readonly SipParameters Empty = new([]);

    private readonly ImmutableArray<KeyValuePair<string, string?>> _items;

    public SipParameters(ImmutableArray<KeyValuePair<string, string?>> items) => _items = items;

    public ImmutableArray<KeyValuePair<string, string?>> Items => _items;

    public bool Has(string name) => IndexOf(name) >= 0;

    /// <summary>The value, or null when the parameter is absent or has none.</summary>
    public string? this[string name] => IndexOf(name) is >= 0 and var i ? _items[i].Value : null;

    /// <summary>Replaces or appends.</summary>
    public SipParameters With(string name, string? value)
    {
        var item = new KeyValuePair<string, string?>(name, value);
        var i = IndexOf(name);
        return new SipParameters(i >= 0 ? _items.SetItem(i, item) : _items.Add(item));
    }

    public SipParameters Without(string name) => IndexOf(name) is >= 0 and var i ? new SipParameters(_items.RemoveAt(i)) : this;

    private int IndexOf(string name)
    {
        for (var i = 0; i < _items.Length; i++)
            if (string.Equals(_items[i].Key, name, StringComparison.OrdinalIgnoreCase))
                return i;
        return -1;
    }

    public bool Equals(SipParameters? other) => other is not null && _items.SequenceEqual(other._items);

    public override bool Equals(object? obj) => Equals(obj as SipParameters);

    public override int GetHashCode() => _items.Length;
}
