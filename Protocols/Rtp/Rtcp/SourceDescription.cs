namespace ConfCluster.Protocols.Rtp.Rtcp;

/// <summary>Source description with the CNAME, the one item that is mandatory (RFC 3550 §6.5.1).</summary>
public static class SourceDescription
{
    /// <param name="cname">At most 255 octets of UTF-8.</param>
    public static int Write(Span<byte> to, Ssrc ssrc, ReadOnlySpan<byte> cname)
    {
        // One chunk: SSRC, item type 1, length, text, and 1 to 4 zero octets up to a word boundary.
        var length = 4 + (4 + 2 + cname.Length + 4) / 4 * 4;
        RtcpHeader.Write(to, RtcpType.SourceDescription, 1, length, ssrc);
        to[8..length].Clear();
        to[8] = 1;
        to[9] = (byte)cname.Length;
        cname.CopyTo(to[10..]);
        return length;
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
            if (System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(packet.Bytes[(4 + 4 * i)..]) == source.Value)
                return true;
        return false;
    }
}
