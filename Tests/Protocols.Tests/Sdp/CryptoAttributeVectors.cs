using System.Text.Json;
using ConfCluster.Protocols.Sdp;
using ConfCluster.Protocols.Srtp;
using ConfCluster.Support;
using Xunit;

namespace ConfCluster.Protocols.Tests.Sdp;

/// <summary>The examples of RFC 4568, a line for each registered suite, and the lists of lines that must and must not be taken.</summary>
public class CryptoAttributeVectors
{
    private static readonly JsonElement File = VectorFile.Json("sdp/sdes_crypto_lines.json");

    public static TheoryData<string> Lines(string list) => [.. File.GetProperty(list).EnumerateArray().Select(v => v.GetProperty("line").GetString()!)];

    [Theory]
    [MemberData(nameof(Lines), "rfc_examples")]
    [MemberData(nameof(Lines), "all_suites")]
    [Trait("RFC", "4568 §9.1")]
    public void A_line_is_read_into_what_the_vector_says(string line)
    {
        var parsed = File.GetProperty("rfc_examples").EnumerateArray().Concat(File.GetProperty("all_suites").EnumerateArray())
            .First(v => v.GetProperty("line").GetString() == line).GetProperty("parsed");
        using var crypto = Read(line);
        Assert.Equal(parsed.GetProperty("tag").GetUInt32(), crypto.Tag);
        Assert.Equal(parsed.GetProperty("suite").GetString(), crypto.Suite);
        if (SrtpProfile.Find(crypto.Suite) is null)
        {
            Assert.Equal(CryptoError.UnsupportedSuite, crypto.Error);
            Assert.Empty(crypto.Keys);
            return;
        }

        Assert.Equal(CryptoError.None, crypto.Error);
        var keys = parsed.GetProperty("keys").EnumerateArray().ToList();
        Assert.Equal(keys.Count, crypto.Keys.Length);
        foreach (var (expected, key) in keys.Zip(crypto.Keys)) AssertKey(expected, key);
    }

    [Theory]
    [MemberData(nameof(Lines), "must_reject")]
    [Trait("RFC", "4568 §6.1")]
    public void A_line_that_breaks_a_rule_is_unusable_and_keeps_no_key(string line)
    {
        using var crypto = Read(line);
        Assert.False(crypto.IsUsable);
        Assert.Empty(crypto.Keys);
    }

    [Theory]
    [MemberData(nameof(Lines), "must_accept")]
    [Trait("RFC", "4568 §9.2")]
    public void A_line_that_looks_odd_and_breaks_no_rule_is_taken(string line)
    {
        using var crypto = Read(line);
        Assert.Equal(CryptoError.None, crypto.Error);
        Assert.Single(crypto.Keys);
    }

    [Theory]
    [InlineData("|2^20|1:4;inline:", CryptoError.BadKey)]
    [InlineData("|2^20|18446744073709551616:9", CryptoError.BadMki)]
    [InlineData("|1:4|2^20", CryptoError.BadMki)]
    [InlineData("|2^20|1:4|2:4", CryptoError.BadMki)]
    [InlineData("|2^", CryptoError.BadLifetime)]
    [InlineData("|+5", CryptoError.BadLifetime)]
    [InlineData("|", CryptoError.BadLifetime)]
    [InlineData("!", CryptoError.BadKey)]
    [InlineData("AAAA", CryptoError.BadKeyLength)]
    [InlineData(" KDR=24", CryptoError.UnsupportedKeyDerivationRate)]
    [InlineData(" WSH=63", CryptoError.BadSessionParameter)]
    [InlineData(" FEC_ORDER=NONE", CryptoError.BadSessionParameter)]
    [InlineData(" FEC_KEY=inline:x", CryptoError.UnsupportedFec)]
    [InlineData(" -", CryptoError.UnknownSessionParameter)]
    [InlineData(" KDR=0 WSH=64 -X FEC_ORDER=SRTP_FEC", CryptoError.None)]
    [InlineData("|281474976710656|4294967295:4", CryptoError.None)]
    public void The_reason_is_named(string tail, CryptoError expected)
    {
        using var crypto = Read(SdpTexts.Crypto("AES_CM_128_HMAC_SHA1_80", tail));
        Assert.Equal(expected, crypto.Error);
    }

    [Fact]
    [Trait("RFC", "4568 §6.1")]
    public void Several_keys_differ_in_everything()
    {
        var key = SdpTexts.Crypto80[SdpTexts.Crypto80.IndexOf("inline:", StringComparison.Ordinal)..];
        var other = SdpTexts.Crypto32[SdpTexts.Crypto32.IndexOf("inline:", StringComparison.Ordinal)..];
        Assert.Equal(CryptoError.DuplicateMki, ErrorOf($"|1:4;{other}|1:4"));
        Assert.Equal(CryptoError.DuplicateKey, ErrorOf($"|1:4;{key}|2:4"));
        Assert.Equal(CryptoError.None, ErrorOf($"|1:4;{other}|2:4"));

        static CryptoError ErrorOf(string tail)
        {
            using var crypto = Read(SdpTexts.Crypto80 + tail);
            return crypto.Error;
        }
    }

    private static CryptoAttribute Read(string line) => SdpTexts.Session("m=audio 1 RTP/SAVP 0", line).Media[0].Crypto.Single();

    private static void AssertKey(JsonElement expected, MasterKey key)
    {
        Assert.Equal(expected.GetProperty("key").GetString(), Convert.ToHexStringLower(key.RevealKey()));
        Assert.Equal(expected.GetProperty("salt").GetString(), Convert.ToHexStringLower(key.RevealSalt()));
        var lifetime = expected.TryGetProperty("lifetime", out var text) ? 1UL << int.Parse(text.GetString()![2..], null) : key.Profile.DefaultLifetime;
        Assert.Equal(lifetime, key.Lifetime);
        if (!expected.TryGetProperty("mki_bytes", out var mki))
        {
            Assert.False(key.Mki.IsPresent);
            return;
        }

        var field = new byte[key.Mki.Length];
        key.Mki.Write(field);
        Assert.Equal(mki.GetString(), Convert.ToHexStringLower(field));
    }
}
