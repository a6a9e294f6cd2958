using System.Buffers.Binary;
using ConfCluster.Protocols.Rtp;

namespace ConfCluster.Protocols.Mixing;

/// <summary>Whether a packet may be looked at, or forwarded, by what is in the clear.</summary>
public enum SourceVerdict : byte
{
    Admitted,

    /// <summary>Too short to name its source.</summary>
    Malformed,

    /// <summary>Not from where the SDP says.</summary>
    Elsewhere,

    /// <summary>Under another SSRC than the registered one.</summary>
    OtherSource,
}

/// <summary>
/// Admission by address and SSRC, of legs that send under a key which others have: whoever has it could have made the packet, so it is taken from where the
/// SDP says and under the SSRC that was registered before the first one, and in no other case (3GPP pCR 5.3.2.1.1). Neither is proven: both can be forged by
/// whoever can send from that address.
/// </summary>
public static class RegisteredSource
{
    private const int RtpSsrc = 8;
    private const int RtcpSsrc = 4;

    /// <param name="isAtHome">It is from where the SDP says.</param>
    public static SourceVerdict Judge(ReadOnlySpan<byte> packet, bool rtcp, Ssrc registered, bool isAtHome)
    {
        // RFC 3550 §5.1, §6.4.1: the SSRC of the sender is in the clear in both (RFC 3711 §3.1, §3.4).
        var at = rtcp ? RtcpSsrc : RtpSsrc;
        if (packet.Length < at + sizeof(uint)) return SourceVerdict.Malformed;
        if (!isAtHome) return SourceVerdict.Elsewhere;
        return BinaryPrimitives.ReadUInt32BigEndian(packet[at..]) == registered.Value ? SourceVerdict.Admitted : SourceVerdict.OtherSource;
    }
}
