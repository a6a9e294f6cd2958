using System.Buffers.Binary;

namespace ConfCluster.Protocols.Rtp.Rtcp;

/// <summary>Source description with the CNAME, the one item that is mandatory (RFC 3550 §6.5.1).</summary>
public static class SourceDescription
{
    private const byte End = 0;
    private const byte Cname = 1;

    /// <param name="cname">At most 255 octets of UTF-8.</param>
    public static int Write(Span<byte> to, Ssrc ssrc, ReadOnlySpan<byte> cname)
    {
        if (cname.Length > 255) throw new ArgumentException("a CNAME has 255 octets at most", nameof(cname));
        // One chunk: SSRC, item type 1, length, text, and 1 to 4 zero octets up to a word boundary.
        var length = 4 + (4 + 2 + cname.Length + 4) / 4 * 4;
        RtcpHeader.Write(to, RtcpType.SourceDescription, 1, length, ssrc);
        to[8..length].Clear();
        to[8] = Cname;
        to[9] = (byte)cname.Length;
        cname.CopyTo(to[10..]);
        return length;
    }

    /// <summary>The CNAME that a source description gives <paramref name="source"/>; false when it has none or is not well formed.</summary>
    public static bool TryCname(in RtcpPacket packet, Ssrc source, out ReadOnlySpan<byte> cname)
    {
        cname = default;
        var rest = packet.Bytes[4..];
        for (var chunk = 0; chunk < packet.Count; chunk++)
        {
            if (rest.Length < 4) return false;
            var mine = BinaryPrimitives.ReadUInt32BigEndian(rest) == source.Value;
            var at = 4;
            while (at < rest.Length && rest[at] != End)
            {
                if (at + 2 > rest.Length || at + 2 + rest[at + 1] > rest.Length) return false;
                if (mine && rest[at] == Cname)
                {
                    cname = rest.Slice(at + 2, rest[at + 1]);
                    return true;
                }

                at += 2 + rest[at + 1];
            }

            // RFC 3550 §6.5: the item list ends with one to four zero octets, at a word boundary.
            var next = at / 4 * 4 + 4;
            if (at >= rest.Length || next > rest.Length) return false;
            rest = rest[next..];
        }

        return false;
    }
}

/// <summary>Goodbye of one source (RFC 3550 §6.6).</summary>
public static class Goodbye
{
    public const int Length = 8;

    public static int Write(Span<byte> to, Ssrc ssrc)
    {
        RtcpHeader.Write(to, RtcpType.Goodbye, 1, Length, ssrc);
        return Length;
    }

    /// <summary>Whether this BYE names the source.</summary>
    public static bool Names(in RtcpPacket packet, Ssrc source)
    {
        for (var i = 0; i < packet.Count; i++)
            if (BinaryPrimitives.ReadUInt32BigEndian(packet.Bytes[(4 + 4 * i)..]) == source.Value)
                return true;
        return false;
    }
}
