using System.Collections.Immutable;

namespace ConfCluster.Protocols.Sip.Authentication;

/// <summary>
/// A Digest challenge of WWW-Authenticate or Proxy-Authenticate (RFC 3261 §20.27, §20.44, RFC 7616 §3.3). Left out: domain, charset and
/// userhash, which say nothing that SIP uses; they are read and dropped.
/// </summary>
/// <param name="Algorithm">As written; null: none, which means MD5.</param>
/// <param name="Qop">Empty: none, as RFC 2069 had it.</param>
public sealed record ChallengeFields(string Realm, string Nonce, string? Opaque, string? Algorithm, ImmutableArray<string> Qop, bool IsStale)
{
    public override string ToString() => DigestText.Write(this);
}

/// <summary>The Digest credentials of Authorization or Proxy-Authorization (RFC 3261 §20.7, §20.28, RFC 7616 §3.4).</summary>
/// <param name="NonceCount">Eight hex digits as written; null exactly when <paramref name="Qop"/> is.</param>
public sealed record CredentialFields(
    string UserName, string Realm, string Nonce, string Uri, string Response, string? Algorithm, string? ClientNonce, string? Opaque, string? Qop,
    string? NonceCount)
{
    public override string ToString() => DigestText.Write(this);
}

/// <summary>Why a header of authentication cannot be used.</summary>
public enum DigestError : byte
{
    None,

    /// <summary>Not scheme and parameters as RFC 3261 §25.1 has them.</summary>
    BadSyntax,

    /// <summary>A parameter given twice (RFC 3261 §7.3.1).</summary>
    Duplicate,

    /// <summary>Quotes where RFC 7616 §3.3, §3.4 has none, or none where they must be.</summary>
    BadQuoting,

    /// <summary>A parameter that must be there is not.</summary>
    Missing,

    /// <summary>A value that its parameter cannot have: nc that is no eight hex digits, a response of the wrong length.</summary>
    BadValue,
}
