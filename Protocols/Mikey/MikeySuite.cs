using ConfCluster.Protocols.Mikey.Payloads;

namespace ConfCluster.Protocols.Mikey;

/// <summary>
/// Algorithms that belong together. RFC 6043 §12.1: the three of 256 bits are supported together and never mixed with shorter ones.
/// </summary>
/// <param name="KeyLength">Octets of an encryption key, and the least of every key and RAND that goes with it.</param>
public sealed record MikeySuite(PrfFunction Prf, EncryptionAlgorithm Encryption, MacAlgorithm Mac, int KeyLength)
{
    public static readonly MikeySuite Aes128 = new(PrfFunction.Mikey1, EncryptionAlgorithm.AesCm128, MacAlgorithm.HmacSha1, 16);

    public static readonly MikeySuite Aes256 = new(PrfFunction.HmacSha256, EncryptionAlgorithm.AesCm256, MacAlgorithm.HmacSha256, 32);

    /// <summary>Null for a PRF that we do not know.</summary>
    public static MikeySuite? Of(PrfFunction prf) => prf switch
    {
        PrfFunction.Mikey1 => Aes128,
        PrfFunction.HmacSha256 => Aes256,
        _ => null,
    };

    /// <summary>AES key wrap is taken where it is sent, with the suite of its length.</summary>
    public bool Takes(EncryptionAlgorithm encryption) => encryption == Encryption || (this == Aes128 && encryption == EncryptionAlgorithm.AesKw128);
}
