using System.Collections.Concurrent;
using System.Numerics;

namespace ConfCluster.Protocols.Codecs;

/// <summary>
/// One signal from one rate to another that is a whole multiple or fraction of it (8, 16, 48 kHz): a polyphase FIR filter, a sinc under a
/// Kaiser window, flat to 0.9 of the lower rate's half and 75 dB down from 1.1 of it. It delays by 24 samples of the lower rate (3 ms at
/// 8 kHz). Remembers what came before; allocates nothing per frame.
/// </summary>
public sealed class Resampler
{
    /// <summary>Taps for each sample of the lower rate.</summary>
    private const int Taps = 48;

    /// <summary>Kaiser's parameter for 75 dB: 0.1102 (A - 8.7).</summary>
    private const double Beta = 7.3;

    private const int LongestInput = 960;
    private static readonly ConcurrentDictionary<int, float[]> Prototypes = new();
    private readonly int _factor;
    private readonly bool _up;
    private readonly int _length;
    private readonly float[] _taps;
    private readonly float[] _line;

    public Resampler(int from, int to)
    {
        _up = to > from;
        _factor = _up ? to / from : from / to;
        if (_factor < 2 || (_up ? from * _factor != to : to * _factor != from)) throw new InvalidOperationException($"not from {from} to {to}");
        _length = _up ? Taps : Taps * _factor;
        _taps = Phases(_up ? _factor : 1, Prototypes.GetOrAdd(_factor, Prototype));
        _line = new float[_length - 1 + LongestInput];
    }

    /// <summary>Samples of the lower rate by which the output is late.</summary>
    public static int Delay => Taps / 2;

    /// <param name="input">At most 960 samples, a multiple of the factor when the rate goes down.</param>
    public void Convert(ReadOnlySpan<short> input, Span<short> output)
    {
        var line = _line.AsSpan(0, _length - 1 + input.Length);
        var fresh = line[(_length - 1)..];
        for (var i = 0; i < input.Length; i++) fresh[i] = input[i];
        if (_up) Raise(line, input.Length, output);
        else Lower(line, input.Length / _factor, output);
        line[input.Length..].CopyTo(line);
    }

    public void Reset() => Array.Clear(_line);

    private void Raise(ReadOnlySpan<float> line, int count, Span<short> output)
    {
        for (var i = 0; i < count; i++)
            for (var phase = 0; phase < _factor; phase++)
                output[i * _factor + phase] = Round(Dot(line.Slice(i, Taps), _taps.AsSpan(phase * Taps, Taps)));
    }

    private void Lower(ReadOnlySpan<float> line, int count, Span<short> output)
    {
        // The newest of the samples that an output stands for is the first of its group, as it is on the way up.
        for (var i = 0; i < count; i++) output[i] = Round(Dot(line.Slice(i * _factor, _length), _taps));
    }

    private static float Dot(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        var sum = Vector<float>.Zero;
        var i = 0;
        for (; i <= a.Length - Vector<float>.Count; i += Vector<float>.Count) sum += new Vector<float>(a[i..]) * new Vector<float>(b[i..]);
        var total = Vector.Sum(sum);
        for (; i < a.Length; i++) total += a[i] * b[i];
        return total;
    }

    private static short Round(float value) => (short)Math.Clamp(MathF.Round(value), short.MinValue, short.MaxValue);

    /// <summary>One filter after the other, each with the tap of its newest sample last.</summary>
    private static float[] Phases(int count, float[] prototype)
    {
        var (phases, each) = (new float[prototype.Length], prototype.Length / count);
        for (var phase = 0; phase < count; phase++)
            for (var tap = 0; tap < each; tap++)
                phases[phase * each + each - 1 - tap] = prototype[tap * count + phase] * count;
        return phases;
    }

    /// <summary>Symmetric about its middle tap; its first is zero, so that the delay is a whole number of samples.</summary>
    private static float[] Prototype(int factor)
    {
        var taps = new float[Taps * factor];
        var middle = taps.Length / 2;
        double sum = 0;
        for (var i = 1; i < taps.Length; i++)
        {
            var x = (i - middle) / (double)factor;
            var sinc = i == middle ? 1 : Math.Sin(Math.PI * x) / (Math.PI * x);
            var at = (i - middle) / (double)middle;
            taps[i] = (float)(sinc * Bessel(Beta * Math.Sqrt(1 - at * at)));
            sum += taps[i];
        }

        for (var i = 0; i < taps.Length; i++) taps[i] = (float)(taps[i] / sum);
        return taps;
    }

    /// <summary>The modified Bessel function of the first kind and order 0, by its series.</summary>
    private static double Bessel(double x)
    {
        double sum = 1, term = 1;
        for (var k = 1; term > 1e-12 * sum; k++)
        {
            term *= x / (2 * k) * (x / (2 * k));
            sum += term;
        }

        return sum;
    }
}
