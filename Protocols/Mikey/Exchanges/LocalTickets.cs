using System.Collections.Immutable;
using ConfCluster.Protocols.Mikey.Payloads;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Protocols.Mikey.Exchanges;

/// <summary>
/// Tickets without a KMS on the way, by whoever shares the ticket protection key: an Initiator that makes its own (modes 3 and 4 of
/// RFC 6043 §4.1.1), a Responder that opens them itself (modes 2 and 4).
/// </summary>
public static class LocalTickets
{
    /// <summary>A ticket of one's own; D is 0 (RFC 6043 §6.10). The keys given are copied, the caller owns what it gets.</summary>
    public static ExchangeError Make(
        TicketPolicy policy, SecretBytes tpk, Octets? tpkName, ImmutableArray<TransportedKey> keys, ExchangeContext context, out GrantedKeys? granted)
    {
        ArgumentNullException.ThrowIfNull(policy);
        ArgumentNullException.ThrowIfNull(context);
        granted = null;
        if (policy.Has(TicketFlags.ByKms)) return ExchangeError.BadTicketPolicy;
        if (TicketRules.Check(policy, context.Now) is var wrong and not ExchangeError.None) return wrong;
        var suite = MikeySuite.Of(policy.Prf)!;
        var mpk = new TransportedKey(KeyType.Mpk, SecretBytes.Create(suite.KeyLength, context.Random), null, new KeyValidity.Named(Octets.Zero(4)));

        // RFC 6043 §12.1: the RAND of the ticket is as long as the longest of TPK and MPK.
        using var contents = new TicketKeys(mpk, [.. keys.Select(k => k.Copy())], context.Rand(Math.Max(suite.KeyLength, tpk.Length)));
        var ticket = BaseTicket.Create(policy, tpk, tpkName, MikeyTime.At(context.Now), contents.Rand, contents);
        granted = GrantedKeys.Of(ticket, contents.ForInitiator(policy), null);
        return granted is null ? ExchangeError.BadKeys : ExchangeError.None;
    }

    /// <summary>Only where E is 0, and so without forking (RFC 6043 §6.10). The caller owns what it gets.</summary>
    public static ExchangeError Open(Ticket ticket, SecretBytes tpk, ExchangeContext context, out GrantedKeys? granted)
    {
        ArgumentNullException.ThrowIfNull(ticket);
        ArgumentNullException.ThrowIfNull(context);
        granted = null;
        if (TicketRules.Check(ticket.Policy, context.Now) is var wrong and not ExchangeError.None) return wrong;
        if (ticket.Policy.Has(TicketFlags.ResolveAtKms)) return ExchangeError.BadTicketPolicy;
        if (!BaseTicket.TryOpen(ticket, tpk, out var opened)) return ExchangeError.BadTicket;
        using (opened)
        {
            var keys = opened!.ForResponder(ticket.Policy, null);
            granted = GrantedKeys.Of(ticket, keys, null);
            if (granted is not null) return ExchangeError.None;
            foreach (var key in keys) key.Dispose();
            return ExchangeError.BadKeys;
        }
    }
}
