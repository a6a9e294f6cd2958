using System.Collections.Immutable;

namespace ConfCluster.Protocols.Sip.Messages;

/// <summary>
/// A SIP or SIPS URI (RFC 3261 §19.1), or an absolute URI of another scheme, of which <see cref="Opaque"/> keeps what follows the colon.
/// The scheme is lower case. User, password, parameters and headers are held unescaped; the host is held as written (an IPv6 reference
/// with its brackets).
/// </summary>
public sealed record SipUri(
    string Scheme, string? User, string? Password, string Host, int? Port, SipParameters Parameters,
    ImmutableArray<KeyValuePair<string, string>> Headers, string? Opaque = null)
{
    /// <summary>A plain <c>sip:</c> URI.</summary>
    public static SipUri Sip(string? user, string host, int? port = null, SipParameters? parameters = null) =>
        new("sip", user, null, host, port, parameters ?? SipParameters.Empty, []);

    public bool IsSip => Opaque is null;

    public bool IsSecure => string.Equals(Scheme, "sips", StringComparison.OrdinalIgnoreCase);

    /// <summary>RFC 3261 §19.1.1: the "lr" parameter marks a loose router.</summary>
    public bool IsLooseRouter => Parameters.Has("lr");

    /// <summary>RFC 3261 §19.1.4, see <see cref="SipUriComparison"/>. Wider than equality, and not transitive.</summary>
    public bool IsEquivalentTo(SipUri other) => SipUriComparison.AreEquivalent(this, other);

    /// <summary>The same parts, letter by letter.</summary>
    public bool Equals(SipUri? other) =>
        other is not null && Scheme == other.Scheme && User == other.User && Password == other.Password && Host == other.Host
        && Port == other.Port && Opaque == other.Opaque && Parameters.Equals(other.Parameters)
        && Headers.AsSpan().SequenceEqual(other.Headers.AsSpan());

    public override int GetHashCode() => HashCode.Combine(Scheme, User, Host, Port, Opaque);

    /// <summary>Written by <see cref="Parsing.SipWriter"/>'s rules, so that reading it again gives an equal value.</summary>
    public override string ToString() => Parsing.SipWriter.Write(this);
}
