using ConfCluster.Protocols.Rtp;
using CsCheck;
using Xunit;

namespace ConfCluster.Protocols.Tests.Rtp;

public class AudioLevelTests
{
    [Fact]
    [Trait("RFC", "6464 §3")]
    public void One_octet_holds_the_V_bit_and_the_level() => Gen.Byte.Sample(octet =>
        AudioLevel.TryRead([octet], out var level) && level == new AudioLevel((byte)(octet & 0x7F), octet >= 0x80) && level.Octet == octet);

    [Fact]
    public void An_element_of_another_length_is_no_level()
    {
        Assert.False(AudioLevel.TryRead([], out _));
        Assert.False(AudioLevel.TryRead([1, 2], out _));
    }

    [Theory]
    [InlineData(short.MaxValue, 0)] // RFC 6464 §3: a square wave at the overload point
    [InlineData(16384, 6)]
    [InlineData(3277, 20)]
    [InlineData(33, 60)]
    [InlineData(1, 90)]
    [InlineData(0, 127)] // digital silence
    [InlineData(short.MinValue, 0)]
    [Trait("RFC", "6464 §3")]
    public void A_square_wave_has_the_level_of_its_amplitude(short amplitude, byte level)
    {
        // Odd lengths, so that the tail behind the vectors counts as well.
        foreach (var length in (int[])[1, 31, 160, 161, 960])
        {
            var square = Enumerable.Range(0, length).Select(i => amplitude == short.MinValue || i % 2 == 0 ? amplitude : (short)-amplitude).ToArray();
            Assert.Equal(level, AudioLevel.Of(square));
        }

        Assert.Equal(AudioLevel.Silence, AudioLevel.Of([]));
    }

    [Fact]
    [Trait("RFC", "6465 §A")]
    public void The_level_is_that_of_the_root_mean_square() => Gen.Short.Array[1, 1000].Sample(samples =>
    {
        var rms = Math.Sqrt(samples.Average(s => (double)s * s)) / short.MaxValue;
        var expected = rms == 0 ? 127 : Math.Clamp(-20 * Math.Log10(rms), 0, 127);
        return Math.Abs(AudioLevel.Of(samples) - expected) <= 0.501;
    });
}
