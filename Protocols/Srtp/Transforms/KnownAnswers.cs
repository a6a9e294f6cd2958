using System.Buffers.Binary;
using System.Collections.Immutable;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Protocols.Srtp.Transforms;

/// <summary>One computation and what must come out of it.</summary>
public sealed record KnownAnswer(string Name, Func<byte[]> Compute, string Expected)
{
    public bool IsRight() => Convert.ToHexStringLower(Compute()) == Expected;
}

/// <summary>
/// Known-answer tests that a node runs before it does anything else: one that fails does not join. The parts by FIPS 197, RFC 2202 §3 and
/// NIST SP 800-38D, then whole packets of every suite (RFC 3711 Appendix B.3, RFC 6188 §7, RFC 7714 §16; keys and packets of libsrtp's test
/// driver). All keys here are public.
/// </summary>
public static class KnownAnswers
{
    public static readonly ImmutableArray<KnownAnswer> All =
    [
        new("AES-128", () => Aes("000102030405060708090a0b0c0d0e0f"), "69c4e0d86a7b0430d8cdb78070b4c55a"),
        new("AES-192", () => Aes("000102030405060708090a0b0c0d0e0f1011121314151617"), "dda97ca4864cdfe06eaf70a0ec0d7191"),
        new("AES-256", () => Aes("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"), "8ea2b7ca516745bfeafc49904b496089"),
        new("HMAC-SHA1", Hmac, "b617318655057264e28bc0b6fb378c8ef146be00"),
        new("AES-GCM", Gcm, "0388dace60b6a392f328c2b971b2fe78ab6e47d42cec13bdf53a67b21257bddf"),
        new("AES-CM key derivation", Derivation, "c61e7a93744f39ee10734afe3ff7a087"),
        Rtp(SrtpProfile.AesCm128HmacSha1Tag80,
            "e1f97a0d3e018be0d64fa32c06de41390ec675ad498afeebb6960b3aabe6",
            "800f1234decafbadcafebabeabababababababababababababababab",
            "4e55dc4ce79978d88ca4d215949d2402b78d6acc99ea179b8dbb"),
        Rtp(SrtpProfile.AesCm128HmacSha1Tag32,
            "e1f97a0d3e018be0d64fa32c06de41390ec675ad498afeebb6960b3aabe6",
            "800f1234decafbadcafebabeabababababababababababababababab",
            "4e55dc4ce79978d88ca4d215949d2402b78d6acc"),
        Rtp(SrtpProfile.AesCm192HmacSha1Tag80,
            "73edc66c4fa15776fb57f9505c17136550ffda71f3e8e5f1c8522f3acd4ce86d5add78edbb11",
            "800f0000decafbad00000000abababababababababababababababab",
            "d98865552f2762c3ef37f837acfdb7122d6bc4dc84c76f74aea5"),
        Rtp(SrtpProfile.AesCm192HmacSha1Tag32,
            "73edc66c4fa15776fb57f9505c17136550ffda71f3e8e5f1c8522f3acd4ce86d5add78edbb11",
            "800f0000decafbad00000000abababababababababababababababab",
            "d98865552f2762c3ef37f837acfdb7122d6bc4dc"),
        Rtp(SrtpProfile.AesCm256HmacSha1Tag80,
            "f0f04914b513f2763a1b1fa130f10e2998f6f6e43e4309d1e622a0e332b9f1b63b04803de51ee7c96423ab5b78d2",
            "800f1234decafbadcafebabeabababababababababababababababab",
            "f1d9de17ff251ff1aa007774b0b4b40da08d9d9a5b3a55d8873b"),
        Rtp(SrtpProfile.AesCm256HmacSha1Tag32,
            "f0f04914b513f2763a1b1fa130f10e2998f6f6e43e4309d1e622a0e332b9f1b63b04803de51ee7c96423ab5b78d2",
            "800f1234decafbadcafebabeabababababababababababababababab",
            "f1d9de17ff251ff1aa007774b0b4b40da08d9d9a"),
        Rtp(SrtpProfile.AeadAes128Gcm,
            "000102030405060708090a0b0c0d0e0fa0a1a2a3a4a5a6a7a8a9aaab",
            "800f1234decafbadcafebabeabababababababababababababababab",
            "c5002ede04cfdd2eb91159e0880aa06ed2976826f796b201df3131a127e8a392"),
        Rtp(SrtpProfile.AeadAes256Gcm,
            "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f517569642070726f2071756f",
            "800f1234decafbadcafebabeabababababababababababababababab",
            "aa4ca2e374c8e970c7ce78a0056924845e1e25ba301478fb72268eeb0382b6b4"),
        Rtcp(SrtpProfile.AesCm128HmacSha1Tag80,
            "e1f97a0d3e018be0d64fa32c06de41390ec675ad498afeebb6960b3aabe6",
            "81c8000bcafebabeabababababababababababababababab",
            "7128035be487b9bdbef89041f977a5a880000001993e08cd54d6c1230798"),
        Rtcp(SrtpProfile.AeadAes128Gcm,
            "000102030405060708090a0b0c0d0e0fa0a1a2a3a4a5a6a7a8a9aaab",
            "81c8000bcafebabeabababababababababababababababab",
            "c98b8b5df0392a55852b6c21ac8e7025c52c6fbea2b3b446ea31123ba88ce61e80000001"),
    ];

