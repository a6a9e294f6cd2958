using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Protocols.Srtp;

/// <summary>
/// A master key and master salt, concatenated as SDES carries them (RFC 3711 §3.2.1, RFC 4568 §6.1), with the MKI that names them in
/// packets and the number of packets they may protect. Owns its secret.
/// </summary>
public sealed class MasterKey(SrtpProfile profile, SecretBytes keyAndSalt, Mki mki, ulong? lifetime = null) : IDisposable
{
    /// <summary>RFC 3711 §9.2: 2^48 SRTP packets; SRTCP is limited to 2^31 in any case.</summary>
    public const ulong MaxLifetime = 1UL << 48;

    public SrtpProfile Profile { get; } = keyAndSalt.Length == profile.MasterLength
        ? profile
        : throw new ArgumentException($"{profile.Name} takes {profile.MasterLength} octets", nameof(keyAndSalt));

    public SecretBytes KeyAndSalt { get; } = keyAndSalt;

    public Mki Mki { get; } = mki;

    public ulong Lifetime { get; } = lifetime ?? profile.DefaultLifetime;

    public ReadOnlySpan<byte> RevealKey() => KeyAndSalt.Reveal()[..Profile.KeyLength];

    public ReadOnlySpan<byte> RevealSalt() => KeyAndSalt.Reveal()[Profile.KeyLength..];

    public static MasterKey Generate(SrtpProfile profile, Mki mki, SecretWriter random)
    {
        ArgumentNullException.ThrowIfNull(profile);
        return new MasterKey(profile, SecretBytes.Create(profile.MasterLength, random), mki);
    }

    public MasterKey Copy() => new(Profile, KeyAndSalt.Copy(), Mki, Lifetime);

    public void Dispose() => KeyAndSalt.Dispose();

    public override string ToString() => $"{Profile.Name} key, {Mki}";
}
