using ConfCluster.Protocols.Codecs;
using ConfCluster.Protocols.Mixing;
using Xunit;

namespace ConfCluster.Protocols.Tests.Codecs;

/// <summary>Against the recommendation's tables written as plain loops over decision values, not as the bit tricks of the code.</summary>
public class G711Tests
{
    [Theory]
    [InlineData(AudioCodec.Pcmu, 0xFF, 0)]
    [InlineData(AudioCodec.Pcmu, 0x80, 32124)]
    [InlineData(AudioCodec.Pcmu, 0x00, -32124)]
    [InlineData(AudioCodec.Pcmu, 0xFE, 8)]
    [InlineData(AudioCodec.Pcma, 0xD5, 8)]
    [InlineData(AudioCodec.Pcma, 0x55, -8)]
    [InlineData(AudioCodec.Pcma, 0xAA, 32256)]
    [InlineData(AudioCodec.Pcma, 0x2A, -32256)]
    public void A_code_has_the_value_of_the_recommendation(AudioCodec codec, byte code, short value) =>
        Assert.Equal(value, G711.Decode(codec, code));

    [Theory]
    [InlineData(AudioCodec.Pcmu)]
    [InlineData(AudioCodec.Pcma)]
    public void Every_code_comes_back_from_its_value(AudioCodec codec)
    {
        for (var code = 0; code < 256; code++)
        {
            // µ-law has two zeros; the positive one is sent.
            var expected = codec == AudioCodec.Pcmu && code == 0x7F ? 0xFF : code;
            Assert.Equal(expected, G711.Encode(codec, G711.Decode(codec, (byte)code)));
        }
    }

    [Theory]
    [InlineData(AudioCodec.Pcmu, 4)]
    [InlineData(AudioCodec.Pcma, 16)]
    public void No_sample_is_off_by_more_than_half_a_step(AudioCodec codec, int resolution)
    {
        var values = Enumerable.Range(0, 256).Select(c => (int)G711.Decode(codec, (byte)c)).Distinct().Order().ToArray();
        for (var sample = (int)short.MinValue; sample <= short.MaxValue; sample++)
        {
            int got = G711.Decode(codec, G711.Encode(codec, (short)sample));
            var at = Array.BinarySearch(values, got);
            var step = Math.Max(at > 0 ? got - values[at - 1] : 0, at < values.Length - 1 ? values[at + 1] - got : 0);
            var clipped = Math.Abs(sample) > values[^1];
            Assert.True(clipped ? got == Math.Sign(sample) * values[^1] : Math.Abs(got - sample) <= step / 2 + resolution, $"{sample} became {got}");
        }
    }

    [Theory]
    [InlineData(AudioCodec.Pcmu)]
    [InlineData(AudioCodec.Pcma)]
    public void A_louder_sample_never_gets_a_lower_value(AudioCodec codec)
    {
        var before = (int)short.MinValue;
        for (var sample = (int)short.MinValue; sample <= short.MaxValue; sample++)
        {
            var value = G711.Decode(codec, G711.Encode(codec, (short)sample));
            Assert.True(value >= before);
            before = value;
        }
    }

    [Theory]
    [InlineData(AudioCodec.Pcmu)]
    [InlineData(AudioCodec.Pcma)]
    public void Frames_are_coded_as_their_samples_are(AudioCodec codec)
    {
        var samples = Enumerable.Range(short.MinValue, 65536).Select(s => (short)s).ToArray();
        var codes = new byte[samples.Length];
        G711.Encode(codec, samples, codes);
        Assert.Equal(samples.Select(s => G711.Encode(codec, s)), codes);
        var back = new short[samples.Length];
        G711.Decode(codec, codes, back);
        Assert.Equal(codes.Select(c => G711.Decode(codec, c)), back);
    }
}
