using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace ConfCluster.Protocols.Srtp.Transforms;

/// <summary>
/// GHASH of NIST SP 800-38D in terms of POLYVAL (RFC 8452 Appendix A): octets reversed, products divided by x^128, the hash key multiplied by
/// x once. Up to nine products are summed before they are reduced.
/// </summary>
internal static class Ghash
{
    /// <summary>Eight blocks of text at a time; the last group may have the block of lengths on top.</summary>
    public const int Powers = 9;

    private const int Block = 16, Group = 8;

    /// <summary>RFC 8452 §3: x^128 + x^127 + x^126 + x^121 + 1, without its highest term.</summary>
    private static readonly UInt128 Polynomial = new(0xC200_0000_0000_0000, 1);

    /// <summary>The powers of the hash key, the first power first.</summary>
    public static void Expand(UInt128 hashKey, Span<byte> powers)
    {
        // RFC 8452 Appendix A: mulX_POLYVAL, without a branch on the bit that falls out.
        var shifted = hashKey << 1 ^ (UInt128.Zero - (hashKey >> 127)) & Polynomial;
        var to = MemoryMarshal.Cast<byte, Vector128<ulong>>(powers);
        to[0] = Vector128.Create((ulong)shifted, (ulong)(shifted >> 64));
        for (var i = 1; i < to.Length; i++)
        {
            Vector128<ulong> low = default, middle = default, high = default;
            Multiply(to[i - 1], to[0], ref low, ref middle, ref high);
            to[i] = Reduce(low, middle, high);
        }
    }

    public static Vector128<byte> Of(ReadOnlySpan<Vector128<ulong>> powers, ReadOnlySpan<byte> associated, ReadOnlySpan<byte> text)
    {
        Span<byte> last = stackalloc byte[Powers * Block];
        var hash = Vector128<ulong>.Zero;
        var (associatedBits, textBits) = (8 * (ulong)associated.Length, 8 * (ulong)text.Length);
        hash = WholeGroups(hash, ref associated, powers);
        if (!associated.IsEmpty) hash = Fold(hash, Padded(associated, last, 0), powers);

        hash = WholeGroups(hash, ref text, powers);
        var end = Padded(text, last, Block);
        BinaryPrimitives.WriteUInt64BigEndian(end[^16..], associatedBits);
        BinaryPrimitives.WriteUInt64BigEndian(end[^8..], textBits);
        hash = Fold(hash, end, powers);
        return Reversed(hash.AsByte());
    }

    private static Vector128<ulong> WholeGroups(Vector128<ulong> hash, ref ReadOnlySpan<byte> octets, ReadOnlySpan<Vector128<ulong>> powers)
    {
        for (; octets.Length >= Group * Block; octets = octets[(Group * Block)..]) hash = Fold(hash, octets[..(Group * Block)], powers);
        return hash;
    }

    /// <summary>The octets, zeros up to whole blocks, and <paramref name="more"/> zeros.</summary>
    private static Span<byte> Padded(ReadOnlySpan<byte> octets, Span<byte> space, int more)
    {
        var padded = space[..((octets.Length + Block - 1) / Block * Block + more)];
        octets.CopyTo(padded);
        padded[octets.Length..].Clear();
        return padded;
    }

    /// <summary>(hash + X1) · H^n + X2 · H^(n-1) + … + Xn · H.</summary>
    private static Vector128<ulong> Fold(Vector128<ulong> hash, ReadOnlySpan<byte> blocks, ReadOnlySpan<Vector128<ulong>> powers)
    {
        var x = MemoryMarshal.Cast<byte, Vector128<byte>>(blocks);
        Vector128<ulong> low = default, middle = default, high = default;
        for (var i = 0; i < x.Length; i++)
        {
            Multiply(Reversed(x[i]).AsUInt64() ^ hash, powers[x.Length - 1 - i], ref low, ref middle, ref high);
            hash = default;
        }

        return Reduce(low, middle, high);
    }

    private static void Multiply(
        Vector128<ulong> a, Vector128<ulong> b, ref Vector128<ulong> low, ref Vector128<ulong> middle, ref Vector128<ulong> high)
    {
        low ^= Pclmulqdq.CarrylessMultiply(a, b, 0x00);
        middle ^= Pclmulqdq.CarrylessMultiply(a, b, 0x01) ^ Pclmulqdq.CarrylessMultiply(a, b, 0x10);
        high ^= Pclmulqdq.CarrylessMultiply(a, b, 0x11);
    }

    /// <summary>Divides the 256-bit sum by x^128: twice the multiple of the polynomial that makes the lowest 64 bits vanish is added.</summary>
    private static Vector128<ulong> Reduce(Vector128<ulong> low, Vector128<ulong> middle, Vector128<ulong> high)
    {
        low ^= Sse2.ShiftLeftLogical128BitLane(middle, 8);
        high ^= Sse2.ShiftRightLogical128BitLane(middle, 8);
        var factor = Vector128.Create(0xC200_0000_0000_0000, 0UL);
        var once = Swapped(low) ^ Pclmulqdq.CarrylessMultiply(low, factor, 0x00);
        return high ^ Swapped(once) ^ Pclmulqdq.CarrylessMultiply(once, factor, 0x00);
    }

    private static Vector128<ulong> Swapped(Vector128<ulong> v) => Sse2.Shuffle(v.AsUInt32(), 0b01_00_11_10).AsUInt64();

    private static Vector128<byte> Reversed(Vector128<byte> v) =>
        Ssse3.Shuffle(v, Vector128.Create((byte)15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0));
}
