namespace ConfCluster.Protocols.Codecs;

/// <summary>How a codec is named and counted in SDP and RTP.</summary>
/// <param name="Encoding">The name in a=rtpmap; its case does not matter.</param>
/// <param name="ClockRate">Of the RTP timestamps.</param>
/// <param name="SampleRate">At which it is coded and decoded here.</param>
/// <param name="Channels">As written in a=rtpmap.</param>
/// <param name="StaticPayloadType">RFC 3551 §6; null: dynamic only.</param>
/// <param name="OurPayloadType">The one that we offer it under.</param>
/// <param name="Parameters">Our a=fmtp, or null.</param>
public sealed record AudioFormat(
    string Encoding, int ClockRate, int SampleRate, int Channels, byte? StaticPayloadType, byte OurPayloadType, string? Parameters)
{
    private static readonly AudioFormat Pcmu = new("PCMU", 8000, 8000, 1, 0, 0, null);
    private static readonly AudioFormat Pcma = new("PCMA", 8000, 8000, 1, 8, 8, null);

    // RFC 3551 §4.5.2: an error of RFC 1890 that stays for ever: 16,000 samples a second, but the clock counts 8,000.
    private static readonly AudioFormat G722 = new("G722", 8000, 16_000, 1, 9, 9, null);

    // RFC 7587 §4.1, §7: always 48000 and always 2, whatever is sent. Mono, and FEC for what is lost, is what we would like to get.
    private static readonly AudioFormat Opus = new("opus", 48_000, 48_000, 2, null, 107, "useinbandfec=1;stereo=0");

    private static readonly AudioFormat L16 = new("L16", 16_000, 16_000, 1, null, 96, null);

    public static AudioFormat Of(AudioCodec codec) => codec switch
    {
        AudioCodec.Pcmu => Pcmu,
        AudioCodec.Pcma => Pcma,
        AudioCodec.G722 => G722,
        AudioCodec.Opus => Opus,
        AudioCodec.L16 => L16,
        _ => throw new System.Diagnostics.UnreachableException($"no format for {codec}"),
    };

    /// <summary>Units of the RTP clock in 20 ms.</summary>
    public int TicksPerFrame => ClockRate / 50;

    public int SamplesPerFrame => SampleRate / 50;
}
