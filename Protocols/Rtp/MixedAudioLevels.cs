namespace ConfCluster.Protocols.Rtp;

/// <summary>
/// The levels of a mix: an octet in -dBov for each contributing source of the packet, in the order of its CSRC list (RFC 6465 §3, §4).
/// </summary>
public static class MixedAudioLevels
{
    public const string Uri = "urn:ietf:params:rtp-hdrext:csrc-audio-level";

    /// <summary>Writes the header of a mixed packet: its sources and, where agreed, their levels. Returns its length.</summary>
    /// <param name="id">0: no levels.</param>
    /// <param name="levels">One for each of <paramref name="csrcs"/>.</param>
    public static int Write(
        Span<byte> packet, bool marker, byte payloadType, ushort sequence, uint timestamp, Ssrc ssrc, ReadOnlySpan<Ssrc> csrcs, byte id,
        ReadOnlySpan<byte> levels)
    {
        var length = RtpHeader.Write(packet, marker, payloadType, sequence, timestamp, ssrc, csrcs);
        if (id == 0 || csrcs.IsEmpty) return length;
        // RFC 6465 §3: number and order match those of the CSRCs.
        if (levels.Length != csrcs.Length) throw new ArgumentException("a level for each source", nameof(levels));
        Span<byte> data = stackalloc byte[RtpHeader.MaxCsrcs];
        // RFC 6465 §4: the most significant bit is always 0.
        for (var i = 0; i < levels.Length; i++) data[i] = Math.Min(levels[i], AudioLevel.Silence);
        return HeaderExtensions.Append(packet, length, id, data[..levels.Length]);
    }

    /// <summary>The longest header that <see cref="Write"/> makes for so many sources.</summary>
    public static int LongestHeader(int sources) => RtpHeader.FixedLength + 4 * sources + (sources == 0 ? 0 : HeaderExtensions.LengthOf(sources));

    /// <summary>The level of the source with that <paramref name="number"/> in the CSRC list; false where the packet does not tell.</summary>
    public static bool TryRead(in RtpHeader header, ReadOnlySpan<byte> packet, byte id, int number, out byte level)
    {
        level = AudioLevel.Silence;
        if (number >= header.CsrcCount || !HeaderExtensions.TryFind(header, packet, id, out var data) || data.Length != header.CsrcCount) return false;
        level = (byte)(data[number] & 0x7F);
        return true;
    }
}
