using System.Collections.Immutable;

namespace ConfCluster.Protocols.Sip.Authentication;

/// <summary>The names in a client certificate that the TLS handshake verified (RFC 5922 §7.1).</summary>
/// <param name="Uris">Its subjectAltName URIs, as written.</param>
/// <param name="DnsNames">Its subjectAltName DNS names, as written.</param>
/// <param name="Subject">Its distinguished name, for the operator.</param>
public sealed record TlsPeer(ImmutableArray<string> Uris, ImmutableArray<string> DnsNames, string Subject);
