namespace ConfCluster.Protocols.Codecs;

/// <summary>
/// A-law and µ-law of ITU-T G.711 over 16-bit samples (RFC 3551 §4.5.14), by tables made from the recommendation's closed formulas.
/// Left out: Appendix I (concealment, which is <see cref="LossConcealment"/>) and Appendix II (comfort noise).
/// </summary>
public static class G711
{
    /// <summary>RFC 3551 §4.5.14: 8,000 samples of one octet each second.</summary>
    public const int ClockRate = 8000;

    private const int MuLawBias = 33;
    private const int MuLawClip = 8158;
    private static readonly short[] FromMuLaw = Table(ExpandMuLaw);
    private static readonly short[] FromALaw = Table(ExpandALaw);

    /// <summary>By the sample's upper 14 bits, which is all that µ-law looks at.</summary>
    private static readonly byte[] ToMuLaw = Codes(2, CompressMuLaw);

    /// <summary>By the sample's upper 12 bits, which is all that A-law looks at.</summary>
    private static readonly byte[] ToALaw = Codes(4, CompressALaw);

    /// <summary>The octet of silence.</summary>
    public static byte Silence(AudioCodec codec) => codec == AudioCodec.Pcmu ? (byte)0xFF : (byte)0xD5;

    public static short Decode(AudioCodec codec, byte code) => (codec == AudioCodec.Pcmu ? FromMuLaw : FromALaw)[code];

    public static byte Encode(AudioCodec codec, short sample) =>
        codec == AudioCodec.Pcmu ? ToMuLaw[(ushort)sample >> 2] : ToALaw[(ushort)sample >> 4];

    public static void Decode(AudioCodec codec, ReadOnlySpan<byte> codes, Span<short> samples)
    {
        var table = codec == AudioCodec.Pcmu ? FromMuLaw : FromALaw;
        samples = samples[..codes.Length];
        for (var i = 0; i < codes.Length; i++) samples[i] = table[codes[i]];
    }

    public static void Encode(AudioCodec codec, ReadOnlySpan<short> samples, Span<byte> codes)
    {
        var (table, shift) = codec == AudioCodec.Pcmu ? (ToMuLaw, 2) : (ToALaw, 4);
        codes = codes[..samples.Length];
        for (var i = 0; i < samples.Length; i++) codes[i] = table[(ushort)samples[i] >> shift];
    }

    // G.711 table 2: eight segments of sixteen steps, biased by 33, all bits inverted on the line.
    private static short ExpandMuLaw(int code)
    {
        var bits = ~code;
        var magnitude = ((2 * (bits & 0x0F) + MuLawBias) << ((bits >> 4) & 7)) - MuLawBias;
        return (short)(4 * ((bits & 0x80) != 0 ? -magnitude : magnitude));
    }

    private static byte CompressMuLaw(int sample)
    {
        var magnitude = Math.Min(sample < 0 ? ~sample : sample, MuLawClip) + MuLawBias;
        var segment = 26 - int.LeadingZeroCount(magnitude);
        return (byte)~((sample < 0 ? 0x80 : 0) | segment << 4 | (magnitude >> (segment + 1)) & 0x0F);
    }

    // G.711 table 1: the even bits are inverted on the line.
    private static short ExpandALaw(int code)
    {
        var bits = code ^ 0x55;
        var (segment, step) = ((bits >> 4) & 7, bits & 0x0F);
        var magnitude = segment == 0 ? 2 * step + 1 : (2 * step + 33) << (segment - 1);
        return (short)(8 * ((bits & 0x80) != 0 ? magnitude : -magnitude));
    }

    private static byte CompressALaw(int sample)
    {
        var magnitude = sample < 0 ? ~sample : sample;
        var segment = Math.Max(0, 28 - int.LeadingZeroCount(magnitude));
        var step = magnitude >> Math.Max(0, segment - 1) & 0x0F;
        return (byte)(((sample < 0 ? 0 : 0x80) | segment << 4 | step) ^ 0x55);
    }

    private static short[] Table(Func<int, short> expand) => [.. Enumerable.Range(0, 256).Select(expand)];

    private static byte[] Codes(int shift, Func<int, byte> compress) =>
        [.. Enumerable.Range(0, 0x10000 >> shift).Select(i => compress((short)(i << shift) >> shift))];
}
