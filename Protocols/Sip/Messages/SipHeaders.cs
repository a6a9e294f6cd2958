using System.Collections.Immutable;
using ConfCluster.Protocols.Sip.Parsing;

namespace ConfCluster.Protocols.Sip.Messages;

/// <summary>One header field: the canonical name ("Via", "Call-ID"; unknown names as written) and the unfolded, trimmed value.</summary>
public readonly record struct SipHeader(string Name, string Value);

/// <summary>
/// The header fields of a message in their order, immutable. Typed properties read the text; on a message that
/// <see cref="SipReader"/> let through they cannot fail, since the reader refuses a message whose known fields are malformed.
/// A field that a message of ours is built with is written by <see cref="SipWriter"/> and reads back equal.
/// </summary>
public sealed class SipHeaders
{
    public static readonly SipHeaders Empty = new([]);

    private readonly ImmutableArray<SipHeader> _fields;

    // Not filled in later: two words are not written at once, and messages cross threads.
    private readonly CSeq? _cseq;

    public SipHeaders(ImmutableArray<SipHeader> fields) => _fields = fields;

    public ImmutableArray<SipHeader> Fields => _fields;

    public bool Has(string name) => First(name) is not null;

    /// <summary>The first value of that name (canonical spelling, compared without case), or null.</summary>
    public string? First(string name)
    {
        foreach (var field in _fields)
            if (string.Equals(field.Name, name, StringComparison.OrdinalIgnoreCase))
                return field.Value;
        return null;
    }

    /// <summary>All values of that name, one per header line (a line may hold a comma-separated list: see <see cref="List"/>).</summary>
    public IEnumerable<string> All(string name) =>
        _fields.Where(f => string.Equals(f.Name, name, StringComparison.OrdinalIgnoreCase)).Select(f => f.Value);

    /// <summary>The comma-separated tokens of all lines of that name, trimmed: Supported, Require, Allow …</summary>
    public ImmutableArray<string> List(string name) =>
        [.. All(name).SelectMany(v => v.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))];

    public SipHeaders Append(string name, string value) => new(_fields.Add(new SipHeader(name, value)));

    public SipHeaders Append(string name, IEnumerable<string> values) => new(_fields.AddRange(values.Select(v => new SipHeader(name, v))));

    public SipHeaders Prepend(string name, string value) => new(_fields.Insert(0, new SipHeader(name, value)));

    /// <summary>Replaces the first line of that name in place and drops the others; appends when there is none.</summary>
    public SipHeaders With(string name, string value)
    {
        var builder = ImmutableArray.CreateBuilder<SipHeader>(_fields.Length + 1);
        var replaced = false;
        foreach (var field in _fields)
        {
            if (!string.Equals(field.Name, name, StringComparison.OrdinalIgnoreCase)) builder.Add(field);
            else if (!replaced)
            {
                builder.Add(new SipHeader(name, value));
                replaced = true;
            }
        }

        if (!replaced) builder.Add(new SipHeader(name, value));
        return new SipHeaders(builder.ToImmutable());
    }

    public SipHeaders Without(string name) =>
        new([.. _fields.Where(f => !string.Equals(f.Name, name, StringComparison.OrdinalIgnoreCase))]);

    /// <summary>The Via values, topmost first.</summary>
    public ImmutableArray<Via> Vias
    {
        get => field.IsDefault ? field = SipReader.Vias(this) : field;
        internal init;
    }

    public Via? TopVia => Vias.Length == 0 ? null : Vias[0];

    public NameAddr From
    {
        get => field ??= SipReader.Address(First("From")!);
        internal init;
    }

    public NameAddr To
    {
        get => field ??= SipReader.Address(First("To")!);
        internal init;
    }

    /// <summary>Empty only in a request that the reader refused.</summary>
    public string CallId => First("Call-ID") ?? "";

    public CSeq CSeq
    {
        get => _cseq ?? SipReader.CSeq(First("CSeq")!);
        internal init => _cseq = value;
    }

    /// <summary>Empty for <c>Contact: *</c>; see <see cref="IsContactStar"/>.</summary>
    public ImmutableArray<NameAddr> Contacts
    {
        get => field.IsDefault ? field = SipReader.Addresses(this, "Contact") : field;
        internal init;
    }

    public bool IsContactStar => First("Contact") is "*";

    public ImmutableArray<NameAddr> Routes
    {
        get => field.IsDefault ? field = SipReader.Addresses(this, "Route") : field;
        internal init;
    }

    public ImmutableArray<NameAddr> RecordRoutes
    {
        get => field.IsDefault ? field = SipReader.Addresses(this, "Record-Route") : field;
        internal init;
    }

    /// <summary>Max-Forwards, or null when absent (RFC 3261 §20.22).</summary>
    public int? MaxForwards =>
        First("Max-Forwards") is { } text ? int.Parse(text, System.Globalization.CultureInfo.InvariantCulture) : null;

    /// <summary>Media type without parameters, lower case ("application/sdp"), or null.</summary>
    public string? ContentType => SipReader.MediaType(First("Content-Type"));
}
