using System.Globalization;
using System.Text.Json;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Srtp;
using ConfCluster.Protocols.Srtp.Transforms;
using ConfCluster.Protocols.Wire;
using ConfCluster.Support;
using Xunit;

namespace ConfCluster.Protocols.Tests.Srtp;

/// <summary>RFC 3711 Appendix A and B, RFC 6188 §7, RFC 7714 §16 and §17, libsrtp's whole packets, and computed cases. Left out: NULL, E = 0.</summary>
public class SrtpVectors
{
    public static TheoryData<string, int> OurCases()
    {
        var data = new TheoryData<string, int>();
        foreach (var file in new[] { "srtp/srtp_libsrtp.json", "srtp/srtp_computed.json" })
        {
            var cases = VectorFile.Json(file).GetProperty("cases");
            for (var i = 0; i < cases.GetArrayLength(); i++)
                if (Profile(cases[i]) is not null)
                    data.Add(file, i);
        }

        return data;
    }

    [Fact]
    [Trait("RFC", "3711 §4.1.1")]
    public void The_AES_CM_keystream_of_Appendix_B2()
    {
        var vector = VectorFile.Json("srtp/srtp_rfc3711.json").GetProperty("aes_cm_keystream");
        using var cipher = AesCounter.Keyed(Hex(vector, "session_key"));
        foreach (var block in vector.GetProperty("blocks").EnumerateArray())
        {
            var text = new byte[16];
            cipher.Xor(Hex(block, "counter"), text);
            Assert.Equal(Hex(block, "keystream"), text);
        }
    }

    [Theory]
    [InlineData("aes_192_cm")]
    [InlineData("aes_256_cm")]
    [Trait("RFC", "6188 §7")]
    public void The_keystreams_and_key_derivations_with_longer_keys(string name)
    {
        var file = VectorFile.Json("srtp/srtp_rfc6188.json");
        var vector = file.GetProperty(name);
        using var cipher = AesCounter.Keyed(Hex(vector, "session_key"));
        foreach (var block in vector.GetProperty("blocks").EnumerateArray())
        {
            var text = new byte[16];
            cipher.Xor(Hex(block, "counter"), text);
            Assert.Equal(Hex(block, "keystream"), text);
        }

        var derivation = file.GetProperty($"{name}_prf");
        foreach (var (label, output) in new[] { (0, "cipher_key"), (1, "auth_key"), (2, "cipher_salt") })
        {
            var derived = new byte[Hex(derivation, output).Length];
            KeyDerivation.Derive(Hex(derivation, "master_key"), Hex(derivation, "master_salt"), (KeyLabel)label, derived);
            Assert.Equal(Hex(derivation, output), derived);
        }
    }

    [Fact]
    [Trait("RFC", "3711 §4.3")]
    public void The_key_derivation_of_Appendix_B3_and_its_SRTCP_labels()
    {
        var vector = VectorFile.Json("srtp/srtp_rfc3711.json").GetProperty("key_derivation");
        byte[] Derived(int label, int length)
        {
            var output = new byte[length];
            KeyDerivation.Derive(Hex(vector, "master_key"), Hex(vector, "master_salt"), (KeyLabel)label, output);
            return output;
        }

        foreach (var d in vector.GetProperty("derived").EnumerateArray())
            Assert.Equal(Hex(d, "out"), Derived(d.GetProperty("label").GetInt32(), d.GetProperty("n_octets").GetInt32()));
        var extra = vector.GetProperty("extra_computed_here");
        Assert.Equal(Hex(extra, "srtcp_cipher_key_label3"), Derived(3, 16));
        Assert.Equal(Hex(extra, "srtcp_auth_key_label4"), Derived(4, 20));
        Assert.Equal(Hex(extra, "srtcp_salt_label5"), Derived(5, 14));
    }

    [Fact]
    [Trait("RFC", "3711 §3.3.1")]
    public void The_index_estimates_of_Appendix_A()
    {
        foreach (var c in VectorFile.Json("srtp/srtp_rfc3711.json").GetProperty("index_estimation").GetProperty("cases").EnumerateArray())
        {
            var highest = new PacketIndex(c.GetProperty("roc").GetUInt32(), c.GetProperty("s_l").GetUInt16());
            var index = PacketIndex.Estimate(highest, c.GetProperty("seq").GetUInt16());
            Assert.Equal(ulong.Parse(c.GetProperty("index").GetString()![2..], NumberStyles.HexNumber, CultureInfo.InvariantCulture), index.Value);
            Assert.Equal(c.GetProperty("roc").GetUInt32() == 0 && index.Roc == uint.MaxValue, index.IsBeforeStart(highest));
        }
    }

