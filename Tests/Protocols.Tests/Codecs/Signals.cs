namespace ConfCluster.Protocols.Tests.Codecs;

/// <summary>Test signals, and what is left of them.</summary>
internal static class Signals
{
    public static short[] Tone(double hertz, int rate, int count, double amplitude = 20_000) =>
        [.. Enumerable.Range(0, count).Select(i => (short)Math.Round(amplitude * Math.Sin(2 * Math.PI * hertz * i / rate)))];

    /// <summary>The power of a signal, and that of what remains when the best sine of a frequency is taken out, in dB to each other.</summary>
    public static double ToneToRest(ReadOnlySpan<short> signal, double hertz, int rate)
    {
        var (tone, total) = PowerAt(signal, hertz, rate);
        return 10 * Math.Log10(tone / Math.Max(1e-9, total - tone));
    }

    /// <summary>In dB below a full sine of that amplitude.</summary>
    public static double Level(ReadOnlySpan<short> signal, double amplitude)
    {
        double power = 0;
        foreach (var sample in signal) power += (double)sample * sample;
        return 10 * Math.Log10(Math.Max(1e-9, power / signal.Length) / (amplitude * amplitude / 2));
    }

    /// <summary>10 log of the power of one over that of the difference.</summary>
    public static double Snr(ReadOnlySpan<short> expected, ReadOnlySpan<short> actual)
    {
        double signal = 0, noise = 1e-9;
        for (var i = 0; i < expected.Length; i++)
        {
            signal += (double)expected[i] * expected[i];
            noise += Math.Pow(expected[i] - actual[i], 2);
        }

        return 10 * Math.Log10(signal / noise);
    }

    /// <summary>Least squares: the signal's projection on sine and cosine.</summary>
    private static (double Tone, double Total) PowerAt(ReadOnlySpan<short> signal, double hertz, int rate)
    {
        double ss = 0, cc = 0, sc = 0, xs = 0, xc = 0, total = 0;
        for (var i = 0; i < signal.Length; i++)
        {
            var (s, c) = Math.SinCos(2 * Math.PI * hertz * i / rate);
            (ss, cc, sc) = (ss + s * s, cc + c * c, sc + s * c);
            (xs, xc, total) = (xs + signal[i] * s, xc + signal[i] * c, total + (double)signal[i] * signal[i]);
        }

        var determinant = ss * cc - sc * sc;
        var (a, b) = ((xs * cc - xc * sc) / determinant, (xc * ss - xs * sc) / determinant);
        return (a * xs + b * xc, total);
    }
}
