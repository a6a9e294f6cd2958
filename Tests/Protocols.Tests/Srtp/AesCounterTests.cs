using ConfCluster.Protocols.Srtp.Transforms;
using CsCheck;
using Org.BouncyCastle.Crypto.Engines;
using Org.BouncyCastle.Crypto.Parameters;
using Xunit;

namespace ConfCluster.Protocols.Tests.Srtp;

public class AesCounterTests
{
    /// <summary>BouncyCastle's table-driven engine: another author and no AES unit.</summary>
    [Fact]
    [Trait("RFC", "3711 §4.1.1")]
    public void The_keystream_is_that_of_another_AES_for_every_key_length_and_text_length() =>
        Gen.Select(Gen.Int[2, 4], Gen.Byte.Array[32], Gen.Byte.Array[16], Gen.Int[0, 200]).Sample((eights, material, iv, length) =>
        {
            var key = material[..(8 * eights)];
            var expected = Reference(key, iv, length);
            foreach (var counter in Both(key))
            {
                using (counter)
                {
                    var text = new byte[length];
                    counter.Xor(iv, text);
                    if (!text.AsSpan().SequenceEqual(expected)) return false;
                }
            }

            return true;
        }, iter: 2000);

    [Fact]
    public void Nothing_behind_the_text_is_touched()
    {
        using var counter = AesCounter.Keyed(new byte[16]);
        for (var length = 0; length <= 130; length++)
        {
            var buffer = new byte[200];
            counter.Xor(new byte[16], buffer.AsSpan(0, length));
            Assert.True(buffer.AsSpan(length).IndexOfAnyExcept((byte)0) < 0);
        }
    }

    [Fact]
    public void A_destroyed_key_encrypts_nothing()
    {
        foreach (var counter in Both(new byte[16]))
        {
            counter.Dispose();
            counter.Dispose();
            Assert.Throws<ObjectDisposedException>(() => counter.Xor(new byte[16], new byte[1]));
        }
    }

    [Fact]
    public void A_key_of_another_length_is_our_bug() => Assert.Throws<ArgumentException>(() => AesCounter.Keyed(new byte[15]));

    private static List<AesCounter> Both(byte[] key) => [AesCounter.Keyed(key), new PortableAesCounter(key)];

    private static byte[] Reference(byte[] key, byte[] iv, int length)
    {
        var engine = new AesLightEngine();
        engine.Init(true, new KeyParameter(key));
        var (counter, block, stream) = (iv.ToArray(), new byte[16], new List<byte>());
        while (stream.Count < length)
        {
            engine.ProcessBlock(counter, 0, block, 0);
            stream.AddRange(block);
            if (++counter[15] == 0) counter[14]++;
        }

        return [.. stream.Take(length)];
    }
}