    [Theory]
    [MemberData(nameof(OurCases))]
    public void A_whole_packet_is_protected_and_opened(string file, int number)
    {
        var vector = VectorFile.Json(file).GetProperty("cases")[number];
        using var ring = Ring(vector);
        if (vector.TryGetProperty("srtp", out _)) Rtp(vector, ring);
        if (vector.TryGetProperty("srtcp", out _)) Rtcp(vector, ring);
    }

    private static void Rtp(JsonElement vector, KeyRing ring)
    {
        var (plain, expected) = (Hex(vector, "rtp_plain"), Hex(vector, "srtp"));
        Assert.True(RtpHeader.TryRead(plain, out var header, out _));
        var index = new PacketIndex(vector.GetProperty("roc").GetUInt32(), header.Sequence);
        var packet = new byte[plain.Length + 32];
        plain.CopyTo(packet, 0);
        var length = new SrtpSender(ring).Protect(packet, plain.Length, index);
        Assert.Equal(expected, packet[..length]);

        var receiver = new SrtpReceiver(ring, 1);
        if (index.Roc > 0) receiver.Resume(header.Ssrc, new PacketIndex(index.Value - 1));
        Assert.Equal(UnprotectError.None, receiver.Unprotect(packet.AsSpan(0, length), out _, out var opened));
        Assert.Equal(plain, packet[..opened]);
    }

    private static void Rtcp(JsonElement vector, KeyRing ring)
    {
        var (plain, expected) = (Hex(vector, "rtcp_plain"), Hex(vector, "srtcp"));
        var packet = expected.ToArray();
        Assert.Equal(UnprotectError.None, new SrtcpReceiver(ring, 1).Unprotect(packet, out var opened));
        Assert.Equal(plain, packet[..opened]);

        // Our indices begin at 0: send until the vector's number is reached.
        var sender = new SrtcpSender(ring);
        for (var i = 0u; i <= vector.GetProperty("srtcp_index").GetUInt32(); i++)
        {
            packet = new byte[plain.Length + 32];
            plain.CopyTo(packet, 0);
            packet = packet[..sender.Protect(packet, plain.Length)];
        }

        Assert.Equal(expected, packet);
    }

    private static KeyRing Ring(JsonElement vector)
    {
        var profile = Profile(vector)!;
        var mki = Mki.None;
        if (vector.TryGetProperty("mki", out var field)) Assert.True(Mki.TryRead(VectorFile.Hex(field.GetString()!), out mki));
        var ring = new KeyRing(profile);
        ring.Install(new MasterKey(profile, SecretBytes.CopyOf([.. Hex(vector, "master_key"), .. Hex(vector, "master_salt")]), mki));
        ring.Activate(mki);
        return ring;
    }

    private static SrtpProfile? Profile(JsonElement vector)
    {
        var name = vector.TryGetProperty("suite", out var suite) ? suite.GetString()! : vector.GetProperty("name").GetString()!;
        if (name.Contains("NULL", StringComparison.Ordinal) || (vector.TryGetProperty("e_flag", out var e) && e.GetInt32() == 0)) return null;
        var tag32 = name.Contains("SHA1_32", StringComparison.Ordinal);
        return (Hex(vector, "master_key").Length, Hex(vector, "master_salt").Length) switch
        {
            (16, 14) => tag32 ? SrtpProfile.AesCm128HmacSha1Tag32 : SrtpProfile.AesCm128HmacSha1Tag80,
            (24, 14) => SrtpProfile.AesCm192HmacSha1Tag80,
            (32, 14) => SrtpProfile.AesCm256HmacSha1Tag80,
            (16, 12) => SrtpProfile.AeadAes128Gcm,
            (32, 12) => SrtpProfile.AeadAes256Gcm,
            _ => throw new InvalidOperationException($"no suite for {name}"),
        };
    }

    private static byte[] Hex(JsonElement element, string name) => VectorFile.Hex(element.GetProperty(name).GetString()!);
}
