namespace ConfCluster.Support.Audio;

/// <summary>
/// Which tones a recording holds, second by second, and where it is silent: Goertzel with a Hann window per second; a tone is present
/// above -40 dBFS and within 26 dB of the second's strongest one. Gaps are stretches of 5 ms frames below -50 dBFS between the
/// first and the last sound.
/// </summary>
public sealed record ToneAnalysis(IReadOnlyList<IReadOnlyList<double>> Seconds, double LongestGapMs, double SoundSeconds)
{
    /// <summary>Of the samples: where the first sound and the first second begin.</summary>
    public int FirstSample { get; private init; }

    private const double PresentDb = -40, RangeDb = 26, SilenceDb = -50;

    /// <summary>Judges only whole seconds between the first and the last sound, so joins and leaves at the rims do not count.</summary>
    public static ToneAnalysis Of(string wav, params double[] candidates)
    {
        var (samples, rate) = Pcm.ReadWav(wav);
        return Of(samples, rate, candidates);
    }

    public static ToneAnalysis Of(short[] samples, int rate, params double[] candidates)
    {
        ArgumentNullException.ThrowIfNull(samples);
        var frame = rate / 200;
        var loud = Enumerable.Range(0, samples.Length / frame).Select(i => IsLoud(samples.AsSpan(i * frame, frame))).ToArray();
        var first = Array.IndexOf(loud, true);
        if (first < 0) return new ToneAnalysis([], 0, 0);
        var last = Array.LastIndexOf(loud, true);
        var longest = 0;
        for (int i = first, silent = 0; i <= last; i++)
        {
            silent = loud[i] ? 0 : silent + 1;
            longest = Math.Max(longest, silent);
        }

        var seconds = new List<IReadOnlyList<double>>();
        for (var at = first * frame; at + rate <= (last + 1) * frame; at += rate) seconds.Add(Present(samples.AsSpan(at, rate), rate, candidates));
        return new ToneAnalysis(seconds, longest * 5.0, (last + 1 - first) * 0.005) { FirstSample = first * frame };
    }

    /// <summary>The tones of every whole second but the first and the last, where phones still come and go; null when they differ.</summary>
    public IReadOnlyList<double>? SteadyTones()
    {
        var middle = Seconds.Count > 2 ? Seconds.Skip(1).SkipLast(1).ToList() : [.. Seconds];
        return middle.Count > 0 && middle.All(s => s.SequenceEqual(middle[0])) ? middle[0] : null;
    }

    public override string ToString() =>
        $"{SoundSeconds:F1} s of sound, longest gap {LongestGapMs:F0} ms; " + string.Join(" | ", Seconds.Select(s => string.Join("+", s)));

    private static bool IsLoud(ReadOnlySpan<short> frame)
    {
        double sum = 0;
        foreach (var s in frame) sum += (double)s * s;
        return Db(Math.Sqrt(sum / frame.Length) / 32768) >= SilenceDb;
    }

    private static List<double> Present(ReadOnlySpan<short> window, int rate, double[] candidates)
    {
        var levels = new double[candidates.Length];
        for (var i = 0; i < levels.Length; i++) levels[i] = Db(Goertzel(window, candidates[i], rate));
        var top = levels.Max();
        return [.. candidates.Where((_, i) => levels[i] >= PresentDb && levels[i] >= top - RangeDb).Order()];
    }

    private static double Goertzel(ReadOnlySpan<short> x, double frequency, int rate)
    {
        var w = 2 * Math.PI * frequency / rate;
        var c = 2 * Math.Cos(w);
        double s1 = 0, s2 = 0, norm = 0;
        for (var i = 0; i < x.Length; i++)
        {
            var hann = 0.5 - 0.5 * Math.Cos(2 * Math.PI * i / (x.Length - 1));
            (s1, s2) = (x[i] / 32768.0 * hann + c * s1 - s2, s1);
            norm += hann;
        }

        var (re, im) = (s1 - s2 * Math.Cos(w), s2 * Math.Sin(w));
        return Math.Sqrt(re * re + im * im) * 2 / norm;
    }

    private static double Db(double x) => x > 1e-9 ? 20 * Math.Log10(x) : -180;
}
