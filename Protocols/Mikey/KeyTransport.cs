using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Security.Cryptography;
using ConfCluster.Protocols.Mikey.Payloads;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Protocols.Mikey;

/// <summary>Keys into KEMAC and out of it (RFC 3830 §4.2.3, §6.2; RFC 6043 §6.2). The MAC is elsewhere: check it first.</summary>
public static class KeyTransport
{
    /// <summary>RFC 3830 §4.2.3: the counter of a block has 16 bits.</summary>
    private const int MaxLength = 65_535;

    /// <param name="csbId">0xFFFFFFFF in a ticket (RFC 6043 §A.1).</param>
    /// <param name="time">T of the message that holds the KEMAC.</param>
    public static Kemac Seal(MessageKeys keys, uint csbId, MikeyTime time, params ReadOnlySpan<TransportedKey> transported)
    {
        ArgumentNullException.ThrowIfNull(keys);
        using var plain = TransportedKey.WriteChain([.. transported]);
        var text = plain.Reveal().ToArray();
        AesBlocks.Counter(keys.Encryption.Reveal(), Iv(keys, csbId, time), text);
        return new Kemac(keys.Suite.Encryption, Octets.Own(text));
    }

    /// <summary>What a request asks for: as many keys of this kind and length, all octets zero (RFC 6043 §6.10).</summary>
    public static Kemac Wish(params ReadOnlySpan<TransportedKey> zero)
    {
        using var plain = TransportedKey.WriteChain([.. zero]);
        return new Kemac(EncryptionAlgorithm.None, Octets.CopyOf(plain.Reveal()));
    }

    /// <summary>The caller owns the keys. False: an algorithm that the suite does not take, or octets that are no keys.</summary>
    public static bool TryOpen(Kemac kemac, MessageKeys keys, uint csbId, MikeyTime time, out ImmutableArray<TransportedKey> transported)
    {
        ArgumentNullException.ThrowIfNull(kemac);
        ArgumentNullException.ThrowIfNull(keys);
        transported = [];
        if (!keys.Suite.Takes(kemac.Encryption) || kemac.Encrypted.Length > MaxLength) return false;
        var wrapped = kemac.Encryption == EncryptionAlgorithm.AesKw128;
        if (wrapped && !AesBlocks.CanWrap(kemac.Encrypted.Length - 8)) return false;
        var isOpen = true;
        using var plain = SecretBytes.Create(kemac.Encrypted.Length - (wrapped ? 8 : 0), text =>
        {
            if (wrapped)
            {
                isOpen = AesBlocks.TryUnwrap(keys.Encryption.Reveal(), keys.WrapSalt, kemac.Encrypted.Span, text);
                return;
            }

            kemac.Encrypted.Span.CopyTo(text);
            AesBlocks.Counter(keys.Encryption.Reveal(), Iv(keys, csbId, time), text);
        });
        return isOpen && TransportedKey.ReadChain(plain.Reveal(), out transported) == MikeyError.None;
    }

    /// <summary>Keys in the clear, as in a wish.</summary>
    public static bool TryOpen(Kemac kemac, out ImmutableArray<TransportedKey> transported)
    {
        ArgumentNullException.ThrowIfNull(kemac);
        transported = [];
        return kemac.Encryption == EncryptionAlgorithm.None && TransportedKey.ReadChain(kemac.Encrypted.Span, out transported) == MikeyError.None;
    }

    /// <summary>RFC 3830 §4.2.3: IV = (S XOR (0x0000 ‖ CSB ID ‖ T)) ‖ 0x0000.</summary>
    internal static byte[] Iv(MessageKeys keys, uint csbId, MikeyTime time)
    {
        var iv = new byte[16];
        BinaryPrimitives.WriteUInt32BigEndian(iv.AsSpan(2), csbId);
        BinaryPrimitives.WriteUInt64BigEndian(iv.AsSpan(6), time.Padded);
        var salt = keys.Salt.Reveal();
        for (var i = 0; i < salt.Length; i++) iv[i] ^= salt[i];
        return iv;
    }
}
