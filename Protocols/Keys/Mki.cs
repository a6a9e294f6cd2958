using System.Buffers.Binary;

namespace ConfCluster.Protocols.Keys;

/// <summary>
/// Master Key Identifier (RFC 3711 §3.1) as SDES signals it: a positive number sent big endian in 1 to 128 octets
/// (RFC 4568 §6.1). We take values up to 2^64-1; the default value (length 0) means "no MKI in the packets".
/// </summary>
public readonly record struct Mki(ulong Value, byte Length)
{
    public const int MaxLength = 128;

    public static readonly Mki None;

    public bool IsPresent => Length != 0;

    /// <summary>Writes exactly <see cref="Length"/> octets.</summary>
    public void Write(Span<byte> field)
    {
        Span<byte> value = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(value, Value);
        field = field[..Length];
        field.Clear();
        var n = Math.Min(8, (int)Length);
        value[^n..].CopyTo(field[^n..]);
    }

    /// <summary>Reads a field of 1 to 128 octets; false when the value does not fit 64 bits (no key of ours or of a peer has it).</summary>
    public static bool TryRead(ReadOnlySpan<byte> field, out Mki mki)
    {
        mki = None;
        if (field.Length is 0 or > MaxLength) return false;
        ulong value = 0;
        foreach (var octet in field)
        {
            if (value >> 56 != 0) return false;
            value = value << 8 | octet;
        }

        mki = new Mki(value, (byte)field.Length);
        return true;
    }

    public override string ToString() => IsPresent ? $"mki {Value}:{Length}" : "no mki";
}
