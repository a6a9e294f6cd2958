using System.Buffers.Binary;
using System.Security.Cryptography;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Wire;
using Org.BouncyCastle.Crypto;

namespace ConfCluster.Protocols.Srtp.Transforms;

/// <summary>AES in counter mode with HMAC-SHA1 (RFC 3711 §4.1.1, §4.2.1), tags of 80 or 32 bits.</summary>
public sealed class AesCmHmacSha1 : ISrtpTransform
{
    /// <summary>Longest authenticated part with the ROC behind it; a larger packet is none that we take.</summary>
    public const int MaxPacket = 4096;

    private const int HashLength = 20;

    private readonly IBlockCipher _cipher;
    private readonly SecretBytes _salt;
    private readonly SecretBytes _authentication;
    private readonly byte[] _scratch = GC.AllocateArray<byte>(MaxPacket + 4, pinned: true);

    public AesCmHmacSha1(MasterKey master, bool rtcp)
    {
        ArgumentNullException.ThrowIfNull(master);
        using var encryption = Derive(master, rtcp ? KeyLabel.RtcpEncryption : KeyLabel.RtpEncryption, master.Profile.KeyLength);
        _cipher = AesCounter.Keyed(encryption.Reveal());
        _salt = Derive(master, rtcp ? KeyLabel.RtcpSalt : KeyLabel.RtpSalt, master.Profile.SaltLength);
        _authentication = Derive(master, rtcp ? KeyLabel.RtcpAuthentication : KeyLabel.RtpAuthentication, master.Profile.AuthKeyLength);
    }

    public void Seal(Span<byte> packet, int clear, int encryptedEnd, Ssrc ssrc, ulong index, uint? trailer, Span<byte> tag)
    {
        Crypt(packet[clear..encryptedEnd], ssrc, index);
        Span<byte> hash = stackalloc byte[HashLength];
        Hash(packet, trailer, hash);
        hash[..tag.Length].CopyTo(tag);
    }

    public bool TryOpen(Span<byte> packet, int clear, int encryptedEnd, Ssrc ssrc, ulong index, uint? trailer, ReadOnlySpan<byte> tag)
    {
        Span<byte> hash = stackalloc byte[HashLength];
        Hash(packet, trailer, hash);
        if (!CryptographicOperations.FixedTimeEquals(hash[..tag.Length], tag)) return false;
        Crypt(packet[clear..encryptedEnd], ssrc, index);
        return true;
    }

    public void Dispose()
    {
        _salt.Dispose();
        _authentication.Dispose();
        CryptographicOperations.ZeroMemory(_scratch);
        // The engine keeps its key schedule and offers no way to wipe it; keying it anew overwrites the reference to it.
        _cipher.Init(forEncryption: true, new Org.BouncyCastle.Crypto.Parameters.KeyParameter(new byte[16]));
    }

    private static SecretBytes Derive(MasterKey master, KeyLabel label, int length) =>
        SecretBytes.Create(length, span => KeyDerivation.Derive(master.RevealKey(), master.RevealSalt(), label, span));

    /// <summary>RFC 3711 §4.1.1: IV = (k_s · 2^16) XOR (SSRC · 2^64) XOR (i · 2^16).</summary>
    private void Crypt(Span<byte> text, Ssrc ssrc, ulong index)
    {
        Span<byte> iv = stackalloc byte[16];
        iv[14..].Clear();
        _salt.Reveal().CopyTo(iv);
        BinaryPrimitives.WriteUInt32BigEndian(iv[4..], BinaryPrimitives.ReadUInt32BigEndian(iv[4..]) ^ ssrc.Value);
        // Bits 16 to 63 of the block: the read takes the two counter octets along, which are still zero.
        BinaryPrimitives.WriteUInt64BigEndian(iv[8..], BinaryPrimitives.ReadUInt64BigEndian(iv[8..]) ^ index << 16);
        AesCounter.Xor(_cipher, iv, text);
    }

    [System.Diagnostics.CodeAnalysis.SuppressMessage(
        "Security", "CA5350", Justification = "RFC 3711 §4.2.1 prescribes HMAC-SHA1; collisions of SHA-1 do not break HMAC.")]
    private void Hash(ReadOnlySpan<byte> packet, uint? trailer, Span<byte> hash)
    {
        if (trailer is not { } roc)
        {
            HMACSHA1.HashData(_authentication.Reveal(), packet, hash);
            return;
        }

        // RFC 3711 §4.2: M = authenticated portion ‖ ROC.
        packet.CopyTo(_scratch);
        BinaryPrimitives.WriteUInt32BigEndian(_scratch.AsSpan(packet.Length), roc);
        HMACSHA1.HashData(_authentication.Reveal(), _scratch.AsSpan(0, packet.Length + 4), hash);
    }
}
