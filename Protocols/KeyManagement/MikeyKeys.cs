using System.Collections.Immutable;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Mikey;
using ConfCluster.Protocols.Mikey.Payloads;
using ConfCluster.Protocols.Srtp;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Protocols.KeyManagement;

/// <summary>SRTP master keys as MIKEY carries them: TEK and salt under an SPI that is the MKI (RFC 3830 §6.13, §A).</summary>
public static class MikeyKeys
{
    /// <summary>Null: MIKEY has no policy for AES with 192 bits (RFC 3830 §6.10.1 knows the length, RFC 6043 no suite as long).</summary>
    public static SrtpPolicy? PolicyOf(SrtpProfile profile)
    {
        ArgumentNullException.ThrowIfNull(profile);
        return profile switch
        {
            _ when profile.KeyLength is not (16 or 32) => null,
            { Transform: SrtpTransform.AeadAesGcm } => SrtpPolicy.AeadAes128Gcm with { KeyLength = profile.KeyLength },
            _ => SrtpPolicy.AesCm128Tag80 with { KeyLength = profile.KeyLength, TagLength = profile.RtpTagLength },
        };
    }

    /// <summary>Null: none of ours.</summary>
    public static SrtpProfile? ProfileOf(SrtpPolicy policy) => SrtpProfile.All.FirstOrDefault(p => PolicyOf(p) == policy);

    /// <summary>RFC 6043 §12.1: session keys of more than 128 bits forbid the algorithms of 128.</summary>
    public static MikeySuite SuiteFor(SrtpProfile profile) => profile?.KeyLength > 16 ? MikeySuite.Aes256 : MikeySuite.Aes128;

    public static Octets Spi(Mki mki)
    {
        Span<byte> field = stackalloc byte[mki.Length];
        mki.Write(field);
        return Octets.CopyOf(field);
    }

    /// <summary>A copy, which the caller owns.</summary>
    public static TransportedKey ToTek(MasterKey key)
    {
        ArgumentNullException.ThrowIfNull(key);
        KeyValidity validity = key.Mki.IsPresent ? new KeyValidity.Named(Spi(key.Mki)) : new KeyValidity.Always();
        return new TransportedKey(KeyType.TekWithSalt, SecretBytes.CopyOf(key.RevealKey()), SecretBytes.CopyOf(key.RevealSalt()), validity);
    }

    /// <summary>A copy, which the caller owns; null: no TEK with a salt of that suite, or an SPI that is no MKI that a packet can have.</summary>
    public static MasterKey? ToMasterKey(TransportedKey key, SrtpProfile profile)
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(profile);
        if (!key.Type.IsTek() || key.Salt is not { } salt || key.Key.Length != profile.KeyLength || salt.Length != profile.SaltLength) return null;
        var mki = Mki.None;
        if (!key.Spi.IsEmpty && !Mki.TryRead(key.Spi.Span, out mki)) return null;
        var both = SecretBytes.Create(profile.MasterLength, span =>
        {
            key.Key.Reveal().CopyTo(span);
            salt.Reveal().CopyTo(span[profile.KeyLength..]);
        });
        return new MasterKey(profile, both, mki);
    }

    /// <summary>
    /// The TEKs of a message as master keys that the caller owns; other keys are left out. Empty: none, or a TEK that is not of this suite, or MKIs of
    /// several lengths (RFC 3711 §3.1: the length is fixed).
    /// </summary>
    public static ImmutableArray<MasterKey> MasterKeys(ImmutableArray<TransportedKey> keys, SrtpProfile profile)
    {
        var found = keys.Where(k => k.Type.IsTek()).Select(k => ToMasterKey(k, profile)).ToList();
        if (found.All(k => k is not null && k.Mki.Length == found[0]!.Mki.Length)) return [.. found.OfType<MasterKey>()];
        foreach (var key in found) key?.Dispose();
        return [];
    }
}
