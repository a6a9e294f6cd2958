using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using ConfCluster.Protocols.Wire;
using Instructions = System.Runtime.Intrinsics.X86.Aes;

namespace ConfCluster.Protocols.Srtp.Transforms;

/// <summary>AES with the instructions of x86 processors: key schedule and blocks side by side (RFC 3711 §4.1, RFC 6188 §2).</summary>
internal static class AesUnit
{
    /// <summary>The round keys for a key of 16, 24 or 32 octets; the caller owns them.</summary>
    public static SecretBytes Schedule(ReadOnlySpan<byte> key)
    {
        if (key.Length is not (16 or 24 or 32)) throw new ArgumentException("an AES key has 16, 24 or 32 octets", nameof(key));
        using var own = SecretBytes.CopyOf(key);
        return SecretBytes.Create(16 * (own.Length / 4 + 7), schedule => Expand(own.Reveal(), schedule));
    }

    public static void EncryptFour(ReadOnlySpan<Vector128<byte>> keys, ReadOnlySpan<byte> blocks, Span<byte> output)
    {
        var from = MemoryMarshal.Cast<byte, Vector128<byte>>(blocks);
        var to = MemoryMarshal.Cast<byte, Vector128<byte>>(output);
        var (a, b, c, d) = (from[0] ^ keys[0], from[1] ^ keys[0], from[2] ^ keys[0], from[3] ^ keys[0]);
        for (var round = 1; round < keys.Length - 1; round++)
        {
            var key = keys[round];
            (a, b, c, d) = (Instructions.Encrypt(a, key), Instructions.Encrypt(b, key), Instructions.Encrypt(c, key), Instructions.Encrypt(d, key));
        }

        var last = keys[^1];
        to[0] = Instructions.EncryptLast(a, last);
        to[1] = Instructions.EncryptLast(b, last);
        to[2] = Instructions.EncryptLast(c, last);
        to[3] = Instructions.EncryptLast(d, last);
    }

    public static void EncryptEight(ReadOnlySpan<Vector128<byte>> keys, ReadOnlySpan<byte> blocks, Span<byte> output)
    {
        var from = MemoryMarshal.Cast<byte, Vector128<byte>>(blocks);
        var to = MemoryMarshal.Cast<byte, Vector128<byte>>(output);
        var first = keys[0];
        var (a, b, c, d) = (from[0] ^ first, from[1] ^ first, from[2] ^ first, from[3] ^ first);
        var (e, f, g, h) = (from[4] ^ first, from[5] ^ first, from[6] ^ first, from[7] ^ first);
        for (var round = 1; round < keys.Length - 1; round++)
        {
            var key = keys[round];
            (a, b, c, d) = (Instructions.Encrypt(a, key), Instructions.Encrypt(b, key), Instructions.Encrypt(c, key), Instructions.Encrypt(d, key));
            (e, f, g, h) = (Instructions.Encrypt(e, key), Instructions.Encrypt(f, key), Instructions.Encrypt(g, key), Instructions.Encrypt(h, key));
        }

        var last = keys[^1];
        (to[0], to[1]) = (Instructions.EncryptLast(a, last), Instructions.EncryptLast(b, last));
        (to[2], to[3]) = (Instructions.EncryptLast(c, last), Instructions.EncryptLast(d, last));
        (to[4], to[5]) = (Instructions.EncryptLast(e, last), Instructions.EncryptLast(f, last));
        (to[6], to[7]) = (Instructions.EncryptLast(g, last), Instructions.EncryptLast(h, last));
    }

    public static void XorInto(Span<byte> text, ReadOnlySpan<byte> stream)
    {
        var words = MemoryMarshal.Cast<byte, ulong>(text);
        var streamWords = MemoryMarshal.Cast<byte, ulong>(stream);
        for (var i = 0; i < words.Length; i++) words[i] ^= streamWords[i];
        for (var i = 8 * words.Length; i < text.Length; i++) text[i] ^= stream[i];
    }

    /// <summary>The key expansion of AES, on words that stand in memory as the key does.</summary>
    private static void Expand(ReadOnlySpan<byte> key, Span<byte> schedule)
    {
        key.CopyTo(schedule);
        var words = MemoryMarshal.Cast<byte, uint>(schedule);
        var n = key.Length / 4;
        var rcon = 1u;
        for (var i = n; i < words.Length; i++)
        {
            var word = words[i - 1];
            if (i % n == 0)
            {
                word = Substitute(word, rotate: true) ^ rcon;
                rcon = rcon << 1 ^ (rcon >> 7) * 0x11B;
            }
            else if (n > 6 && i % n == 4)
            {
                word = Substitute(word, rotate: false);
            }

            words[i] = words[i - n] ^ word;
        }
    }

    /// <summary>The S-box without a table: the instruction gives SubWord of lane 1 in lane 0 and its rotation in lane 1.</summary>
    private static uint Substitute(uint word, bool rotate) =>
        Instructions.KeygenAssist(Vector128.Create(0, word, 0, 0).AsByte(), 0).AsUInt32().GetElement(rotate ? 1 : 0);
}
