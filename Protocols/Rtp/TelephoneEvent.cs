using System.Buffers.Binary;

namespace ConfCluster.Protocols.Rtp;

/// <summary>
/// One block of a telephone-event packet (RFC 4733 §2.3). Left out: further blocks of a redundant packet (§2.5.1.5), which repeat older
/// events.
/// </summary>
/// <param name="Event">0 to 9, 10 is the star, 11 the pound key, 12 to 15 are A to D.</param>
/// <param name="Volume">In -dBm0.</param>
/// <param name="Duration">In units of the RTP clock, so far.</param>
public readonly record struct TelephoneEvent(byte Event, bool IsEnd, byte Volume, ushort Duration)
{
    private const int Length = 4;

    public static bool TryRead(ReadOnlySpan<byte> payload, out TelephoneEvent read)
    {
        read = default;
        if (payload.Length < Length) return false;
        read = new TelephoneEvent(payload[0], (payload[1] & 0x80) != 0, (byte)(payload[1] & 0x3F), BinaryPrimitives.ReadUInt16BigEndian(payload[2..]));
        return true;
    }
}
