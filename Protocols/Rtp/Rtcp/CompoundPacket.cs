using System.Buffers.Binary;

namespace ConfCluster.Protocols.Rtp.Rtcp;

/// <summary>Packet types of RFC 3550 §12.1.</summary>
public enum RtcpType : byte
{
    SenderReport = 200, ReceiverReport = 201, SourceDescription = 202, Goodbye = 203, Application = 204,
}

/// <summary>Why bytes are not a compound packet.</summary>
public enum RtcpError : byte
{
    None, Truncated, BadVersion, NotAReportFirst, BadLength, BadPadding,
}

/// <summary>One packet inside a compound: its type, count field and all its octets, header included.</summary>
public readonly ref struct RtcpPacket(RtcpType type, int count, ReadOnlySpan<byte> bytes)
{
    public RtcpType Type { get; } = type;

    public int Count { get; } = count;

    public ReadOnlySpan<byte> Bytes { get; } = bytes;

    /// <summary>The SSRC behind the header; only where <see cref="HasSsrc"/>.</summary>
    public Ssrc Ssrc => new(BinaryPrimitives.ReadUInt32BigEndian(Bytes[4..]));

    public bool HasSsrc => Bytes.Length >= 8;
}

/// <summary>
/// Walks a compound RTCP packet without copying (RFC 3550 §6.1, §A.2). Check with <see cref="Validate"/> first; then
/// <see cref="Next"/> yields each packet.
/// </summary>
public ref struct CompoundPacket(ReadOnlySpan<byte> bytes)
{
    private ReadOnlySpan<byte> _rest = bytes;

    /// <summary>Lengths add up, versions are 2, the first is a report, only the last is padded.</summary>
    public static RtcpError Validate(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < 8) return RtcpError.Truncated;
        if ((RtcpType)bytes[1] is not (RtcpType.SenderReport or RtcpType.ReceiverReport)) return RtcpError.NotAReportFirst;
        while (!bytes.IsEmpty)
        {
            if (bytes.Length < 4) return RtcpError.Truncated;
            if (bytes[0] >> 6 != 2) return RtcpError.BadVersion;
            var length = 4 * (BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]) + 1);
            if (length > bytes.Length) return RtcpError.BadLength;
            if ((bytes[0] & 0x20) != 0 && length != bytes.Length) return RtcpError.BadPadding;
            var padding = (bytes[0] & 0x20) != 0 ? bytes[length - 1] : 0;
            // RFC 3550 §6.4.1: the last octet of the padding counts it, itself included, in multiples of four.
            if ((bytes[0] & 0x20) != 0 && (padding == 0 || padding % 4 != 0)) return RtcpError.BadPadding;
            if (length - padding < MinimumLength(bytes)) return RtcpError.BadLength;
            bytes = bytes[length..];
        }

        return RtcpError.None;
    }

    public bool Next(out RtcpPacket packet)
    {
        packet = default;
        if (_rest.Length < 4) return false;
        var length = 4 * (BinaryPrimitives.ReadUInt16BigEndian(_rest[2..]) + 1);
        packet = new RtcpPacket((RtcpType)_rest[1], _rest[0] & 0x1F, _rest[..length]);
        _rest = _rest[length..];
        return true;
    }

    private static int MinimumLength(ReadOnlySpan<byte> packet) => (RtcpType)packet[1] switch
    {
        RtcpType.SenderReport => 28 + ReportBlock.Length * (packet[0] & 0x1F),
        RtcpType.ReceiverReport => 8 + ReportBlock.Length * (packet[0] & 0x1F),
        RtcpType.Goodbye => 4 + 4 * (packet[0] & 0x1F),
        _ => 4,
    };
}
