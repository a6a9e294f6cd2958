using System.Security.Cryptography;
using ConfCluster.Protocols.Srtp.Transforms;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Protocols.Srtp;

/// <summary>Labels of RFC 3711 §4.3.1 and §4.3.2.</summary>
public enum KeyLabel : byte
{
    RtpEncryption = 0, RtpAuthentication = 1, RtpSalt = 2, RtcpEncryption = 3, RtcpAuthentication = 4, RtcpSalt = 5,
}

/// <summary>
/// The AES-CM key derivation (RFC 3711 §4.3.3; with master keys of 192 and 256 bits RFC 6188 §3) with a key derivation rate of 0, the only
/// one we take.
/// </summary>
public static class KeyDerivation
{
    public static SecretBytes Derive(MasterKey master, KeyLabel label, int length)
    {
        ArgumentNullException.ThrowIfNull(master);
        return SecretBytes.Create(length, span => Derive(master.RevealKey(), master.RevealSalt(), label, span));
    }

    /// <summary>Fills <paramref name="output"/> with the session key of that label.</summary>
    public static void Derive(ReadOnlySpan<byte> masterKey, ReadOnlySpan<byte> masterSalt, KeyLabel label, Span<byte> output)
    {
        using var counter = AesCounter.Keyed(masterKey);
        Span<byte> x = stackalloc byte[16];
        x.Clear();
        // A salt of 96 bits (RFC 7714 §11) stands on the left and is padded on the right, as libsrtp's packets show.
        masterSalt.CopyTo(x);
        // RFC 3711 §4.3.1: key_id = label ‖ r is XORed into the right end of the salt; with r = 0 that is octet 7, for SRTCP as well.
        x[7] ^= (byte)label;
        output.Clear();
        counter.Xor(x, output);
        CryptographicOperations.ZeroMemory(x);
    }
}
