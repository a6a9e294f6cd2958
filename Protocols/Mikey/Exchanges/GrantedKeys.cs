using System.Collections.Immutable;
using ConfCluster.Protocols.Mikey.Payloads;

namespace ConfCluster.Protocols.Mikey.Exchanges;

/// <summary>A ticket with the keys that one side has for it: from the KMS, or because that side knows the TPK. Owns the keys.</summary>
/// <param name="mpki">Protects TRANSFER_INIT, and without forking all that follows.</param>
/// <param name="mpkr">With forking: at the Initiator MPKr as it is, at the Responder its own MPKr'.</param>
/// <param name="modifier">At a Responder with forking: what the Initiator needs to make the same keys.</param>
public sealed class GrantedKeys(
    Ticket ticket, TransportedKey mpki, TransportedKey? mpkr, ImmutableArray<TransportedKey> keys, (Identity Responder, Octets KmsRand)? modifier) : IDisposable
{
    public Ticket Ticket { get; } = ticket;

    public TransportedKey Mpki { get; } = mpki;

    public TransportedKey? Mpkr { get; } = mpkr;

    public ImmutableArray<TransportedKey> Keys { get; } = keys;

    public (Identity Responder, Octets KmsRand)? Modifier { get; } = modifier;

    internal int LongestKey => Keys.Append(Mpki).Max(k => k.Key.Length);

    /// <summary>
    /// Null: not the keys that the policy promises. RFC 6043 §4.2.1.5, §4.2.3.5: MPKi, with forking a second MPK, then session keys;
    /// RFC 6043 §6.2.1: each has an SPI.
    /// </summary>
    /// <param name="forked">At a Responder: IDRr and RANDRkms of the RESOLVE_RESP.</param>
    public static GrantedKeys? Of(Ticket ticket, ImmutableArray<TransportedKey> keys, (Identity? Responder, Octets? KmsRand)? forked)
    {
        ArgumentNullException.ThrowIfNull(ticket);
        var forks = ticket.Policy.Has(TicketFlags.Forking);
        var mpks = forks ? 2 : 1;
        var shortest = MikeySuite.Of(ticket.Policy.Prf)?.KeyLength ?? int.MaxValue;
        if (keys.Length < mpks || keys.Any(k => k.Spi.IsEmpty || k.Key.Length < shortest)) return null;
        if (keys.Take(mpks).Any(k => k.Type != KeyType.Mpk) || keys.Skip(mpks).Any(k => k.Type == KeyType.Mpk)) return null;
        (Identity, Octets)? modifier = null;
        if (forks && forked is { } f)
        {
            if (f is not { Responder: { } responder, KmsRand: { } rand } || rand.Length < shortest) return null;
            modifier = (responder, rand);
        }

        return new GrantedKeys(ticket, keys[0], forks ? keys[1] : null, keys[mpks..], modifier);
    }

    public void Dispose()
    {
        Mpki.Dispose();
        Mpkr?.Dispose();
        foreach (var key in Keys) key.Dispose();
    }

    public override string ToString() => $"a ticket with {Keys.Length} keys";
}

/// <summary>What every party asks of a ticket policy.</summary>
public static class TicketRules
{
    public static ExchangeError Check(TicketPolicy policy, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(policy);
        if (policy.Kind != TicketKind.BaseTicket) return ExchangeError.UnsupportedTicket;
        if (MikeySuite.Of(policy.Prf) is null) return ExchangeError.UnsupportedAlgorithm;
        return policy.Flags.AreSound() && policy.IsValidAt(now) && policy.Responders.Any() ? ExchangeError.None : ExchangeError.BadTicketPolicy;
    }
}
