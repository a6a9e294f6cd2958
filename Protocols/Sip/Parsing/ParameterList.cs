using ConfCluster.Protocols.Sip.Messages;

namespace ConfCluster.Protocols.Sip.Parsing;

/// <summary>Collects parameters: bounded in number, no name twice.</summary>
internal ref struct ParameterList
{
    private FewOrMany<KeyValuePair<string, string?>> _items;

    /// <summary>Null when the parameter was taken, else why not.</summary>
    public string? Refuses(string name, string? value)
    {
        if (_items.Count == SipLimits.Items) return "too many parameters";
        for (var i = 0; i < _items.Count; i++)
            if (string.Equals(_items[i].Key, name, StringComparison.OrdinalIgnoreCase))
                return "parameter given twice";
        _items.Add(new KeyValuePair<string, string?>(name, value));
        return null;
    }

    public readonly SipParameters ToParameters() => _items.Count == 0 ? SipParameters.Empty : new SipParameters(_items.ToImmutable());
}
