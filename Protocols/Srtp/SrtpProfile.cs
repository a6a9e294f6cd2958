using System.Collections.Immutable;

namespace ConfCluster.Protocols.Srtp;

/// <summary>Which cipher and authenticator a profile runs.</summary>
public enum SrtpTransform : byte { AesCmHmacSha1 }

/// <summary>
/// A crypto-suite (RFC 4568 §6.2, RFC 3711 §4, §5): everything about it that the wire shows. Lengths in octets. The AEAD and the
/// AES-192/256 suites get a line here and a transform; nothing else may depend on which suite it is.
/// </summary>
public sealed record SrtpProfile(
    string Name, SrtpTransform Transform, int KeyLength, int SaltLength, int AuthKeyLength, int RtpTagLength, int RtcpTagLength, bool MkiBeforeTag)
{
    /// <summary>RFC 4568 §6.2.1.</summary>
    public static readonly SrtpProfile AesCm128HmacSha1Tag80 =
        new("AES_CM_128_HMAC_SHA1_80", SrtpTransform.AesCmHmacSha1, 16, 14, 20, 10, 10, MkiBeforeTag: true);

    /// <summary>RFC 4568 §6.2.2: the SRTCP tag stays at 80 bits.</summary>
    public static readonly SrtpProfile AesCm128HmacSha1Tag32 =
        new("AES_CM_128_HMAC_SHA1_32", SrtpTransform.AesCmHmacSha1, 16, 14, 20, 4, 10, MkiBeforeTag: true);

    /// <summary>In our order of preference.</summary>
    public static readonly ImmutableArray<SrtpProfile> All = [AesCm128HmacSha1Tag80, AesCm128HmacSha1Tag32];

    public int MasterLength => KeyLength + SaltLength;

    /// <summary>Names are compared without case (RFC 4568 §9.1: values are case-insensitive).</summary>
    public static SrtpProfile? Find(string name) =>
        All.FirstOrDefault(p => string.Equals(p.Name, name, StringComparison.OrdinalIgnoreCase));

    public override string ToString() => Name;
}