    /// <summary>Names of the tests that failed; empty when all is well.</summary>
    public static ImmutableArray<string> Run() => Run(All);

    public static ImmutableArray<string> Run(ImmutableArray<KnownAnswer> answers) => [.. answers.Where(a => !a.IsRight()).Select(a => a.Name)];

    /// <summary>FIPS 197 Appendix C: the block as the counter, and zeros as the text.</summary>
    private static byte[] Aes(string key)
    {
        using var cipher = AesCounter.Keyed(Convert.FromHexString(key));
        var text = new byte[16];
        cipher.Xor(Convert.FromHexString("00112233445566778899aabbccddeeff"), text);
        return text;
    }

    /// <summary>RFC 2202 §3, the first case.</summary>
    private static byte[] Hmac()
    {
        using var hmac = HmacSha1.Keyed([.. Enumerable.Repeat((byte)0x0B, 20)]);
        var hash = new byte[HmacSha1.Length];
        hmac.Compute("Hi T"u8, BinaryPrimitives.ReadUInt32BigEndian("here"u8), hash);
        return hash;
    }

    /// <summary>A key, a nonce and a block of zeros: the second case of the paper that NIST SP 800-38D stands on.</summary>
    private static byte[] Gcm()
    {
        using var cipher = GcmCipher.Keyed(new byte[16]);
        var (text, tag) = (new byte[16], new byte[GcmCipher.TagLength]);
        cipher.Seal(new byte[12], [], text, tag);
        return [.. text, .. tag];
    }

    private static byte[] Derivation()
    {
        var key = new byte[16];
        KeyDerivation.Derive(
            Convert.FromHexString("e1f97a0d3e018be0d64fa32c06de4139"), Convert.FromHexString("0ec675ad498afeebb6960b3aabe6"), KeyLabel.RtpEncryption, key);
        return key;
    }

    /// <summary>The packet behind its header, when it also opens to what it was; else nothing.</summary>
    private static KnownAnswer Rtp(SrtpProfile profile, string master, string plain, string expected) => new(profile.Name, () =>
    {
        using var ring = Ring(profile, master);
        var clear = Convert.FromHexString(plain);
        var packet = new byte[128];
        clear.CopyTo(packet, 0);
        RtpHeader.TryRead(clear, out var header, out _);
        var length = new SrtpSender(ring).Protect(packet, clear.Length, new PacketIndex(0, header.Sequence));
        var sent = packet[header.Length..length];
        var opened = new SrtpReceiver(ring, 1).Unprotect(packet.AsSpan(0, length), out _, out var end) == UnprotectError.None;
        return opened && packet.AsSpan(0, end).SequenceEqual(clear) ? sent : [];
    }, expected);

    /// <summary>The second report of a sender, index 1, behind the 8 octets in the clear.</summary>
    private static KnownAnswer Rtcp(SrtpProfile profile, string master, string plain, string expected) => new($"SRTCP of {profile.Name}", () =>
    {
        using var ring = Ring(profile, master);
        var clear = Convert.FromHexString(plain);
        var (sender, packet, length) = (new SrtcpSender(ring), new byte[128], 0);
        for (var i = 0; i < 2; i++)
        {
            clear.CopyTo(packet, 0);
            length = sender.Protect(packet, clear.Length);
        }

        var sent = packet[8..length];
        var opened = new SrtcpReceiver(ring, 1).Unprotect(packet.AsSpan(0, length), out var end) == UnprotectError.None;
        return opened && packet.AsSpan(0, end).SequenceEqual(clear) ? sent : [];
    }, expected);

    private static KeyRing Ring(SrtpProfile profile, string master)
    {
        var ring = new KeyRing(profile);
        ring.Install(new MasterKey(profile, SecretBytes.CopyOf(Convert.FromHexString(master)), Mki.None));
        ring.Activate(Mki.None);
        return ring;
    }
}
