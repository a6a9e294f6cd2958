using ConfCluster.Protocols.Codecs;
using Xunit;

namespace ConfCluster.Protocols.Tests.Codecs;

public class ComfortNoiseTests
{
    [Theory]
    [Trait("RFC", "3389 §3.1")]
    [InlineData(30)]
    [InlineData(50)]
    [InlineData(70)]
    public void Noise_has_the_level_that_the_descriptor_says(byte level)
    {
        var noise = new ComfortNoise();
        Assert.True(noise.TrySet([level]));
        Assert.InRange(Level(noise), -level - 1, -level + 1);
    }

    [Fact]
    [Trait("RFC", "3389 §3.2")]
    public void Noise_with_a_spectrum_has_the_same_level()
    {
        var noise = new ComfortNoise();
        Assert.True(noise.TrySet([40, 40, 190, 110]));
        Assert.InRange(Level(noise), -41.5, -38.5);
    }

    [Theory]
    [InlineData]
    [InlineData((byte)128)]
    public void A_descriptor_that_is_none_is_refused(params byte[] payload)
    {
        var noise = new ComfortNoise();
        Assert.False(noise.TrySet(payload));
        Assert.False(noise.IsOn);
    }

    /// <summary>RFC 3389 §3.1: to the overload point, which is the power of a square wave.</summary>
    private static double Level(ComfortNoise noise)
    {
        var samples = new short[16_000];
        noise.Fill(samples);
        return Signals.Level(samples, 32_768 * Math.Sqrt(2));
    }
}
