namespace ConfCluster.Protocols.Codecs;

/// <summary>The codecs that this program knows: how each is written is an <see cref="AudioFormat"/>, which are to be had tells <see cref="AudioCodecs"/>.</summary>
public enum AudioCodec : byte
{
    /// <summary>G.711 µ-law (RFC 3551 §4.5.14).</summary>
    Pcmu,

    /// <summary>G.711 A-law (RFC 3551 §4.5.14).</summary>
    Pcma,

    /// <summary>64 kbit/s, 7 kHz (RFC 3551 §4.5.2).</summary>
    G722,

    /// <summary>RFC 6716, in RTP as of RFC 7587.</summary>
    Opus,

    /// <summary>Samples as they are, 16 bits at 16 kHz (RFC 3551 §4.5.11): between mixers only, never offered to a phone.</summary>
    L16,
}
