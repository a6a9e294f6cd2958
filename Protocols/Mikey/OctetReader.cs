using System.Buffers.Binary;

namespace ConfCluster.Protocols.Mikey;

/// <summary>Reads big-endian fields off the front of a span; false when it is too short, and then nothing was read.</summary>
internal ref struct OctetReader(ReadOnlySpan<byte> octets)
{
    private ReadOnlySpan<byte> _rest = octets;

    /// <summary>Counts all payloads of one message, nested ones too, since each costs an object.</summary>
    public int Payloads { get; set; }

    public readonly int Left => _rest.Length;

    public bool TryByte(out byte value)
    {
        value = 0;
        if (_rest.IsEmpty) return false;
        value = _rest[0];
        _rest = _rest[1..];
        return true;
    }

    public bool TryWord(out ushort value) => Try(2, out var field) ? Read(BinaryPrimitives.ReadUInt16BigEndian(field), out value) : Read((ushort)0, out value, false);

    public bool TryLong(out uint value) => Try(4, out var field) ? Read(BinaryPrimitives.ReadUInt32BigEndian(field), out value) : Read(0u, out value, false);

    public bool TryHyper(out ulong value) => Try(8, out var field) ? Read(BinaryPrimitives.ReadUInt64BigEndian(field), out value) : Read(0ul, out value, false);

    public bool Try(int length, out ReadOnlySpan<byte> field)
    {
        field = default;
        if (length > _rest.Length) return false;
        field = _rest[..length];
        _rest = _rest[length..];
        return true;
    }

    public bool TryOctets(int length, out Octets octets)
    {
        var read = Try(length, out var field);
        octets = Octets.CopyOf(field);
        return read;
    }

    /// <summary>A length of one octet, then as many octets.</summary>
    public bool TryShort(out Octets octets)
    {
        octets = default;
        return TryByte(out var length) && TryOctets(length, out octets);
    }

    /// <summary>A length of two octets, then as many octets.</summary>
    public bool TrySized(out Octets octets)
    {
        octets = default;
        return TryWord(out var length) && TryOctets(length, out octets);
    }

    private static bool Read<T>(T value, out T result, bool read = true)
    {
        result = value;
        return read;
    }
}
