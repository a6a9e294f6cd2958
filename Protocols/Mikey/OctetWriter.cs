using System.Buffers;
using System.Buffers.Binary;

namespace ConfCluster.Protocols.Mikey;

/// <summary>Appends big-endian fields. Lengths that do not fit their field are our bug, not the peer's.</summary>
internal sealed class OctetWriter
{
    private readonly ArrayBufferWriter<byte> _buffer = new(512);

    public int Length => _buffer.WrittenCount;

    public Octets ToOctets() => Octets.CopyOf(_buffer.WrittenSpan);

    public ReadOnlySpan<byte> Written => _buffer.WrittenSpan;

    public void Byte(byte value)
    {
        _buffer.GetSpan(1)[0] = value;
        _buffer.Advance(1);
    }

    public void Word(int value)
    {
        BinaryPrimitives.WriteUInt16BigEndian(_buffer.GetSpan(2), checked((ushort)value));
        _buffer.Advance(2);
    }

    public void Long(uint value)
    {
        BinaryPrimitives.WriteUInt32BigEndian(_buffer.GetSpan(4), value);
        _buffer.Advance(4);
    }

    public void Hyper(ulong value)
    {
        BinaryPrimitives.WriteUInt64BigEndian(_buffer.GetSpan(8), value);
        _buffer.Advance(8);
    }

    public void Raw(ReadOnlySpan<byte> octets) => _buffer.Write(octets);

    /// <summary>A length of one octet, then the octets.</summary>
    public void Short(Octets octets)
    {
        Byte(checked((byte)octets.Length));
        Raw(octets.Span);
    }

    /// <summary>A length of two octets, then the octets.</summary>
    public void Sized(Octets octets)
    {
        Word(octets.Length);
        Raw(octets.Span);
    }
}
