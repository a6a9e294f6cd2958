namespace ConfCluster.Protocols.Sip.Messages;

/// <summary>
/// name-addr or addr-spec with header parameters: From, To, Contact, Route, Record-Route (RFC 3261 §20.10, §20.20, §20.39). The display
/// name is held unquoted; null when there is none.
/// </summary>
public sealed record NameAddr(string? DisplayName, SipUri Uri, SipParameters Parameters)
{
    public NameAddr(SipUri uri) : this(null, uri, SipParameters.Empty)
    {
    }

    /// <summary>The tag of From and To (RFC 3261 §19.3), or null.</summary>
    public string? Tag => Parameters["tag"];

    public NameAddr WithTag(string tag) => this with { Parameters = Parameters.With("tag", tag) };

    public override string ToString() => Parsing.SipWriter.Write(this);
}
