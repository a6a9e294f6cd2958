using System.Collections.Immutable;
using ConfCluster.Protocols.Mikey.Payloads;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Protocols.Mikey.Exchanges;

/// <summary>Who one is in the bundle, for as long as it lives: who began the Ticket Transfer, or who answered it.</summary>
public enum BundleRole
{
    Initiator,
    Responder,
}

/// <summary>
/// A crypto session bundle behind its Ticket Transfer (RFC 6043 §4.2.2): what a CSB update is protected with and what TEKs are derived
/// from. Owns its keys.
/// </summary>
/// <param name="keys">Those of the last message of the transfer, which protect all updates (RFC 6043 §5.2).</param>
/// <param name="rands">RANDRi and RANDRr; empty where the policy has none.</param>
public sealed class CryptoBundle(
    uint csbId, BundleRole role, Identity initiator, Identity responder, TicketPolicy policy, MessageKeys keys, (Octets Initiator, Octets Responder) rands) : IDisposable
{
    public uint CsbId { get; } = csbId;

    public BundleRole Role { get; } = role;

    public Identity Initiator { get; } = initiator;

    public Identity Responder { get; } = responder;

    public TicketPolicy Policy { get; } = policy;

    internal MessageKeys Keys { get; } = keys;

    internal (Octets Initiator, Octets Responder) Rands => rands;

    public Identity Peer => Role == BundleRole.Initiator ? Responder : Initiator;

    /// <summary>L and M: who may send keys (RFC 6043 §6.10).</summary>
    internal bool MaySendKeys(BundleRole sender) => MaySendKeys(Policy, sender);

    internal static bool MaySendKeys(TicketPolicy policy, BundleRole sender) =>
        policy.Has(sender == BundleRole.Initiator ? TicketFlags.InitiatorKeys : TicketFlags.ResponderKeys);

    /// <summary>
    /// SRTP master key and salt of a crypto session. A TEK is the key itself; from a TGK or GTGK both are derived (RFC 6043 §5.1.3). Null:
    /// a TEK of another length than the policy's, or without a salt. The caller owns it.
    /// </summary>
    public TrafficKey? TrafficKey(byte csId, TransportedKey key, SrtpPolicy policy)
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(policy);
        if (key.Type == KeyType.Mpk || key.Salt is { } s && s.Length != policy.SaltLength) return null;
        if (key.Type.IsTek())
            return key.Key.Length == policy.KeyLength && key.Salt is { } salt ? new TrafficKey(key.Key.Copy(), salt.Copy(), key.Spi) : null;

        // RFC 6043 §5.1.3: RANDRi if H, RANDRr if G; a salt that came along is used as it is.
        var label = KeyLabel.Session(
            csId, Policy.Has(TicketFlags.InitiatorRand) ? rands.Initiator : Octets.Empty, Policy.Has(TicketFlags.ResponderRand) ? rands.Responder : Octets.Empty);
        return new TrafficKey(
            MessageKeys.Derive(Keys.Suite.Prf, key.Key, KeyPurpose.Tek, label, policy.KeyLength),
            key.Salt?.Copy() ?? MessageKeys.Derive(Keys.Suite.Prf, key.Key, KeyPurpose.SessionSalt, label, policy.SaltLength),
            key.Spi);
    }

    public void Dispose() => Keys.Dispose();

    public override string ToString() => $"bundle {CsbId:x8} of {Initiator} and {Responder}";
}

/// <summary>An SRTP master key and salt with its MKI. Owns both.</summary>
public sealed record TrafficKey(SecretBytes Key, SecretBytes Salt, Octets Mki) : IDisposable
{
    public void Dispose()
    {
        Key.Dispose();
        Salt.Dispose();
    }
}

/// <summary>A bundle as it stands: what its messages said last.</summary>
/// <param name="Newest">The newest T that was sent or taken. Every message must be newer, since all are under one key (RFC 6043 §5.2).</param>
/// <param name="Policies">All that were said, by their numbers.</param>
public sealed record BundleState(CryptoBundle Bundle, MikeyTime Newest, ListOf<GenericSession> Sessions, ListOf<SecurityPolicy> Policies)
{
    /// <summary>The policy of a crypto session: null when it is none that we can keep, or not one alone.</summary>
    public SrtpPolicy? PolicyOf(GenericSession session)
    {
        ArgumentNullException.ThrowIfNull(session);
        if (session.Policies.Length != 1) return null;
        var number = session.Policies.Span[0];
        return Policies.FirstOrDefault(p => p.Policy == number) is { } policy ? SrtpPolicy.Of(policy) : null;
    }

    /// <summary>The key that a session begins with, by its SPI (RFC 6043 §6.1.1); null: none of these. The caller owns it.</summary>
    public TrafficKey? TrafficKey(GenericSession session, ImmutableArray<TransportedKey> keys)
    {
        ArgumentNullException.ThrowIfNull(session);
        return PolicyOf(session) is { } policy && keys.FirstOrDefault(k => k.Spi == session.Spi) is { } key ? Bundle.TrafficKey(session.CsId, key, policy) : null;
    }
}

/// <summary>Timestamps within a bundle, which never repeat: they are what makes each KEMAC's key stream its own.</summary>
internal static class BundleClock
{
    /// <summary>
    /// A T newer than all before. Those of the Initiator are even and those of the Responder odd, so that two updates that cross are never
    /// under one key stream.
    /// </summary>
    public static MikeyTime Next(MikeyTime? newest, DateTimeOffset now, BundleRole role)
    {
        var value = MikeyTime.At(now).Value & ~1UL;
        if (newest is { } n && !IsNewer(value, n.Padded)) value = (n.Padded & ~1UL) + 2;
        return new MikeyTime(TimestampType.NtpUtc, value | (role == BundleRole.Responder ? 1UL : 0));
    }

    public static bool IsNewer(MikeyTime time, MikeyTime newest) => time.Type != TimestampType.Counter && IsNewer(time.Padded, newest.Padded);

    /// <summary>The seconds wrap in 2036 (RFC 6043 §6.3).</summary>
    private static bool IsNewer(ulong time, ulong newest) => (long)(time - newest) > 0;
}
