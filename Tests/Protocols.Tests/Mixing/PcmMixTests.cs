using ConfCluster.Protocols.Mixing;
using CsCheck;
using Xunit;

namespace ConfCluster.Protocols.Tests.Mixing;

public class PcmMixTests
{
    private static readonly Gen<short[]> Frames = Gen.Short.Array[1, 200];

    [Fact]
    public void The_mix_of_the_others_is_their_sum_held_within_16_bits() => Gen.Select(Gen.Int[1, 200], Gen.Int[1, 6]).SelectMany((length, talkers) =>
        Gen.Short.Array[length].Array[talkers]).Sample(frames =>
        {
            var sum = new int[frames[0].Length];
            foreach (var frame in frames) PcmMix.Add(sum, frame);
            var mix = new short[sum.Length];
            for (var own = 0; own < frames.Length; own++)
            {
                PcmMix.Without(sum, frames[own], mix);
                for (var i = 0; i < mix.Length; i++)
                    Assert.Equal(Math.Clamp(frames.Where((_, f) => f != own).Sum(f => f[i]), short.MinValue, short.MaxValue), mix[i]);
            }
        });

    [Fact]
    public void The_whole_mix_is_held_within_16_bits() => Frames.Sample(frame =>
    {
        var sum = new int[frame.Length];
        for (var n = 0; n < 3; n++) PcmMix.Add(sum, frame);
        var mix = new short[frame.Length];
        PcmMix.Saturate(sum, mix);
        Assert.Equal(frame.Select(s => (short)Math.Clamp(3 * s, short.MinValue, short.MaxValue)), mix);
    });
}
