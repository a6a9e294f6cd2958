namespace ConfCluster.Protocols.Sdp;

/// <summary>Words for the Warning of a 488 (RFC 3261 §20.43): what is wrong with the first a=crypto line, never its text.</summary>
internal static class CryptoRefusal
{
    public static string Reason(MediaDescription media)
    {
        if (media.Crypto.IsEmpty)
            return media.HasKeyManagement ? "a=key-mgmt is not understood: RTP/SAVP needs a=crypto" : "RTP/SAVP without a=crypto (RFC 4568)";
        var crypto = media.Crypto[0];
        return $"No usable a=crypto: line {crypto.Tag} {(crypto.Error == CryptoError.None ? Policy(crypto) : Of(crypto.Error))}";
    }

    public static string Of(CryptoError error) => error switch
    {
        CryptoError.BadTag => "has a malformed tag (RFC 4568 §4.1)",
        CryptoError.DuplicateTag => "repeats a tag (RFC 4568 §4.1)",
        CryptoError.BadSuite => "has a malformed crypto-suite (RFC 4568 §9.1)",
        CryptoError.UnsupportedSuite => "has a crypto-suite that is not supported",
        CryptoError.BadKeyMethod => "has a key method other than inline (RFC 4568 §6.1)",
        CryptoError.BadKey => "has a malformed key parameter (RFC 4568 §9.2)",
        CryptoError.BadKeyLength => "has a key of the wrong length (RFC 4568 §6.1)",
        CryptoError.DuplicateKey => "has the same key twice (RFC 4568 §6.1)",
        CryptoError.BadLifetime => "has a lifetime out of range (RFC 4568 §6.1)",
        CryptoError.BadMki => "has a malformed MKI (RFC 4568 §6.1)",
        CryptoError.MissingMki => "has several keys and not an MKI for each (RFC 4568 §6.1)",
        CryptoError.MkiLengthsDiffer => "has MKIs of different lengths (RFC 4568 §6.1)",
        CryptoError.DuplicateMki => "has the same MKI twice (RFC 4568 §6.1)",
        CryptoError.BadSessionParameter => "has a malformed session parameter (RFC 4568 §9.2)",
        CryptoError.UnknownSessionParameter => "has an unknown session parameter (RFC 4568 §6.3.7)",
        CryptoError.UnsupportedKeyDerivationRate => "has a key derivation rate other than 0, which is not supported",
        CryptoError.UnsupportedFec => "has FEC_KEY, which is not supported",
        _ => throw new System.Diagnostics.UnreachableException($"no words for {error}"),
    };

    private static string Policy(CryptoAttribute crypto) => crypto.Unprotected == Unprotected.None
        ? "has a crypto-suite that is not allowed here"
        : "switches protection off (RFC 4568 §6.3.2), which is not allowed here";
}
