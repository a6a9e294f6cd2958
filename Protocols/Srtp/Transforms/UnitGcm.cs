using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Security.Cryptography;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Protocols.Srtp.Transforms;

/// <summary>AES-GCM (RFC 7714 §8) of the AES and carry-less multiplication instructions; no table, no branch on a secret.</summary>
internal sealed class UnitGcm : GcmCipher
{
    private const int Block = 16, Batch = 8;

    private readonly SecretBytes _roundKeys;
    private readonly SecretBytes _powers;

    public UnitGcm(ReadOnlySpan<byte> key)
    {
        _roundKeys = AesUnit.Schedule(key);
        // NIST SP 800-38D: the hash key is the encrypted zero block.
        Span<byte> blocks = stackalloc byte[Batch * Block];
        blocks.Clear();
        AesUnit.EncryptEight(Keys, blocks, blocks);
        var hashKey = BinaryPrimitives.ReadUInt128BigEndian(blocks);
        _powers = SecretBytes.Create(Ghash.Powers * Block, span => Ghash.Expand(hashKey, span));
        CryptographicOperations.ZeroMemory(blocks);
    }

    private ReadOnlySpan<Vector128<byte>> Keys => MemoryMarshal.Cast<byte, Vector128<byte>>(_roundKeys.Reveal());

    public override void Seal(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> associated, Span<byte> text, Span<byte> tag)
    {
        Span<byte> stream = stackalloc byte[Batch * Block];
        Keystream(nonce, 1, stream);
        Crypt(nonce, stream, text);
        (Hash(associated, text) ^ Mask(stream)).CopyTo(tag);
        CryptographicOperations.ZeroMemory(stream);
    }

    public override bool TryOpen(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> associated, Span<byte> text, ReadOnlySpan<byte> tag)
    {
        Span<byte> stream = stackalloc byte[Batch * Block];
        Span<byte> expected = stackalloc byte[TagLength];
        Keystream(nonce, 1, stream);
        (Hash(associated, text) ^ Mask(stream)).CopyTo(expected);
        var authentic = CryptographicOperations.FixedTimeEquals(expected, tag);
        if (authentic) Crypt(nonce, stream, text);
        CryptographicOperations.ZeroMemory(stream);
        return authentic;
    }

    public override void Dispose()
    {
        _roundKeys.Dispose();
        _powers.Dispose();
    }

    /// <summary>Block 1 masks the tag, the text begins with block 2.</summary>
    private static Vector128<byte> Mask(ReadOnlySpan<byte> stream) => Vector128.Create(stream[..Block]);

    private Vector128<byte> Hash(ReadOnlySpan<byte> associated, ReadOnlySpan<byte> text) =>
        Ghash.Of(MemoryMarshal.Cast<byte, Vector128<ulong>>(_powers.Reveal()), associated, text);

    /// <summary>Eight blocks from that counter on.</summary>
    private void Keystream(ReadOnlySpan<byte> nonce, uint counter, Span<byte> stream)
    {
        for (var at = 0; at < stream.Length; at += Block)
        {
            nonce.CopyTo(stream[at..]);
            BinaryPrimitives.WriteUInt32BigEndian(stream[(at + 12)..], counter++);
        }

        AesUnit.EncryptEight(Keys, stream, stream);
    }

    /// <summary>Uses up the first batch, whose first block is the mask, and makes as many as the text needs.</summary>
    private void Crypt(ReadOnlySpan<byte> nonce, Span<byte> stream, Span<byte> text)
    {
        Span<byte> more = stackalloc byte[Batch * Block];
        scoped ReadOnlySpan<byte> ready = stream[Block..];
        for (var counter = 1u + Batch; ; counter += Batch)
        {
            var n = Math.Min(ready.Length, text.Length);
            AesUnit.XorInto(text[..n], ready);
            text = text[n..];
            if (text.IsEmpty) break;
            Keystream(nonce, counter, more);
            ready = more;
        }

        CryptographicOperations.ZeroMemory(more);
    }
}
