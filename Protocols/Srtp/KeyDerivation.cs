using System.Buffers.Binary;
using System.Security.Cryptography;
using Org.BouncyCastle.Crypto;
using Org.BouncyCastle.Crypto.Parameters;

namespace ConfCluster.Protocols.Srtp;

/// <summary>Labels of RFC 3711 §4.3.1 and §4.3.2.</summary>
public enum KeyLabel : byte
{
    RtpEncryption = 0, RtpAuthentication = 1, RtpSalt = 2, RtcpEncryption = 3, RtcpAuthentication = 4, RtcpSalt = 5,
}

/// <summary>The AES-CM key derivation (RFC 3711 §4.3.3) with a key derivation rate of 0, the only one we take.</summary>
public static class KeyDerivation
{
    /// <summary>Fills <paramref name="output"/> with the session key of that label.</summary>
    public static void Derive(ReadOnlySpan<byte> masterKey, ReadOnlySpan<byte> masterSalt, KeyLabel label, Span<byte> output)
    {
        var cipher = AesCounter.Keyed(masterKey);
        Span<byte> x = stackalloc byte[16];
        x.Clear();
        masterSalt.CopyTo(x);
        // RFC 3711 §4.3.1: key_id = label ‖ r is XORed into the right end of the salt; with r = 0 that is octet 7, for SRTCP as well.
        x[7] ^= (byte)label;
        output.Clear();
        AesCounter.Xor(cipher, x, output);
        CryptographicOperations.ZeroMemory(x);
    }
}

/// <summary>AES in counter mode over a 128-bit block whose last 16 bits count (RFC 3711 §4.1.1).</summary>
public static class AesCounter
{
    public static IBlockCipher Keyed(ReadOnlySpan<byte> key)
    {
        var cipher = Org.BouncyCastle.Crypto.AesUtilities.CreateEngine();
        cipher.Init(forEncryption: true, new KeyParameter(key));
        return cipher;
    }

    /// <summary>XORs the keystream that begins at <paramref name="iv"/> (left as it was) into <paramref name="text"/>, at most 2^16 blocks.</summary>
    public static void Xor(IBlockCipher cipher, ReadOnlySpan<byte> iv, Span<byte> text)
    {
        Span<byte> counter = stackalloc byte[16];
        Span<byte> stream = stackalloc byte[16];
        iv.CopyTo(counter);
        var first = BinaryPrimitives.ReadUInt16BigEndian(counter[14..]);
        for (var block = 0; text.Length > 0; block++)
        {
            BinaryPrimitives.WriteUInt16BigEndian(counter[14..], (ushort)(first + block));
            cipher.ProcessBlock(counter, stream);
            var n = Math.Min(16, text.Length);
            if (n == 16) XorBlock(text, stream);
            else
                for (var i = 0; i < n; i++)
                    text[i] ^= stream[i];
            text = text[n..];
        }

        CryptographicOperations.ZeroMemory(stream);
    }

    private static void XorBlock(Span<byte> text, ReadOnlySpan<byte> stream)
    {
        var low = BinaryPrimitives.ReadUInt64LittleEndian(text) ^ BinaryPrimitives.ReadUInt64LittleEndian(stream);
        var high = BinaryPrimitives.ReadUInt64LittleEndian(text[8..]) ^ BinaryPrimitives.ReadUInt64LittleEndian(stream[8..]);
        BinaryPrimitives.WriteUInt64LittleEndian(text, low);
        BinaryPrimitives.WriteUInt64LittleEndian(text[8..], high);
    }
}
