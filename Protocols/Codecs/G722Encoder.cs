namespace ConfCluster.Protocols.Codecs;

/// <summary>
/// The coder of ITU-T G.722 at 64 kbit/s (RFC 3551 §4.5.2): two sub-bands of ADPCM, six bits for the lower, two for the higher, one octet
/// for two samples. Bit-exact. Left out: the modes of 56 and 48 kbit/s, which RTP does not have.
/// </summary>
public sealed class G722Encoder : IAudioEncoder
{
    private readonly int[] _line = new int[24];
    private readonly G722Band _lower = G722Band.Lower();
    private readonly G722Band _higher = G722Band.Higher();

    public int SampleRate => 16_000;

    public int Encode(ReadOnlySpan<short> frame, Span<byte> payload)
    {
        for (var i = 0; i < frame.Length / 2; i++)
        {
            Split(frame[2 * i], frame[2 * i + 1], out var low, out var high);
            payload[i] = (byte)(EncodeHigher(high) << 6 | EncodeLower(low));
        }

        return frame.Length / 2;
    }

    public void Dispose()
    {
    }

    /// <summary>The transmit quadrature mirror filters.</summary>
    private void Split(short first, short second, out int low, out int high)
    {
        Array.Copy(_line, 2, _line, 0, 22);
        (_line[22], _line[23]) = (first, second);
        var (odd, even) = (0, 0);
        for (var i = 0; i < 12; i++)
        {
            odd += _line[2 * i] * G722Tables.Qmf[i];
            even += _line[2 * i + 1] * G722Tables.Qmf[11 - i];
        }

        low = G722Band.Saturate(even + odd >> 14);
        high = G722Band.Saturate(even - odd >> 14);
    }

    private int EncodeLower(int sample)
    {
        var error = G722Band.Saturate(sample - _lower.Estimate);
        // QUANTL: the magnitude among the decision levels; the codes of the two signs are mirrored, the two smallest apart.
        var magnitude = error >= 0 ? error : ~error;
        var level = 1;
        while (level < 30 && magnitude >= G722Tables.Q6[level] * _lower.Step >> 12) level++;
        var code = error >= 0 ? 62 - level : level < 3 ? 64 - level : 34 - level;
        _lower.Adapt(G722Tables.Qm4[code >> 2] * _lower.Step >> 15, G722Tables.LowerMultipliers[code >> 2]);
        return code;
    }

    private int EncodeHigher(int sample)
    {
        var error = G722Band.Saturate(sample - _higher.Estimate);
        var large = (error >= 0 ? error : ~error) >= 564 * _higher.Step >> 12;
        var code = (error >= 0 ? 3 : 1) - (large ? 1 : 0);
        _higher.Adapt(G722Tables.Qm2[code] * _higher.Step >> 15, G722Tables.HigherMultipliers[code]);
        return code;
    }
}
