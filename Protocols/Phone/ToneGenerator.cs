using ConfCluster.Protocols.Codecs;

namespace ConfCluster.Protocols.Phone;

/// <summary>A sine of one frequency at -12 dBFS, 8,000 samples a second, without a break between frames.</summary>
public sealed class ToneGenerator(double hertz)
{
    private const double Amplitude = 8192;
    private double _phase;

    public void Fill(Span<short> frame)
    {
        var step = 2 * Math.PI * hertz / Codecs.G711.ClockRate;
        for (var i = 0; i < frame.Length; i++)
        {
            frame[i] = (short)(Amplitude * Math.Sin(_phase));
            _phase = (_phase + step) % (2 * Math.PI);
        }
    }

    /// <summary>How much of a signal's power lies at a frequency, 0 to 1 (Goertzel): which tones somebody hears.</summary>
    public static double ShareOf(double hertz, ReadOnlySpan<short> samples)
    {
        if (samples.IsEmpty) return 0;
        var coefficient = 2 * Math.Cos(2 * Math.PI * hertz / Codecs.G711.ClockRate);
        double before = 0, last = 0, power = 0;
        foreach (var sample in samples)
        {
            (before, last) = (last, sample + coefficient * last - before);
            power += (double)sample * sample;
        }

        return power == 0 ? 0 : 2 * (before * before + last * last - coefficient * before * last) / (samples.Length * power);
    }
}
