using ConfCluster.Support.Audio;
using Xunit;

namespace ConfCluster.Interop.Tests;

/// <summary>What a phone of a conference must have heard: all the others, each by its tone, without a gap.</summary>
internal static class PeerSound
{
    private const int Starting = 2;

    public static void IsRight(string name, string wav, double own, IReadOnlyList<double> tones, string more)
    {
        var (samples, rate) = Pcm.ReadWav(wav);
        var heard = ToneAnalysis.Of(samples, rate, [.. tones]);
        var others = tones.Where(t => t != own).ToList();
        // Phones come one after the other; from then on everything must be heard, to the last second that is whole.
        var alone = heard.Seconds.TakeWhile(s => !s.SequenceEqual(others)).Count();
        var together = ToneAnalysis.Of(samples[Math.Min(samples.Length, heard.FirstSample + alone * rate)..], rate, [.. tones]);
        Assert.True(together.Seconds.Count >= 10 && together.Seconds.SkipLast(1).All(s => s.SequenceEqual(others)), $"{name} heard {heard}\n{more}");
        // The programs of the last ones are still starting when they are heard, which stalls a machine of two processors.
        var settled = ToneAnalysis.Of(samples[Math.Min(samples.Length, heard.FirstSample + (alone + Starting) * rate)..], rate, [.. tones]);
        Assert.True(settled.LongestGapMs <= 100, $"{name} heard, {Starting} s after all were in, {settled}\n{more}");
    }
}
