using System.Buffers.Binary;
using System.Security.Cryptography;

namespace ConfCluster.Protocols.Mikey;

/// <summary>AES in the two ways in which keys are transported: counter mode (RFC 3830 §4.2.3) and the key wrap of RFC 3394 §2.2.</summary>
internal static class AesBlocks
{
    private const int Block = 16;
    private const int Half = 8;
    private const int AtOnce = 16;

    /// <summary>XORs the key stream into <paramref name="text"/>. The last 16 bits of the IV count.</summary>
    public static void Counter(ReadOnlySpan<byte> key, ReadOnlySpan<byte> iv, Span<byte> text)
    {
        using var aes = Keyed(key);

        // Some blocks at once: each call of the cipher costs more than a block.
        Span<byte> stream = stackalloc byte[AtOnce * Block];
        for (var next = 0; !text.IsEmpty; next += AtOnce)
        {
            var used = stream[..(Math.Min(AtOnce, (text.Length + Block - 1) / Block) * Block)];
            for (var i = 0; i < used.Length / Block; i++)
            {
                iv.CopyTo(used[(i * Block)..]);
                BinaryPrimitives.WriteUInt16BigEndian(used[(i * Block + 14)..], (ushort)(next + i));
            }

            aes.EncryptEcb(used, used, PaddingMode.None);
            var n = Math.Min(used.Length, text.Length);
            for (var j = 0; j < n; j++) text[j] ^= used[j];
            text = text[n..];
        }

        CryptographicOperations.ZeroMemory(stream);
    }

    /// <summary>Whether key wrap can take as much: at least two halves of a block and nothing left over.</summary>
    public static bool CanWrap(int length) => length >= 2 * Half && length % Half == 0;

    /// <summary><paramref name="wrapped"/> is one half block longer than the text.</summary>
    public static void Wrap(ReadOnlySpan<byte> key, ReadOnlySpan<byte> iv, ReadOnlySpan<byte> text, Span<byte> wrapped)
    {
        using var aes = Keyed(key);
        Span<byte> block = stackalloc byte[Block];
        text.CopyTo(wrapped[Half..]);
        iv.CopyTo(wrapped);
        var n = text.Length / Half;
        for (var j = 0; j < 6; j++)
        {
            for (var i = 1; i <= n; i++)
            {
                wrapped[..Half].CopyTo(block);
                wrapped.Slice(Half * i, Half).CopyTo(block[Half..]);
                aes.EncryptEcb(block, block, PaddingMode.None);
                AddStep(block, n * j + i);
                block[..Half].CopyTo(wrapped);
                block[Half..].CopyTo(wrapped[(Half * i)..]);
            }
        }

        CryptographicOperations.ZeroMemory(block);
    }

    /// <summary>False when the integrity check value is not the IV; the text is then nothing.</summary>
    public static bool TryUnwrap(ReadOnlySpan<byte> key, ReadOnlySpan<byte> iv, ReadOnlySpan<byte> wrapped, Span<byte> text)
    {
        using var aes = Keyed(key);
        Span<byte> block = stackalloc byte[Block];
        Span<byte> check = stackalloc byte[Half];
        wrapped[..Half].CopyTo(check);
        wrapped[Half..].CopyTo(text);
        var n = text.Length / Half;
        for (var j = 5; j >= 0; j--)
        {
            for (var i = n; i >= 1; i--)
            {
                check.CopyTo(block);
                text.Slice(Half * (i - 1), Half).CopyTo(block[Half..]);
                AddStep(block, n * j + i);
                aes.DecryptEcb(block, block, PaddingMode.None);
                block[..Half].CopyTo(check);
                block[Half..].CopyTo(text[(Half * (i - 1))..]);
            }
        }

        var isRight = CryptographicOperations.FixedTimeEquals(check, iv);
        if (!isRight) CryptographicOperations.ZeroMemory(text);
        CryptographicOperations.ZeroMemory(block);
        return isRight;
    }

    private static void AddStep(Span<byte> block, int t)
    {
        var a = BinaryPrimitives.ReadUInt64BigEndian(block);
        BinaryPrimitives.WriteUInt64BigEndian(block, a ^ (ulong)t);
    }

    private static Aes Keyed(ReadOnlySpan<byte> key)
    {
        var aes = Aes.Create();
        aes.SetKey(key);
        return aes;
    }
}
