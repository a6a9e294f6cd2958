namespace ConfCluster.Protocols.Srtp;

/// <summary>Octets that protection adds to a packet (RFC 3711 §3.1, §3.4): what a buffer must have room for and a bandwidth counts.</summary>
public static class SrtpOverhead
{
    /// <summary>The longest packet that we take; a larger one is Malformed.</summary>
    public const int MaxPacket = 4096;

    /// <summary>The E bit and the index of every SRTCP packet.</summary>
    public const int RtcpIndexLength = 4;

    /// <summary>MKI and tag.</summary>
    public static int Rtp(SrtpProfile profile, int mkiLength) => mkiLength + profile.RtpTagLength;

    /// <summary>Index word, MKI and tag.</summary>
    public static int Rtcp(SrtpProfile profile, int mkiLength) => RtcpIndexLength + mkiLength + profile.RtcpTagLength;
}
