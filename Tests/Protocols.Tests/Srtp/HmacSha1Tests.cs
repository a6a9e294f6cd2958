using System.Buffers.Binary;
using System.Security.Cryptography;
using ConfCluster.Protocols.Srtp.Transforms;
using CsCheck;
using Xunit;

namespace ConfCluster.Protocols.Tests.Srtp;

public class HmacSha1Tests
{
    [Theory]
    [InlineData("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "4869205468657265", "b617318655057264e28bc0b6fb378c8ef146be00")]
    [InlineData("4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f", "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79")]
    [InlineData(
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd",
        "125d7342b9ac11cd91a39af48aa17b4f63f175d3")]
    public void RFC_2202_section_3(string key, string message, string hash)
    {
        var octets = Convert.FromHexString(message);
        foreach (var hmac in Both(Convert.FromHexString(key))) Assert.Equal(hash, Convert.ToHexStringLower(Compute(hmac, octets[..^4], Last(octets))));
    }

    [Fact]
    public void It_is_the_runtimes_for_packets_of_every_length_one_after_the_other() =>
        Gen.Select(Gen.Byte.Array[0, 64], Gen.Byte.Array[0, 300].Array[1, 5], Gen.UInt).Sample((key, packets, trailer) =>
        {
            foreach (var hmac in Both(key))
            {
                foreach (var packet in packets)
                {
                    var message = new byte[packet.Length + 4];
                    packet.CopyTo(message, 0);
                    BinaryPrimitives.WriteUInt32BigEndian(message.AsSpan(packet.Length), trailer);
                    if (!Compute(hmac, packet, trailer).AsSpan().SequenceEqual(Reference(key, message))) return false;
                }

                hmac.Dispose();
            }

            return true;
        });

    [Fact]
    public void Lengths_around_a_block_are_right()
    {
        foreach (var hmac in Both([1, 2, 3]))
            for (var length = 0; length < 200; length++)
                Assert.Equal(Reference([1, 2, 3], new byte[length + 4]), Compute(hmac, new byte[length], 0));
    }

    [Fact]
    public void A_key_that_was_destroyed_hashes_nothing()
    {
        foreach (var hmac in Both([1, 2, 3]))
        {
            hmac.Dispose();
            Assert.Throws<ObjectDisposedException>(() => Compute(hmac, [1], 0));
        }
    }

    [Fact]
    public void A_key_longer_than_a_block_is_refused() => Assert.Throws<ArgumentException>(() => new KeptHmacSha1(new byte[65]));

    /// <summary>Ours where the library is; the runtime's is there always.</summary>
    private static HmacSha1[] Both(byte[] key) => Sha1Library.IsPresent ? [new KeptHmacSha1(key), new RuntimeHmacSha1(key)] : [new RuntimeHmacSha1(key)];

    private static byte[] Reference(byte[] key, byte[] message)
    {
        using var hmac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA1, key);
        hmac.AppendData(message);
        return hmac.GetHashAndReset();
    }

    private static byte[] Compute(HmacSha1 hmac, byte[] packet, uint trailer)
    {
        var hash = new byte[HmacSha1.Length];
        hmac.Compute(packet, trailer, hash);
        return hash;
    }

    private static uint Last(byte[] octets) => BinaryPrimitives.ReadUInt32BigEndian(octets.AsSpan(octets.Length - 4));
}
