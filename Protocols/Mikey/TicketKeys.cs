using System.Collections.Immutable;
using ConfCluster.Protocols.Mikey.Payloads;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Protocols.Mikey;

/// <summary>What a base ticket holds (RFC 6043 §A): the MPK, session keys, and the RAND of the ticket. Owns the keys.</summary>
public sealed class TicketKeys(TransportedKey mpk, ImmutableArray<TransportedKey> keys, Octets rand) : IDisposable
{
    public TransportedKey Mpk { get; } = mpk;

    public ImmutableArray<TransportedKey> Keys { get; } = keys;

    public Octets Rand => rand;

    public int LongestKey => Keys.Append(Mpk).Max(k => k.Key.Length);

    /// <summary>
    /// What the Initiator gets (RFC 6043 §4.2.1.5): MPKi, with forking MPKr as well, and the keys as they are.
    /// </summary>
    public ImmutableArray<TransportedKey> ForInitiator(TicketPolicy policy)
    {
        ArgumentNullException.ThrowIfNull(policy);
        ImmutableArray<TransportedKey> mpks = [Derived(policy.Prf, KeyPurpose.InitiatorMpk)];
        if (policy.Has(TicketFlags.Forking)) mpks = mpks.Add(Derived(policy.Prf, KeyPurpose.ResponderMpk));
        return [.. mpks, .. Keys.Select(k => k.Copy())];
    }

    /// <summary>
    /// What the Responder gets (RFC 6043 §4.2.3.5): MPKi, and with forking MPKr' and TGKs that only this Responder gets; TEKs and GTGKs
    /// stay what they are.
    /// </summary>
    /// <param name="modifier">With forking: who answers, and randomness of the KMS.</param>
    public ImmutableArray<TransportedKey> ForResponder(TicketPolicy policy, (Identity Responder, Octets KmsRand)? modifier)
    {
        ArgumentNullException.ThrowIfNull(policy);
        if (policy.Has(TicketFlags.Forking) != modifier is not null) throw new ArgumentException("forking needs its modifier", nameof(modifier));
        var mpki = Derived(policy.Prf, KeyPurpose.InitiatorMpk);
        if (modifier is not { } m) return [mpki, .. Keys.Select(k => k.Copy())];
        using var mpkr = Derived(policy.Prf, KeyPurpose.ResponderMpk);
        return [mpki, KeyFork.Mpk(policy.Prf, mpkr, m.Responder, m.KmsRand), .. Keys.Select(k => KeyFork.Session(policy.Prf, k, m.Responder, m.KmsRand))];
    }

    public void Dispose()
    {
        Mpk.Dispose();
        foreach (var key in Keys) key.Dispose();
    }

    public override string ToString() => $"an MPK and {Keys.Length} keys";

    /// <summary>RFC 6043 §A.2.2.</summary>
    public TransportedKey Derived(PrfFunction prf, KeyPurpose purpose) =>
        new(KeyType.Mpk, MessageKeys.Derive(prf, Mpk.Key, purpose, KeyLabel.TicketMpk(rand), Mpk.Key.Length), null, Mpk.Validity);
}

/// <summary>Key forking (RFC 6043 §5.1.1), as the KMS and the Initiator do it.</summary>
public static class KeyFork
{
    public static TransportedKey Mpk(PrfFunction prf, TransportedKey mpkr, Identity responder, Octets kmsRand) =>
        Fork(prf, mpkr, KeyPurpose.ForkedMpk, responder, kmsRand);

    /// <summary>A copy; of a TGK the forked one.</summary>
    public static TransportedKey Session(PrfFunction prf, TransportedKey key, Identity responder, Octets kmsRand)
    {
        ArgumentNullException.ThrowIfNull(key);
        return key.Type.IsForked() ? Fork(prf, key, KeyPurpose.ForkedTgk, responder, kmsRand) : key.Copy();
    }

    private static TransportedKey Fork(PrfFunction prf, TransportedKey key, KeyPurpose purpose, Identity responder, Octets kmsRand)
    {
        ArgumentNullException.ThrowIfNull(key);
        var forked = MessageKeys.Derive(prf, key.Key, purpose, KeyLabel.Fork(responder, kmsRand), key.Key.Length);
        return new TransportedKey(key.Type, forked, key.Salt?.Copy(), key.Validity);
    }
}
