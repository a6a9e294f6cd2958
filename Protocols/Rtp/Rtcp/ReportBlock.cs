using System.Buffers.Binary;

namespace ConfCluster.Protocols.Rtp.Rtcp;

/// <summary>One reception report (RFC 3550 §6.4.1): jitter in timestamp units, delays in 1/65536 s.</summary>
public readonly record struct ReportBlock(
    Ssrc Source, byte FractionLost, int CumulativeLost, uint HighestSequence, uint Jitter, uint LastSenderReport, uint DelaySinceLast)
{
    public const int Length = 24;

    public static ReportBlock Read(ReadOnlySpan<byte> at) => new(
        new Ssrc(BinaryPrimitives.ReadUInt32BigEndian(at)), at[4],
        // A 24-bit two's complement number: shift it up and back to carry the sign.
        (int)(BinaryPrimitives.ReadUInt32BigEndian(at[4..]) << 8) >> 8,
        BinaryPrimitives.ReadUInt32BigEndian(at[8..]), BinaryPrimitives.ReadUInt32BigEndian(at[12..]),
        BinaryPrimitives.ReadUInt32BigEndian(at[16..]), BinaryPrimitives.ReadUInt32BigEndian(at[20..]));

    /// <summary>The round trip of a sender report of ours that this block answers (RFC 3550 §6.4.1): A - LSR - DLSR, null without an LSR.</summary>
    /// <param name="arrival">When the block came, on the clock that stamped the sender report.</param>
    public TimeSpan? RoundTrip(NtpTime arrival)
    {
        if (LastSenderReport == 0) return null;
        // Modulo 2^32. A clock that is set back, or a peer that says nonsense, would make it negative: no time, rather than 18 hours.
        var units = unchecked((int)(arrival.Middle - LastSenderReport - DelaySinceLast));
        return units < 0 ? TimeSpan.Zero : TimeSpan.FromSeconds(units / 65536.0);
    }

    public void Write(Span<byte> at)
    {
        BinaryPrimitives.WriteUInt32BigEndian(at, Source.Value);
        var lost = Math.Clamp(CumulativeLost, -0x80_0000, 0x7F_FFFF);
        BinaryPrimitives.WriteUInt32BigEndian(at[4..], (uint)FractionLost << 24 | (uint)lost & 0xFF_FFFF);
        BinaryPrimitives.WriteUInt32BigEndian(at[8..], HighestSequence);
        BinaryPrimitives.WriteUInt32BigEndian(at[12..], Jitter);
        BinaryPrimitives.WriteUInt32BigEndian(at[16..], LastSenderReport);
        BinaryPrimitives.WriteUInt32BigEndian(at[20..], DelaySinceLast);
    }
}
