using System.Collections.Immutable;

namespace ConfCluster.Protocols.Srtp;

/// <summary>Which cipher and authenticator a profile runs.</summary>
public enum SrtpTransform : byte { AesCmHmacSha1, AeadAesGcm }

/// <summary>
/// A crypto-suite (RFC 4568 §6.2, RFC 6188 §4, RFC 7714 §14.2): everything about it that the wire shows. Lengths in octets. Nothing else
/// may depend on which suite it is. Left out: F8, SEED and ARIA, and every suite without a tag or a cipher.
/// </summary>
public sealed record SrtpProfile(
    string Name, SrtpTransform Transform, int KeyLength, int SaltLength, int AuthKeyLength, int RtpTagLength, int RtcpTagLength, bool MkiBeforeTag)
{
    /// <summary>RFC 4568 §6.2.1.</summary>
    public static readonly SrtpProfile AesCm128HmacSha1Tag80 = AesCm(128, 10);

    /// <summary>RFC 4568 §6.2.2: the SRTCP tag stays at 80 bits.</summary>
    public static readonly SrtpProfile AesCm128HmacSha1Tag32 = AesCm(128, 4);

    public static readonly SrtpProfile AesCm192HmacSha1Tag80 = AesCm(192, 10);

    public static readonly SrtpProfile AesCm192HmacSha1Tag32 = AesCm(192, 4);

    public static readonly SrtpProfile AesCm256HmacSha1Tag80 = AesCm(256, 10);

    public static readonly SrtpProfile AesCm256HmacSha1Tag32 = AesCm(256, 4);

    public static readonly SrtpProfile AeadAes128Gcm = AesGcm(128);

    public static readonly SrtpProfile AeadAes256Gcm = AesGcm(256);

    /// <summary>All that we can do.</summary>
    public static readonly ImmutableArray<SrtpProfile> All =
    [
        AesCm128HmacSha1Tag80, AeadAes128Gcm, AeadAes256Gcm, AesCm256HmacSha1Tag80, AesCm192HmacSha1Tag80, AesCm128HmacSha1Tag32,
        AesCm256HmacSha1Tag32, AesCm192HmacSha1Tag32,
    ];

    /// <summary>
    /// What is offered when nobody chose, in our order of preference. First what every phone has (RFC 4568 §6.2), so that most legs share a
    /// ciphertext; fewer than all, so that an INVITE with its lines stays near a datagram.
    /// </summary>
    public static readonly ImmutableArray<SrtpProfile> Usual =
        [AesCm128HmacSha1Tag80, AeadAes128Gcm, AeadAes256Gcm, AesCm256HmacSha1Tag80, AesCm128HmacSha1Tag32];

    public int MasterLength => KeyLength + SaltLength;

    /// <summary>
    /// SRTP packets under a key that names no lifetime: 2^48 (RFC 3711 §9.2, RFC 7714 §14.2), for AES-192 and AES-256 in counter mode 2^31
    /// (RFC 6188 §4.1).
    /// </summary>
    public ulong DefaultLifetime => Transform == SrtpTransform.AesCmHmacSha1 && KeyLength > 16 ? 1UL << 31 : MasterKey.MaxLifetime;

    /// <summary>Names are compared without case (RFC 4568 §9.1: values are case-insensitive).</summary>
    public static SrtpProfile? Find(string name) =>
        All.FirstOrDefault(p => string.Equals(p.Name, name, StringComparison.OrdinalIgnoreCase));

    public override string ToString() => Name;

    private static SrtpProfile AesCm(int bits, int tag) => new(
        $"AES_{(bits == 128 ? "CM_128" : $"{bits}_CM")}_HMAC_SHA1_{8 * tag}", SrtpTransform.AesCmHmacSha1, bits / 8, 14, 20, tag, 10, MkiBeforeTag: true);

    /// <summary>RFC 7714 §12: salts of 96 bits, tags of 16 octets; §13: the tag is part of the ciphertext, so it comes before the MKI.</summary>
    private static SrtpProfile AesGcm(int bits) =>
        new($"AEAD_AES_{bits}_GCM", SrtpTransform.AeadAesGcm, bits / 8, 12, 0, 16, 16, MkiBeforeTag: false);
}
