using System.Text.Json;
using ConfCluster.Protocols.Srtp.Transforms;
using ConfCluster.Support;
using CsCheck;
using Org.BouncyCastle.Crypto.Engines;
using Org.BouncyCastle.Crypto.Modes;
using Org.BouncyCastle.Crypto.Parameters;
using Xunit;

namespace ConfCluster.Protocols.Tests.Srtp;

/// <summary>Both ways to AES-GCM, the CPU's instructions and the platform's library, against RFC 7714 and against another author.</summary>
public class GcmCipherTests
{
    private const int Tag = GcmCipher.TagLength;

    public static TheoryData<int> Cases() => [.. Enumerable.Range(0, File.GetArrayLength())];

    private static JsonElement File => VectorFile.Json("srtp/srtp_rfc7714.json").GetProperty("cases");

    [Theory]
    [MemberData(nameof(Cases))]
    [Trait("RFC", "7714 §16")]
    public void The_packets_of_the_RFC_are_sealed_and_opened(int number)
    {
        var vector = File[number];
        byte[] Hex(string name) => VectorFile.Hex(vector.GetProperty(name).GetString()!);
        var (plain, expected) = (Hex("plaintext_packet"), Hex("protected_packet"));
        var rtcp = vector.TryGetProperty("srtcp_index", out _);
        var tagOnly = vector.GetProperty("name").GetString()!.EndsWith("tag only", StringComparison.Ordinal);
        var clear = tagOnly ? plain.Length : rtcp ? 8 : 12;
        var associated = rtcp ? plain[..clear].Concat(expected[^4..]).ToArray() : plain[..clear];
        foreach (var cipher in Both(Hex("session_key")))
        {
            using var owned = cipher;
            var (text, tag) = (plain[clear..], new byte[Tag]);
            cipher.Seal(Hex("iv"), associated, text, tag);
            Assert.Equal(expected[clear..(expected.Length - (rtcp ? 4 : 0))], text.Concat(tag));
            Assert.True(cipher.TryOpen(Hex("iv"), associated, text, tag));
            Assert.Equal(plain[clear..], text);
        }
    }

    [Fact]
    [Trait("RFC", "7714 §8.2")]
    public void Sealing_is_that_of_another_author_for_every_key_and_text_and_associated_length() =>
        Gen.Select(Gen.Int[2, 4], Gen.Byte.Array[32], Gen.Byte.Array[12], Gen.Byte.Array[0, 300], Gen.Byte.Array[0, 600]).Sample(
            (eights, material, nonce, associated, plain) =>
            {
                var key = material[..(8 * eights)];
                var reference = new GcmBlockCipher(new AesLightEngine());
                reference.Init(true, new AeadParameters(new KeyParameter(key), 8 * Tag, nonce, associated));
                var expected = new byte[plain.Length + Tag];
                reference.DoFinal(expected, reference.ProcessBytes(plain, 0, plain.Length, expected, 0));
                foreach (var cipher in Both(key))
                {
                    using var owned = cipher;
                    var (text, tag) = (plain.ToArray(), new byte[Tag]);
                    cipher.Seal(nonce, associated, text, tag);
                    if (!expected.AsSpan().SequenceEqual([.. text, .. tag])) return false;
                    if (!cipher.TryOpen(nonce, associated, text, tag) || !text.AsSpan().SequenceEqual(plain)) return false;
                }

                return true;
            }, iter: 3000);

    [Fact]
    public void What_is_not_authentic_is_left_as_it_was()
    {
        foreach (var cipher in Both(new byte[16]))
        {
            using var owned = cipher;
            var (nonce, text, tag) = (new byte[12], new byte[160], new byte[Tag]);
            cipher.Seal(nonce, [1, 2], text, tag);
            var sealedText = text.ToArray();
            tag[15] ^= 1;
            Assert.False(cipher.TryOpen(nonce, [1, 2], text, tag));
            tag[15] ^= 1;
            Assert.False(cipher.TryOpen(nonce, [1, 3], text, tag));
            Assert.Equal(sealedText, text);
        }
    }

    [Fact]
    public void A_destroyed_key_seals_nothing()
    {
        foreach (var cipher in Both(new byte[16]))
        {
            cipher.Dispose();
            cipher.Dispose();
            Assert.Throws<ObjectDisposedException>(() => cipher.Seal(new byte[12], [], new byte[1], new byte[Tag]));
        }
    }

    private static List<GcmCipher> Both(byte[] key) => [GcmCipher.Keyed(key), new PortableGcm(key)];
}
