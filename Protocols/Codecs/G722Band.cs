namespace ConfCluster.Protocols.Codecs;

/// <summary>
/// One sub-band of ITU-T G.722 (§3): its scale factor and the predictor of two poles and six zeros that coder and decoder keep alike.
/// The blocks have the recommendation's names; all arithmetic is of 16 bits with saturation.
/// </summary>
internal sealed class G722Band
{
    private const int LowestScale = 0;
    private static readonly int[] Ilb =
    [
        2048, 2093, 2139, 2186, 2233, 2282, 2332, 2383, 2435, 2489, 2543, 2599, 2656, 2714, 2774, 2834,
        2896, 2960, 3025, 3091, 3158, 3228, 3298, 3371, 3444, 3520, 3597, 3676, 3756, 3838, 3922, 4008,
    ];

    private readonly int _highestScale;
    private readonly int _scaleShift;
    private readonly int[] _zeros = new int[6];
    private readonly int[] _differences = new int[6];
    private int _pole1;
    private int _pole2;
    private int _reconstructed1;
    private int _partial1;
    private int _partial2;
    private int _logScale;
    private int _zeroEstimate;

    /// <param name="highestScale">Bound of the logarithmic scale factor.</param>
    /// <param name="scaleShift">Its offset on the way to the linear one.</param>
    /// <param name="step">The first linear one.</param>
    public G722Band(int highestScale, int scaleShift, int step) => (_highestScale, _scaleShift, Step) = (highestScale, scaleShift, step);

    public static G722Band Lower() => new(18_432, 8, 32);

    public static G722Band Higher() => new(22_528, 10, 8);

    /// <summary>DETL, DETH: the step of the adaptive quantizer.</summary>
    public int Step { get; private set; }

    /// <summary>SL, SH: what the predictor expects next.</summary>
    public int Estimate { get; private set; }

    public static int Saturate(int value) => Math.Clamp(value, short.MinValue, short.MaxValue);

    /// <summary>LOGSCL and SCALEL (LOGSCH, SCALEH), then the predictor takes the difference in.</summary>
    /// <param name="difference">DLT, DH: as the decoder reconstructs it.</param>
    /// <param name="multiplier">WL, WH: what the code does to the scale.</param>
    public void Adapt(int difference, int multiplier)
    {
        _logScale = Math.Clamp((_logScale * 127 >> 7) + multiplier, LowestScale, _highestScale);
        var (mantissa, shift) = (Ilb[_logScale >> 6 & 31], _scaleShift - (_logScale >> 11));
        Step = (shift < 0 ? mantissa << -shift : mantissa >> shift) << 2;
        Predict(difference);
    }

    private void Predict(int difference)
    {
        var reconstructed = Saturate(Estimate + difference);
        var partial = Saturate(_zeroEstimate + difference);
        AdaptPoles(partial);
        AdaptZeros(difference);
        (_partial2, _partial1) = (_partial1, partial);

        // FILTEP, FILTEZ, PREDIC.
        var poles = Saturate(
            (_pole1 * Saturate(2 * reconstructed) >> 15) + (_pole2 * Saturate(2 * _reconstructed1) >> 15));
        _reconstructed1 = reconstructed;
        var zeros = 0;
        for (var i = 5; i >= 0; i--) zeros += _zeros[i] * Saturate(2 * _differences[i]) >> 15;
        _zeroEstimate = Saturate(zeros);
        Estimate = Saturate(poles + _zeroEstimate);
    }

    /// <summary>UPPOL2 and UPPOL1.</summary>
    private void AdaptPoles(int partial)
    {
        var (same1, same2) = (partial < 0 == _partial1 < 0, partial < 0 == _partial2 < 0);
        var slope = Saturate(4 * _pole1);
        var turned = same1 ? Math.Min(-slope, short.MaxValue) : slope;
        var pole2 = Math.Clamp((same2 ? 128 : -128) + (turned >> 7) + (_pole2 * 32_512 >> 15), -12_288, 12_288);
        var pole1 = Saturate((same1 ? 192 : -192) + (_pole1 * 32_640 >> 15));
        var bound = Saturate(15_360 - pole2);
        (_pole1, _pole2) = (Math.Clamp(pole1, -bound, bound), pole2);
    }

    /// <summary>UPZERO, and the delay line of the differences.</summary>
    private void AdaptZeros(int difference)
    {
        var step = difference == 0 ? 0 : 128;
        for (var i = 0; i < 6; i++)
        {
            var change = _differences[i] < 0 == difference < 0 ? step : -step;
            _zeros[i] = Saturate(change + (_zeros[i] * 32_640 >> 15));
        }

        for (var i = 5; i > 0; i--) _differences[i] = _differences[i - 1];
        _differences[0] = difference;
    }
}
