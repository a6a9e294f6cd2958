using ConfCluster.Protocols.Mikey;
using ConfCluster.Protocols.Mikey.Exchanges;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Protocols.Phone;

/// <summary>What a phone that is keyed by MIKEY calls with: a ticket that it got from its KMS, for one call. Whoever made it owns its keys.</summary>
/// <param name="Self">IDRi, which is in From as well.</param>
/// <param name="Responder">Whom the ticket is for: who is called.</param>
/// <param name="Clock">For the timestamps of messages (RFC 3830 §5.4).</param>
public sealed record PhoneTicket(GrantedKeys Granted, Identity Self, Identity Responder, Func<DateTimeOffset> Clock)
{
    public static readonly TimeSpan ClockSkew = TimeSpan.FromMinutes(1);
}

/// <summary>How a phone that is keyed by MIKEY is called: every offer has a ticket, which its shell lets the KMS resolve.</summary>
/// <param name="Self">Whom the tickets are for.</param>
/// <param name="Clock">For the timestamps of messages (RFC 3830 §5.4).</param>
public sealed record PhoneTicketUser(Identity Self, Func<DateTimeOffset> Clock);

/// <summary>A phone that shares a key with whom it calls, or who calls it (RFC 3830 §3.1). Whoever made it owns the key.</summary>
/// <param name="Self">Of the phone; in From as well, when it calls.</param>
/// <param name="Other">Who is called; null: the phone is called, by whoever has the key.</param>
/// <param name="Clock">For the timestamps of messages (RFC 3830 §5.4).</param>
public sealed record PhonePreShared(SecretBytes Psk, Identity Self, Identity? Other, Func<DateTimeOffset> Clock);
