namespace ConfCluster.Protocols.Codecs;

/// <summary>After which time a signal is most like itself: normalized cross-correlation (ITU-T G.711 Appendix I).</summary>
internal static class PitchSearch
{
    /// <summary>The lag at which the end of the signal is most like what came before it.</summary>
    public static int Period(ReadOnlySpan<short> signal, int shortest, int longest)
    {
        // A voice has its pitch in every second sample of 8 kHz too.
        var step = shortest / 20;
        var window = Math.Min(signal.Length - longest, longest * 4 / 3);
        var end = signal[^window..];
        var (best, bestScore) = (shortest, double.MinValue);
        for (var lag = shortest; lag <= longest; lag++)
        {
            var earlier = signal.Slice(signal.Length - window - lag, window);
            double product = 0, energy = 1;
            for (var i = 0; i < window; i += step)
            {
                product += (double)end[i] * earlier[i];
                energy += (double)earlier[i] * earlier[i];
            }

            var score = product / Math.Sqrt(energy);
            if (score > bestScore) (best, bestScore) = (lag, score);
        }

        return best;
    }
}
