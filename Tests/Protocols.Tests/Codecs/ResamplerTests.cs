using System.Runtime.InteropServices;
using ConfCluster.Protocols.Codecs;
using ConfCluster.Support;
using Xunit;

namespace ConfCluster.Protocols.Tests.Codecs;

public class ResamplerTests
{
    [Theory]
    [InlineData(8000, 16_000)]
    [InlineData(8000, 48_000)]
    [InlineData(16_000, 48_000)]
    [InlineData(16_000, 8000)]
    [InlineData(48_000, 8000)]
    [InlineData(48_000, 16_000)]
    public void A_tone_in_the_band_keeps_its_level_and_has_no_image_above_minus_60_dB(int from, int to)
    {
        foreach (var share in new[] { 0.05, 0.2, 0.5, 0.75, 0.85, 0.89 })
        {
            var hertz = share * Math.Min(from, to) / 2;
            var output = Settled(Convert(Signals.Tone(hertz, from, from / 2), from, to), to);
            // Everything that is not the tone is in it: images, aliases, rounding.
            Assert.True(Signals.ToneToRest(output, hertz, to) > 60, $"{from} to {to}: {hertz} Hz has {Signals.ToneToRest(output, hertz, to):F1} dB");
            Assert.InRange(Signals.Level(output, 20_000), -0.1, 0.1);
        }
    }

    [Theory]
    [InlineData(16_000, 8000)]
    [InlineData(48_000, 8000)]
    [InlineData(48_000, 16_000)]
    public void A_tone_above_the_band_is_gone(int from, int to)
    {
        for (var hertz = 0.56 * to; hertz < from / 2.0; hertz += to / 10.0)
        {
            var output = Settled(Convert(Signals.Tone(hertz, from, from / 2), from, to), to);
            Assert.True(Signals.Level(output, 20_000) < -60, $"{from} to {to}: {hertz} Hz has {Signals.Level(output, 20_000):F1} dB");
        }
    }

    [Theory]
    [InlineData("narrow", 8000, 16_000, 60)]
    [InlineData("narrow", 8000, 48_000, 60)]
    [InlineData("middle", 16_000, 8000, 60)]
    [InlineData("middle", 16_000, 48_000, 60)]
    [InlineData("wide", 48_000, 8000, 60)]
    [InlineData("wide", 48_000, 16_000, 60)]
    public void A_chord_comes_out_as_it_does_of_sox(string name, int from, int to, double decibels)
    {
        var output = Convert(Samples($"{name}-{from}.raw"), from, to);
        var oracle = Samples($"{name}-{from}-to-{to}.raw");
        var delay = Resampler.Delay * Math.Max(1, to / from);
        // The ends are where one filter still sees silence and the other does not.
        var (edge, length) = (to / 50, oracle.Length - to / 20);
        var snr = Signals.Snr(oracle.AsSpan(edge, length), output.AsSpan(edge + delay, length));
        Assert.True(snr > decibels, $"{snr:F1} dB");
    }

    [Fact]
    public void Frames_of_any_length_are_one_signal()
    {
        var input = Samples("narrow-8000.raw");
        var whole = Convert(input, 8000, 48_000, frame: 400);
        var pieces = Convert(input, 8000, 48_000, frame: 40);
        Assert.Equal(whole, pieces);
    }

    [Fact]
    public void After_a_reset_nothing_of_before_is_heard()
    {
        var resampler = new Resampler(8000, 16_000);
        var output = new short[320];
        resampler.Convert(Signals.Tone(500, 8000, 160), output);
        resampler.Reset();
        resampler.Convert(new short[160], output);
        Assert.All(output, s => Assert.Equal(0, s));
    }

    [Fact]
    public void A_frame_costs_no_memory()
    {
        var (up, down) = (new Resampler(8000, 48_000), new Resampler(48_000, 8000));
        var (low, high) = (new short[160], new short[960]);
        up.Convert(low, high);
        down.Convert(high, low);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 100; i++)
        {
            up.Convert(low, high);
            down.Convert(high, low);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static short[] Convert(short[] input, int from, int to, int frame = 0)
    {
        var resampler = new Resampler(from, to);
        if (frame == 0) frame = from / 50;
        var output = new short[(int)((long)input.Length * to / from)];
        for (var i = 0; i + frame <= input.Length; i += frame)
            resampler.Convert(input.AsSpan(i, frame), output.AsSpan((int)((long)i * to / from)));
        return output;
    }

    private static short[] Settled(short[] output, int rate) => output[(rate / 20)..];

    private static short[] Samples(string name) => MemoryMarshal.Cast<byte, short>(VectorFile.Bytes($"codecs/resampler/{name}")).ToArray();
}
