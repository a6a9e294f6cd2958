using System.Buffers.Binary;
using System.Security.Cryptography;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Protocols.Srtp.Transforms;

/// <summary>
/// AES in counter mode with HMAC-SHA1 (RFC 3711 §4.1.1, §4.2.1; keys of 192 and 256 bits: RFC 6188 §2), tags of 80 or 32 bits.
/// </summary>
public sealed class AesCmHmacSha1 : ISrtpTransform
{
    private readonly AesCounter _cipher;
    private readonly SecretBytes _salt;
    private readonly HmacSha1 _hmac;

    public AesCmHmacSha1(MasterKey master, bool rtcp)
    {
        ArgumentNullException.ThrowIfNull(master);
        using var encryption = KeyDerivation.Derive(master, rtcp ? KeyLabel.RtcpEncryption : KeyLabel.RtpEncryption, master.Profile.KeyLength);
        using var authentication =
            KeyDerivation.Derive(master, rtcp ? KeyLabel.RtcpAuthentication : KeyLabel.RtpAuthentication, master.Profile.AuthKeyLength);
        _cipher = AesCounter.Keyed(encryption.Reveal());
        _salt = KeyDerivation.Derive(master, rtcp ? KeyLabel.RtcpSalt : KeyLabel.RtpSalt, master.Profile.SaltLength);
        _hmac = HmacSha1.Keyed(authentication.Reveal());
    }

    public void Seal(Span<byte> packet, int clear, Ssrc ssrc, ulong index, uint trailer, Span<byte> tag)
    {
        Crypt(packet[clear..], ssrc, index);
        Span<byte> hash = stackalloc byte[HmacSha1.Length];
        // RFC 3711 §4.2: M = authenticated portion ‖ ROC; the SRTCP portion ends with the index word instead.
        _hmac.Compute(packet, trailer, hash);
        hash[..tag.Length].CopyTo(tag);
    }

    public bool TryOpen(Span<byte> packet, int clear, Ssrc ssrc, ulong index, uint trailer, ReadOnlySpan<byte> tag)
    {
        Span<byte> hash = stackalloc byte[HmacSha1.Length];
        _hmac.Compute(packet, trailer, hash);
        if (!CryptographicOperations.FixedTimeEquals(hash[..tag.Length], tag)) return false;
        Crypt(packet[clear..], ssrc, index);
        return true;
    }

    public void Dispose()
    {
        _cipher.Dispose();
        _salt.Dispose();
        _hmac.Dispose();
    }

    /// <summary>RFC 3711 §4.1.1: IV = (k_s · 2^16) XOR (SSRC · 2^64) XOR (i · 2^16).</summary>
    private void Crypt(Span<byte> text, Ssrc ssrc, ulong index)
    {
        Span<byte> iv = stackalloc byte[16];
        iv[14..].Clear();
        _salt.Reveal().CopyTo(iv);
        BinaryPrimitives.WriteUInt32BigEndian(iv[4..], BinaryPrimitives.ReadUInt32BigEndian(iv[4..]) ^ ssrc.Value);
        // Bits 16 to 63 of the block: the read takes the two counter octets along, which are still zero.
        BinaryPrimitives.WriteUInt64BigEndian(iv[8..], BinaryPrimitives.ReadUInt64BigEndian(iv[8..]) ^ index << 16);
        _cipher.Xor(iv, text);
    }
}
