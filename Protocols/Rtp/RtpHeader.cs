using System.Buffers.Binary;

namespace ConfCluster.Protocols.Rtp;

/// <summary>Why a datagram is not an RTP packet; each value is a counter.</summary>
public enum RtpError : byte
{
    None, Truncated, BadVersion, BadPadding,
}

/// <summary>
/// The fixed RTP header and the length of the variable part (RFC 3550 §5.1, §5.3.1). <see cref="Length"/> counts CSRCs and extension;
/// padding is inside the encrypted part and read by <see cref="Payload"/> once the packet is open.
/// </summary>
public readonly record struct RtpHeader(bool Marker, bool Padding, byte PayloadType, ushort Sequence, uint Timestamp, Ssrc Ssrc, int Length,
    byte CsrcCount = 0, bool HasExtension = false)
{
    public const int FixedLength = 12;

    /// <summary>The CSRC count has four bits (RFC 3550 §5.1).</summary>
    public const int MaxCsrcs = 15;

    public static bool TryRead(ReadOnlySpan<byte> packet, out RtpHeader header, out RtpError error)
    {
        header = default;
        if (packet.Length < FixedLength) return Fail(RtpError.Truncated, out error);
        if (packet[0] >> 6 != 2) return Fail(RtpError.BadVersion, out error);

        var length = FixedLength + 4 * (packet[0] & 0x0F);
        if ((packet[0] & 0x10) != 0)
        {
            // RFC 3550 §5.3.1: the length counts 32-bit words after the 4-octet extension header.
            if (packet.Length < length + 4) return Fail(RtpError.Truncated, out error);
            length += 4 + 4 * BinaryPrimitives.ReadUInt16BigEndian(packet[(length + 2)..]);
        }

        if (packet.Length < length) return Fail(RtpError.Truncated, out error);
        header = new RtpHeader(
            (packet[1] & 0x80) != 0, (packet[0] & 0x20) != 0, (byte)(packet[1] & 0x7F), BinaryPrimitives.ReadUInt16BigEndian(packet[2..]),
            BinaryPrimitives.ReadUInt32BigEndian(packet[4..]), new Ssrc(BinaryPrimitives.ReadUInt32BigEndian(packet[8..])), length,
            (byte)(packet[0] & 0x0F), (packet[0] & 0x10) != 0);
        error = RtpError.None;
        return true;
    }

    /// <summary>Writes the 12 fixed octets: version 2, no padding, extension or CSRC.</summary>
    public static void Write(Span<byte> packet, bool marker, byte payloadType, ushort sequence, uint timestamp, Ssrc ssrc)
    {
        packet[0] = 0x80;
        packet[1] = (byte)((marker ? 0x80 : 0) | payloadType);
        BinaryPrimitives.WriteUInt16BigEndian(packet[2..], sequence);
        BinaryPrimitives.WriteUInt32BigEndian(packet[4..], timestamp);
        BinaryPrimitives.WriteUInt32BigEndian(packet[8..], ssrc.Value);
    }

    /// <summary>Writes a header with the sources that a mixer summed up (RFC 3550 §5.1); returns its length.</summary>
    /// <exception cref="ArgumentException">More than <see cref="MaxCsrcs"/>.</exception>
    public static int Write(Span<byte> packet, bool marker, byte payloadType, ushort sequence, uint timestamp, Ssrc ssrc, ReadOnlySpan<Ssrc> csrcs)
    {
        if (csrcs.Length > MaxCsrcs) throw new ArgumentException("a header names 15 CSRCs at most", nameof(csrcs));
        Write(packet, marker, payloadType, sequence, timestamp, ssrc);
        packet[0] |= (byte)csrcs.Length;
        for (var i = 0; i < csrcs.Length; i++) BinaryPrimitives.WriteUInt32BigEndian(packet[(FixedLength + 4 * i)..], csrcs[i].Value);
        return FixedLength + 4 * csrcs.Length;
    }

    /// <summary>One of the <see cref="CsrcCount"/> contributing sources of this packet.</summary>
    public Ssrc Csrc(ReadOnlySpan<byte> packet, int number)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)number, CsrcCount, nameof(number));
        return new Ssrc(BinaryPrimitives.ReadUInt32BigEndian(packet[(FixedLength + 4 * number)..]));
    }

    /// <summary>The header extension, if there is one: what its profile defines it to be, and its words (RFC 3550 §5.3.1).</summary>
    public bool TryExtension(ReadOnlySpan<byte> packet, out ushort profile, out ReadOnlySpan<byte> words)
    {
        profile = 0;
        words = default;
        if (!HasExtension) return false;
        var at = FixedLength + 4 * CsrcCount;
        profile = BinaryPrimitives.ReadUInt16BigEndian(packet[at..]);
        words = packet[(at + 4)..Length];
        return true;
    }

    /// <summary>The payload of an opened packet without its padding (RFC 3550 §5.1: the last octet counts itself).</summary>
    public bool TryPayload(ReadOnlySpan<byte> opened, out ReadOnlySpan<byte> payload)
    {
        payload = opened[Length..];
        if (!Padding) return true;
        if (payload.IsEmpty || payload[^1] == 0 || payload[^1] > payload.Length) return false;
        payload = payload[..^payload[^1]];
        return true;
    }

    /// <summary>RFC 5761 §4: the second octet tells RTCP (packet types 192 to 223) from RTP on one port.</summary>
    public static bool LooksLikeRtcp(ReadOnlySpan<byte> packet) => packet.Length >= 2 && packet[1] is >= 192 and <= 223;

    private static bool Fail(RtpError reason, out RtpError error)
    {
        error = reason;
        return false;
    }
}
