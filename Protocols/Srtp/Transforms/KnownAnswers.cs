using System.Collections.Immutable;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Protocols.Srtp.Transforms;

/// <summary>Known-answer tests that a node runs before it does anything else: one that fails does not join (RFC 3711 Appendix B.3).</summary>
public static class KnownAnswers
{
    /// <summary>Names of the tests that failed; empty when all is well.</summary>
    public static ImmutableArray<string> Run()
    {
        var failed = ImmutableArray.CreateBuilder<string>();
        Span<byte> key = stackalloc byte[16];
        using var secret = Master();
        KeyDerivation.Derive(secret.Reveal()[..16], secret.Reveal()[16..], KeyLabel.RtpEncryption, key);
        if (!key.SequenceEqual(Convert.FromHexString("C61E7A93744F39EE10734AFE3FF7A087"))) failed.Add("AES-CM key derivation");
        if (!Packet(SrtpProfile.AesCm128HmacSha1Tag80, "4E55DC4CE79978D88CA4D215949D2402B78D6ACC99EA179B8DBB")) failed.Add("AES_CM_128_HMAC_SHA1_80");
        if (!Packet(SrtpProfile.AesCm128HmacSha1Tag32, "4E55DC4CE79978D88CA4D215949D2402B78D6ACC")) failed.Add("AES_CM_128_HMAC_SHA1_32");
        return failed.ToImmutable();
    }

    private static SecretBytes Master() =>
        SecretBytes.CopyOf(Convert.FromHexString("E1F97A0D3E018BE0D64FA32C06DE4139" + "0EC675AD498AFEEBB6960B3AABE6"));

    /// <summary>Protects 16 octets of 0xAB and opens them again.</summary>
    private static bool Packet(SrtpProfile profile, string expected)
    {
        using var ring = new KeyRing(profile);
        ring.Install(new MasterKey(profile, Master(), Mki.None));
        ring.Activate(Mki.None);
        var packet = new byte[64];
        RtpHeader.Write(packet, false, 15, 0x1234, 0xDECAFBAD, new Ssrc(0xCAFEBABE));
        packet.AsSpan(12, 16).Fill(0xAB);
        var length = new SrtpSender(ring).Protect(packet, 28, new PacketIndex(0, 0x1234));
        if (!packet.AsSpan(12, length - 12).SequenceEqual(Convert.FromHexString(expected))) return false;
        return new SrtpReceiver(ring, 1).Unprotect(packet.AsSpan(0, length), out _, out var opened) == UnprotectError.None
            && !packet.AsSpan(12, opened - 12).ContainsAnyExcept((byte)0xAB);
    }
}
