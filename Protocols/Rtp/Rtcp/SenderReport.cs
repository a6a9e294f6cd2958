using System.Buffers.Binary;

namespace ConfCluster.Protocols.Rtp.Rtcp;

/// <summary>Sender report (RFC 3550 §6.4.1) without its report blocks.</summary>
public readonly record struct SenderReport(Ssrc Ssrc, NtpTime Ntp, uint RtpTimestamp, uint Packets, uint Octets)
{
    public const int FixedLength = 28;

    /// <summary>Of a packet that <see cref="CompoundPacket.Validate"/> let through.</summary>
    public static SenderReport Read(in RtcpPacket packet)
    {
        var at = packet.Bytes;
        return new SenderReport(
            packet.Ssrc, new NtpTime(BinaryPrimitives.ReadUInt32BigEndian(at[8..]), BinaryPrimitives.ReadUInt32BigEndian(at[12..])),
            BinaryPrimitives.ReadUInt32BigEndian(at[16..]), BinaryPrimitives.ReadUInt32BigEndian(at[20..]), BinaryPrimitives.ReadUInt32BigEndian(at[24..]));
    }

    /// <summary>Writes the report with at most one block; returns its length.</summary>
    public int Write(Span<byte> to, ReportBlock? block)
    {
        var length = FixedLength + (block is null ? 0 : ReportBlock.Length);
        RtcpHeader.Write(to, RtcpType.SenderReport, block is null ? 0 : 1, length, Ssrc);
        BinaryPrimitives.WriteUInt32BigEndian(to[8..], Ntp.Seconds);
        BinaryPrimitives.WriteUInt32BigEndian(to[12..], Ntp.Fraction);
        BinaryPrimitives.WriteUInt32BigEndian(to[16..], RtpTimestamp);
        BinaryPrimitives.WriteUInt32BigEndian(to[20..], Packets);
        BinaryPrimitives.WriteUInt32BigEndian(to[24..], Octets);
        block?.Write(to[FixedLength..]);
        return length;
    }
}

/// <summary>Receiver report (RFC 3550 §6.4.2).</summary>
public static class ReceiverReport
{
    public const int FixedLength = 8;

    public static int Write(Span<byte> to, Ssrc ssrc, ReportBlock? block)
    {
        var length = FixedLength + (block is null ? 0 : ReportBlock.Length);
        RtcpHeader.Write(to, RtcpType.ReceiverReport, block is null ? 0 : 1, length, ssrc);
        block?.Write(to[FixedLength..]);
        return length;
    }

    /// <summary>The block about <paramref name="source"/> in a sender or receiver report, if it has one.</summary>
    public static bool TryFind(in RtcpPacket packet, Ssrc source, out ReportBlock block)
    {
        var at = packet.Bytes[(packet.Type == RtcpType.SenderReport ? SenderReport.FixedLength : FixedLength)..];
        for (var i = 0; i < packet.Count; i++, at = at[ReportBlock.Length..])
        {
            block = ReportBlock.Read(at);
            if (block.Source == source) return true;
        }

        block = default;
        return false;
    }
}

/// <summary>The common first 8 octets (RFC 3550 §6.4).</summary>
internal static class RtcpHeader
{
    public static void Write(Span<byte> to, RtcpType type, int count, int length, Ssrc ssrc)
    {
        to[0] = (byte)(0x80 | count);
        to[1] = (byte)type;
        BinaryPrimitives.WriteUInt16BigEndian(to[2..], (ushort)(length / 4 - 1));
        BinaryPrimitives.WriteUInt32BigEndian(to[4..], ssrc.Value);
    }
}
