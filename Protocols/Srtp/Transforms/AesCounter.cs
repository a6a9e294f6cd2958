using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Security.Cryptography;
using ConfCluster.Protocols.Wire;
using Org.BouncyCastle.Crypto;
using Org.BouncyCastle.Crypto.Parameters;

namespace ConfCluster.Protocols.Srtp.Transforms;

/// <summary>
/// AES in counter mode over a 128-bit block whose last 16 bits count (RFC 3711 §4.1.1), with keys of 128, 192 or 256 bits. Owns the key
/// schedule. With the CPU's AES unit it is pinned and zeroed on <see cref="Dispose"/>; without, see <see cref="PortableAesCounter"/>.
/// </summary>
public abstract class AesCounter : IDisposable
{
    public static AesCounter Keyed(ReadOnlySpan<byte> key) => System.Runtime.Intrinsics.X86.Aes.IsSupported ? new AesUnitCounter(key) : new PortableAesCounter(key);

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
            AesUnit.XorInto(text[..n], stream);
            text = text[n..];
        }

        CryptographicOperations.ZeroMemory(stream);
    }

    public abstract void Dispose();

    /// <summary>Four blocks at once keep the pipeline of the AES unit full; what is over at the end costs less than a branch.</summary>
    protected abstract void EncryptFour(ReadOnlySpan<byte> blocks, Span<byte> stream);
}

/// <summary>With the AES instructions of x86 processors.</summary>
internal sealed class AesUnitCounter(ReadOnlySpan<byte> key) : AesCounter
{
    private readonly SecretBytes _roundKeys = AesUnit.Schedule(key);

    public override void Dispose() => _roundKeys.Dispose();

    protected override void EncryptFour(ReadOnlySpan<byte> blocks, Span<byte> stream) =>
        AesUnit.EncryptFour(MemoryMarshal.Cast<byte, Vector128<byte>>(_roundKeys.Reveal()), blocks, stream);
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
