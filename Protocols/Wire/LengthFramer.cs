using System.Buffers.Binary;
using System.Security.Cryptography;

namespace ConfCluster.Protocols.Wire;

/// <summary>What <see cref="LengthFramer.Next"/> found.</summary>
public enum LengthFrame : byte
{
    /// <summary>The next message is not there yet.</summary>
    NeedMore,

    /// <summary>A message.</summary>
    Whole,

    /// <summary>One is announced that is longer than any may be; nothing comes after it.</summary>
    TooLong,
}

/// <summary>
/// Cuts a stream into messages, each behind its length in four octets, the lowest first, as nodes send them to each other. Memory grows with what has come and not with
/// what is announced, shrinks when everything is taken, and is zeroed when it is let go: keys may be in it.
/// </summary>
/// <param name="longest">Octets that a message may have, without the length.</param>
/// <param name="room">Octets of the buffer at the beginning.</param>
public sealed class LengthFramer(int longest, int room = 1 << 16) : IDisposable
{
    private const int Header = 4;
    private byte[] _buffer = new byte[Math.Max(room, Header)];
    private int _start;
    private int _end;

    /// <summary>What came and has not been taken.</summary>
    public int Buffered => _end - _start;

    /// <summary>Octets of memory that it holds.</summary>
    public int Capacity => _buffer.Length;

    /// <summary>The length that the next message says it has; null: that is not there yet.</summary>
    public uint? Announced => Buffered < Header ? null : BinaryPrimitives.ReadUInt32LittleEndian(_buffer.AsSpan(_start));

    /// <summary>Where the next octets go; never empty. What <see cref="Next"/> gave is gone.</summary>
    public Memory<byte> Room()
    {
        var (rest, least) = (Buffered, Math.Max(room, Header));
        var into = rest == _buffer.Length ? new byte[rest * 2] : rest == 0 && _buffer.Length > least ? new byte[least] : _buffer;
        if (into != _buffer || _start > 0) _buffer.AsSpan(_start, rest).CopyTo(into);
        if (into != _buffer) CryptographicOperations.ZeroMemory(_buffer);
        (_buffer, _start, _end) = (into, 0, rest);
        return into.AsMemory(rest);
    }

    /// <summary>So many octets have been written into <see cref="Room"/>.</summary>
    public void Came(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, _buffer.Length - _end);
        _end += count;
    }

    /// <param name="message">Valid until the next call of <see cref="Room"/>; empty unless it is whole.</param>
    public LengthFrame Next(out ReadOnlySpan<byte> message)
    {
        message = default;
        if (Announced is not { } announced) return LengthFrame.NeedMore;
        if (announced > longest) return LengthFrame.TooLong;
        var length = (int)announced;
        if (Buffered - Header < length) return LengthFrame.NeedMore;
        message = _buffer.AsSpan(_start + Header, length);
        _start += Header + length;
        return LengthFrame.Whole;
    }

    public void Dispose() => CryptographicOperations.ZeroMemory(_buffer);
}
