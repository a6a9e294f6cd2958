namespace ConfCluster.Protocols.Codecs;

/// <summary>
/// The decoder of ITU-T G.722 at 64 kbit/s (RFC 3551 §4.5.2), bit-exact, with concealment of what is lost. Left out: the modes of 56 and
/// 48 kbit/s, Appendices III and IV (their concealment works inside the bands; ours on what was decoded).
/// </summary>
public sealed class G722Decoder : IAudioDecoder
{
    private readonly int[] _line = new int[24];
    private readonly G722Band _lower = G722Band.Lower();
    private readonly G722Band _higher = G722Band.Higher();
    private readonly LossConcealment _concealment = new(16_000);

    public int SampleRate => 16_000;

    public int Decode(ReadOnlySpan<byte> payload, Span<short> frame)
    {
        if (2 * payload.Length > frame.Length) return -1;
        for (var i = 0; i < payload.Length; i++)
        {
            var low = DecodeLower(payload[i] & 0x3F);
            Join(low, DecodeHigher(payload[i] >> 6), out frame[2 * i], out frame[2 * i + 1]);
        }

        _concealment.Keep(frame[..(2 * payload.Length)]);
        return 2 * payload.Length;
    }

    public int Conceal(Span<short> frame) => _concealment.Conceal(frame) ? frame.Length : 0;

    public void Dispose()
    {
    }

    private int DecodeLower(int code)
    {
        var sample = Limit(_lower.Estimate + (G722Tables.Qm6[code] * _lower.Step >> 15));
        _lower.Adapt(G722Tables.Qm4[code >> 2] * _lower.Step >> 15, G722Tables.LowerMultipliers[code >> 2]);
        return sample;
    }

    private int DecodeHigher(int code)
    {
        var difference = G722Tables.Qm2[code] * _higher.Step >> 15;
        var sample = Limit(_higher.Estimate + difference);
        _higher.Adapt(difference, G722Tables.HigherMultipliers[code]);
        return sample;
    }

    /// <summary>The receive quadrature mirror filters.</summary>
    private void Join(int low, int high, out short first, out short second)
    {
        Array.Copy(_line, 2, _line, 0, 22);
        (_line[22], _line[23]) = (low + high, low - high);
        var (odd, even) = (0, 0);
        for (var i = 0; i < 12; i++)
        {
            odd += _line[2 * i] * G722Tables.Qmf[i];
            even += _line[2 * i + 1] * G722Tables.Qmf[11 - i];
        }

        first = (short)G722Band.Saturate(even >> 11);
        second = (short)G722Band.Saturate(odd >> 11);
    }

    private static int Limit(int value) => Math.Clamp(value, -16_384, 16_383);
}
