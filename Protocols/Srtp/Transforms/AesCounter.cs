using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Security.Cryptography;
using ConfCluster.Protocols.Wire;
using Org.BouncyCastle.Crypto;
using Org.BouncyCastle.Crypto.Parameters;
using AesUnit = System.Runtime.Intrinsics.X86.Aes;

namespace ConfCluster.Protocols.Srtp.Transforms;

/// <summary>
/// AES in counter mode over a 128-bit block whose last 16 bits count (RFC 3711 §4.1.1), with keys of 128, 192 or 256 bits. Owns the key
/// schedule. With the CPU's AES unit it is pinned and zeroed on <see cref="Dispose"/>; without, see <see cref="PortableAesCounter"/>.
/// </summary>
public abstract class AesCounter : IDisposable
{
    public static AesCounter Keyed(ReadOnlySpan<byte> key) => AesUnit.IsSupported ? new AesUnitCounter(key) : new PortableAesCounter(key);

    /// <summary>XORs the keystream that begins at <paramref name="iv"/> (left as it was) into <paramref name="text"/>, at most 2^16 blocks.</summary>
    public void Xor(ReadOnlySpan<byte> iv, Span<byte> text)
    {
        Span<byte> stream = stackalloc byte[64];
        Span<byte> counters = stackalloc byte[64];
        for (var i = 0; i < 4; i++) iv.CopyTo(counters[(16 * i)..]);
        var first = BinaryPrimitives.ReadUInt16BigEndian(iv[14..]);
        while (!text.IsEmpty)
        {
            for (var i = 0; i < 4; i++) BinaryPrimitives.WriteUInt16BigEndian(counters[(16 * i + 14)..], first++);
            EncryptFour(counters, stream);
            var n = Math.Min(64, text.Length);
            XorInto(text[..n], stream);
            text = text[n..];
        }

        CryptographicOperations.ZeroMemory(stream);
    }

    public abstract void Dispose();

    /// <summary>Four blocks at once keep the pipeline of the AES unit full; what is over at the end costs less than a branch.</summary>
    protected abstract void EncryptFour(ReadOnlySpan<byte> blocks, Span<byte> stream);

    private static void XorInto(Span<byte> text, ReadOnlySpan<byte> stream)
    {
        var words = MemoryMarshal.Cast<byte, ulong>(text);
        var streamWords = MemoryMarshal.Cast<byte, ulong>(stream);
        for (var i = 0; i < words.Length; i++) words[i] ^= streamWords[i];
        for (var i = 8 * words.Length; i < text.Length; i++) text[i] ^= stream[i];
    }
}

/// <summary>The AES instructions of x86 processors.</summary>
internal sealed class AesUnitCounter : AesCounter
{
    private readonly SecretBytes _roundKeys;

    public AesUnitCounter(ReadOnlySpan<byte> key)
    {
        if (key.Length is not (16 or 24 or 32)) throw new ArgumentException("an AES key has 16, 24 or 32 octets", nameof(key));
        using var own = SecretBytes.CopyOf(key);
        _roundKeys = SecretBytes.Create(16 * (own.Length / 4 + 7), schedule => Expand(own.Reveal(), schedule));
    }

    public override void Dispose() => _roundKeys.Dispose();

    protected override void EncryptFour(ReadOnlySpan<byte> blocks, Span<byte> stream)
    {
        var keys = MemoryMarshal.Cast<byte, Vector128<byte>>(_roundKeys.Reveal());
        var from = MemoryMarshal.Cast<byte, Vector128<byte>>(blocks);
        var to = MemoryMarshal.Cast<byte, Vector128<byte>>(stream);
        var (a, b, c, d) = (from[0] ^ keys[0], from[1] ^ keys[0], from[2] ^ keys[0], from[3] ^ keys[0]);
        for (var round = 1; round < keys.Length - 1; round++)
        {
            var key = keys[round];
            (a, b, c, d) = (AesUnit.Encrypt(a, key), AesUnit.Encrypt(b, key), AesUnit.Encrypt(c, key), AesUnit.Encrypt(d, key));
        }

        var last = keys[^1];
        to[0] = AesUnit.EncryptLast(a, last);
        to[1] = AesUnit.EncryptLast(b, last);
        to[2] = AesUnit.EncryptLast(c, last);
        to[3] = AesUnit.EncryptLast(d, last);
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
        AesUnit.KeygenAssist(Vector128.Create(0, word, 0, 0).AsByte(), 0).AsUInt32().GetElement(rotate ? 1 : 0);
}

/// <summary>
/// For processors without an AES unit that we know: BouncyCastle's engine. It keeps its key schedule to itself, so a destroyed key stays
/// in memory until that is collected and written over.
/// </summary>
internal sealed class PortableAesCounter : AesCounter
{
    private readonly IBlockCipher _cipher = Org.BouncyCastle.Crypto.AesUtilities.CreateEngine();
    private bool _disposed;

    public PortableAesCounter(ReadOnlySpan<byte> key) => _cipher.Init(forEncryption: true, new KeyParameter(key));

    public override void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        _cipher.Init(forEncryption: true, new KeyParameter(new byte[16]));
    }

    protected override void EncryptFour(ReadOnlySpan<byte> blocks, Span<byte> stream)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        for (var at = 0; at < 64; at += 16) _cipher.ProcessBlock(blocks.Slice(at, 16), stream[at..]);
    }
}
