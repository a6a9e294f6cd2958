namespace ConfCluster.Protocols.Sip.Authentication;

/// <summary>How an identity was proven, the weakest first, so that proofs can be compared.</summary>
public enum IdentityProof : byte
{
    /// <summary>The From field, which anybody can write.</summary>
    None,

    /// <summary>P-Asserted-Identity from a peer that is trusted to say it (RFC 3325 §5).</summary>
    Asserted,

    /// <summary>Digest access authentication (RFC 3261 §22, RFC 7616).</summary>
    Digest,

    /// <summary>A TLS client certificate that was verified (RFC 5922 §7).</summary>
    Certificate,
}

/// <summary>Who sent a request, and how we know.</summary>
/// <param name="Name">A SIP URI, a user name or a certificate's subject: what an operator would search for.</param>
/// <param name="Proof">Strength of the proof.</param>
/// <param name="IsPrivate">The caller asked not to be shown to others (RFC 3323 §4.2, RFC 3325 §9.3).</param>
public sealed record CallerIdentity(string Name, IdentityProof Proof, bool IsPrivate);
