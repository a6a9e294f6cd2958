using System.Runtime.InteropServices;
using ConfCluster.Protocols.Codecs;
using ConfCluster.Support;
using Xunit;

namespace ConfCluster.Protocols.Tests.Codecs;

public class G722Vectors
{
    private const int Frame = 320;

    [Fact]
    [Trait("RFC", "3551 §4.5.2")]
    public void The_coder_is_bit_exact_with_the_test_sequence_of_the_ITU()
    {
        var (samples, expected) = (Samples("inpsp.bin"), Codes());
        using var encoder = new G722Encoder();
        var codes = new byte[samples.Length / 2];
        for (var i = 0; i < samples.Length; i += Frame)
        {
            var frame = samples.AsSpan(i, Math.Min(Frame, samples.Length - i));
            Assert.Equal(frame.Length / 2, encoder.Encode(frame, codes.AsSpan(i / 2)));
        }

        Assert.True(expected.AsSpan().SequenceEqual(codes), $"differs from octet {expected.AsSpan().CommonPrefixLength(codes)} of {expected.Length}");
    }

    [Fact]
    [Trait("RFC", "3551 §4.5.2")]
    public void The_decoder_is_bit_exact_with_the_test_sequence_of_the_ITU()
    {
        var (codes, expected) = (Codes(), Samples("outsp1.bin"));
        using var decoder = new G722Decoder();
        var samples = new short[2 * codes.Length];
        for (var i = 0; i < codes.Length; i += Frame / 2)
        {
            var payload = codes.AsSpan(i, Math.Min(Frame / 2, codes.Length - i));
            Assert.Equal(2 * payload.Length, decoder.Decode(payload, samples.AsSpan(2 * i)));
        }

        Assert.True(expected.AsSpan().SequenceEqual(samples), $"differs from sample {expected.AsSpan().CommonPrefixLength(samples)} of {expected.Length}");
    }

    private static byte[] Codes() => [.. Samples("codspw.cod").Select(w => (byte)w)];

    private static short[] Samples(string name) => MemoryMarshal.Cast<byte, short>(VectorFile.Bytes($"codecs/g722/{name}")).ToArray();
}
