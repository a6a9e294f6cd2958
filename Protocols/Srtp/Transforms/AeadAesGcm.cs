using System.Buffers.Binary;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Protocols.Srtp.Transforms;

/// <summary>AES-GCM for SRTP and SRTCP (RFC 7714 §8, §9) with tags of 16 octets. Left out: SRTCP with E = 0.</summary>
public sealed class AeadAesGcm : ISrtpTransform
{
    private const int NonceLength = 12;

    /// <summary>RFC 7714 §9.2: the clear octets of SRTCP and the word of E bit and index.</summary>
    private const int RtcpAssociated = 12;

    private readonly GcmCipher _cipher;
    private readonly SecretBytes _salt;
    private readonly bool _rtcp;

    public AeadAesGcm(MasterKey master, bool rtcp)
    {
        ArgumentNullException.ThrowIfNull(master);
        _rtcp = rtcp;
        using var encryption = KeyDerivation.Derive(master, rtcp ? KeyLabel.RtcpEncryption : KeyLabel.RtpEncryption, master.Profile.KeyLength);
        _cipher = GcmCipher.Keyed(encryption.Reveal());
        _salt = KeyDerivation.Derive(master, rtcp ? KeyLabel.RtcpSalt : KeyLabel.RtpSalt, master.Profile.SaltLength);
    }

    public void Seal(Span<byte> packet, int clear, Ssrc ssrc, ulong index, uint trailer, Span<byte> tag)
    {
        Span<byte> nonce = stackalloc byte[NonceLength];
        Span<byte> space = stackalloc byte[RtcpAssociated];
        WriteNonce(ssrc, index, nonce);
        _cipher.Seal(nonce, Associated(packet, clear, trailer, space), packet[clear..], tag);
    }

    public bool TryOpen(Span<byte> packet, int clear, Ssrc ssrc, ulong index, uint trailer, ReadOnlySpan<byte> tag)
    {
        Span<byte> nonce = stackalloc byte[NonceLength];
        Span<byte> space = stackalloc byte[RtcpAssociated];
        WriteNonce(ssrc, index, nonce);
        return _cipher.TryOpen(nonce, Associated(packet, clear, trailer, space), packet[clear..], tag);
    }

    public void Dispose()
    {
        _cipher.Dispose();
        _salt.Dispose();
    }

    /// <summary>RFC 7714 §8.1, §9.1: zeros, SSRC, then ROC ‖ SEQ or the SRTCP index, 48 bits wide either way; XORed with the salt.</summary>
    private void WriteNonce(Ssrc ssrc, ulong index, Span<byte> nonce)
    {
        _salt.Reveal().CopyTo(nonce);
        BinaryPrimitives.WriteUInt32BigEndian(nonce[2..], BinaryPrimitives.ReadUInt32BigEndian(nonce[2..]) ^ ssrc.Value);
        // The upper 16 bits of the index are zero, so the last octet of the SSRC's field keeps what it has.
        BinaryPrimitives.WriteUInt64BigEndian(nonce[4..], BinaryPrimitives.ReadUInt64BigEndian(nonce[4..]) ^ index);
    }

    /// <summary>RFC 7714 §8.2: the header; §9.2: the first 8 octets and the index word. The ROC is in the nonce and needs no other place.</summary>
    private ReadOnlySpan<byte> Associated(ReadOnlySpan<byte> packet, int clear, uint trailer, Span<byte> space)
    {
        if (!_rtcp) return packet[..clear];
        packet[..clear].CopyTo(space);
        BinaryPrimitives.WriteUInt32BigEndian(space[clear..], trailer);
        return space;
    }
}
