using System.Buffers.Binary;
using System.Net;

namespace ConfCluster.Cluster.Tests.Wire;

/// <summary>What one host sent another over UDP.</summary>
/// <param name="At">Since the first packet of the capture.</param>
internal sealed record Datagram(TimeSpan At, IPEndPoint From, IPEndPoint To, byte[] Payload);

/// <summary>
/// Reads captures of loopback in the old format of libpcap (draft-ietf-opsawg-pcap): Ethernet frames with whole UDP datagrams over IPv4; all else is passed over.
/// </summary>
internal static class PcapFile
{
    private const uint Microseconds = 0xA1B2C3D4;
    private const uint Nanoseconds = 0xA1B23C4D;
    private const int FileHeader = 24;
    private const int RecordHeader = 16;
    private const int EthernetHeader = 14;
    private const uint Ethernet = 1;
    private const int UdpHeader = 8;

    /// <exception cref="InvalidDataException">No such capture, or a packet that was cut.</exception>
    public static IReadOnlyList<Datagram> Read(byte[] file)
    {
        ArgumentNullException.ThrowIfNull(file);
        if (file.Length < FileHeader) throw new InvalidDataException("shorter than the header of a capture");
        var magic = U32(file);
        if (magic is not (Microseconds or Nanoseconds) || U32(file.AsSpan(20)) != Ethernet)
            throw new InvalidDataException("no capture of Ethernet frames by this machine");
        var found = new List<Datagram>();
        long? begin = null;
        for (var at = FileHeader; at + RecordHeader <= file.Length;)
        {
            var record = file.AsSpan(at);
            var ticks = U32(record) * TimeSpan.TicksPerSecond + (magic == Microseconds ? U32(record[4..]) * 10L : U32(record[4..]) / 100L);
            begin ??= ticks;
            var (kept, sent) = ((int)U32(record[8..]), (int)U32(record[12..]));
            if (kept != sent || record.Length < RecordHeader + kept) throw new InvalidDataException($"packet at octet {at} was cut");
            if (TryReadUdp(record.Slice(RecordHeader, kept), TimeSpan.FromTicks(ticks - begin.Value)) is { } datagram) found.Add(datagram);
            at += RecordHeader + kept;
        }

        return found;
    }

    /// <summary>A capture with those packets, as <see cref="Read"/> takes it.</summary>
    public static byte[] Write(IEnumerable<Datagram> datagrams)
    {
        using var file = new MemoryStream();
        Span<byte> header = stackalloc byte[FileHeader];
        header.Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(header, Microseconds);
        BinaryPrimitives.WriteUInt32LittleEndian(header[20..], Ethernet);
        file.Write(header);
        foreach (var datagram in datagrams)
        {
            var length = EthernetHeader + 20 + UdpHeader + datagram.Payload.Length;
            var record = new byte[RecordHeader + length];
            BinaryPrimitives.WriteUInt32LittleEndian(record, (uint)datagram.At.TotalSeconds);
            BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(4), (uint)(datagram.At.Ticks % TimeSpan.TicksPerSecond / 10));
            BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(8), (uint)length);
            BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(12), (uint)length);
            var ip = record.AsSpan(RecordHeader + EthernetHeader);
            record[RecordHeader + 12] = 8;
            (ip[0], ip[9]) = (0x45, 17);
            datagram.From.Address.GetAddressBytes().CopyTo(ip[12..]);
            datagram.To.Address.GetAddressBytes().CopyTo(ip[16..]);
            BinaryPrimitives.WriteUInt16BigEndian(ip[20..], (ushort)datagram.From.Port);
            BinaryPrimitives.WriteUInt16BigEndian(ip[22..], (ushort)datagram.To.Port);
            BinaryPrimitives.WriteUInt16BigEndian(ip[24..], (ushort)(UdpHeader + datagram.Payload.Length));
            datagram.Payload.CopyTo(ip[28..]);
            file.Write(record);
        }

        return file.ToArray();
    }

    /// <summary>Null: something else.</summary>
    private static Datagram? TryReadUdp(ReadOnlySpan<byte> frame, TimeSpan at)
    {
        if (frame.Length < EthernetHeader + 20 + UdpHeader || frame[12] != 8 || frame[13] != 0) return null;
        var ip = frame[EthernetHeader..];
        var header = 4 * (ip[0] & 0x0F);
        if (ip[0] >> 4 != 4 || ip[9] != 17 || ip.Length < header + UdpHeader) return null;
        var udp = ip[header..];
        var length = BinaryPrimitives.ReadUInt16BigEndian(udp[4..]);
        if (length < UdpHeader || length > udp.Length) return null;
        return new Datagram(at, EndPoint(ip[12..16], udp), EndPoint(ip[16..20], udp[2..]), udp[UdpHeader..length].ToArray());
    }

    private static IPEndPoint EndPoint(ReadOnlySpan<byte> address, ReadOnlySpan<byte> port) => new(new IPAddress(address), BinaryPrimitives.ReadUInt16BigEndian(port));

    private static uint U32(ReadOnlySpan<byte> bytes) => BinaryPrimitives.ReadUInt32LittleEndian(bytes);
}
