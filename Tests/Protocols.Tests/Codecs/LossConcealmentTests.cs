using ConfCluster.Protocols.Codecs;
using Xunit;

namespace ConfCluster.Protocols.Tests.Codecs;

public class LossConcealmentTests
{
    [Theory]
    [InlineData(8000, 100)]
    [InlineData(8000, 180)]
    [InlineData(8000, 440)]
    [InlineData(16_000, 100)]
    [InlineData(16_000, 440)]
    public void A_lost_10_ms_of_a_tone_are_hardly_to_be_noticed(int rate, int hertz)
    {
        var signal = Signals.Tone(hertz, rate, rate / 5);
        var concealment = new LossConcealment(rate);
        var unit = rate / 100;
        var at = 12 * unit;
        for (var i = 0; i < at; i += unit) concealment.Keep(signal.AsSpan(i, unit));
        var made = new short[unit];
        Assert.True(concealment.Conceal(made));
        var snr = Signals.Snr(signal.AsSpan(at, unit), made);
        Assert.True(snr > 15, $"{snr:F1} dB");
    }

    [Theory]
    [InlineData(8000)]
    [InlineData(16_000)]
    public void A_long_loss_fades_to_silence_in_60_ms_without_a_click(int rate)
    {
        var signal = Signals.Tone(200, rate, rate / 2);
        var concealment = new LossConcealment(rate);
        var frame = rate / 50;
        for (var i = 0; i < 5 * frame; i += frame) concealment.Keep(signal.AsSpan(i, frame));
        var made = new short[5 * frame];
        var heard = new List<bool>();
        for (var i = 0; i < made.Length; i += frame) heard.Add(concealment.Conceal(made.AsSpan(i, frame)));

        Assert.Equal([true, true, true, false, false], heard);
        var peaks = Enumerable.Range(0, 3).Select(i => made.Skip(i * frame).Take(frame).Max(s => Math.Abs((int)s))).ToArray();
        Assert.True(peaks[0] > peaks[1] && peaks[1] > peaks[2], string.Join(' ', peaks));
        Assert.All(made[(3 * frame)..], s => Assert.Equal(0, s));
        AssertSmooth([.. signal.AsSpan(0, 5 * frame), .. made], rate);
    }

    [Fact]
    public void What_comes_after_a_loss_is_blended_in()
    {
        var signal = Signals.Tone(200, 8000, 4000);
        var concealment = new LossConcealment();
        var heard = new List<short>();
        for (var i = 0; i < 20; i++)
        {
            var frame = signal.AsSpan(i * 160, 160).ToArray();
            if (i is 7 or 8) concealment.Conceal(frame);
            else concealment.Keep(frame);
            heard.AddRange(frame);
        }

        AssertSmooth([.. heard], 8000);
        Assert.Equal(signal.AsSpan(10 * 160, 10 * 160).ToArray(), heard.Skip(10 * 160));
    }

    [Fact]
    public void Without_a_good_frame_there_is_nothing_to_repeat()
    {
        var frame = Signals.Tone(400, 8000, 160);
        Assert.False(new LossConcealment().Conceal(frame));
        Assert.All(frame, s => Assert.Equal(0, s));
    }

    [Fact]
    public void Any_pattern_of_loss_on_noise_stays_within_what_was_said()
    {
        var state = 1u;
        var concealment = new LossConcealment(16_000);
        for (var i = 0; i < 400; i++)
        {
            var frame = new short[320];
            for (var k = 0; k < frame.Length; k++)
            {
                state = state * 1664525 + 1013904223;
                frame[k] = (short)((int)(state >> 16) - 32_768);
            }

            if (state % 3 == 0) concealment.Conceal(frame);
            else concealment.Keep(frame);
        }
    }

    /// <summary>No step greater than three times what a full 200 Hz tone has.</summary>
    private static void AssertSmooth(short[] signal, int rate)
    {
        var bound = 3 * 20_000 * 2 * Math.PI * 200 / rate;
        for (var i = 1; i < signal.Length; i++)
            Assert.True(Math.Abs(signal[i] - signal[i - 1]) <= bound, $"a step of {signal[i] - signal[i - 1]} at {i}");
    }
}
