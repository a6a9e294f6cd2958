using System.Collections.Immutable;
using ConfCluster.Protocols.Mikey.Payloads;

namespace ConfCluster.Protocols.Mikey.Exchanges;

/// <summary>What one side says of the crypto sessions in a Ticket Transfer or a CSB update.</summary>
/// <param name="Sessions">All of the bundle, every time: RFC 6043 §5.2 handles the map as in the initial exchange.</param>
/// <param name="Keys">Go into KEMAC; the caller's, and copied. None: no KEMAC.</param>
/// <param name="Extensions">For SDP the list of protocols (RFC 4567 §4.1.4).</param>
public sealed record SessionTerms(
    ListOf<GenericSession> Sessions, ListOf<SecurityPolicy> Policies, ImmutableArray<TransportedKey> Keys, ListOf<GeneralExtension> Extensions = default);

/// <summary>What must hold of the map and the keys of a message.</summary>
internal static class SessionRules
{
    /// <summary>An initial message: the map, and whether its KEMAC may be there.</summary>
    public static ExchangeError CheckOffer(MikeyMessage message, TicketPolicy policy, BundleRole sender, ListOf<SecurityPolicy> known)
    {
        // RFC 6043 §6.1: SRTP-ID is forbidden here.
        if (message.Header.Map is not CsIdMap.Generic { Sessions: var sessions }) return ExchangeError.BadSessions;
        if (sessions.Count == 0 || !AreDistinct(sessions)) return ExchangeError.BadSessions;
        var policies = Merge(known, message);
        if (sessions.Any(s => s.Protocol != ProtocolType.Srtp || !Resolve(s, policies))) return ExchangeError.BadPolicies;
        return CheckKeys(message, policy, sender);
    }

    /// <summary>
    /// A response: all sessions of the initial message, each with exactly one policy, its session data and its SPI (RFC 6043 §4.2.2.3).
    /// </summary>
    public static ExchangeError CheckAnswer(MikeyMessage message, MikeyMessage init, TicketPolicy policy, BundleRole sender, ListOf<SecurityPolicy> known)
    {
        if (message.Header.Map is not CsIdMap.Generic { Sessions: var sessions } || !AreDistinct(sessions)) return ExchangeError.BadSessions;
        var policies = Merge(known, message);
        foreach (var session in sessions)
        {
            if (session.Protocol != ProtocolType.Srtp || session.Session.IsEmpty || session.Spi.IsEmpty) return ExchangeError.BadSessions;
            if (session.Policies.Length != 1 || !Resolve(session, policies)) return ExchangeError.BadPolicies;
        }

        foreach (var asked in ((CsIdMap.Generic)init.Header.Map).Sessions)
        {
            if (sessions.FirstOrDefault(s => s.CsId == asked.CsId) is not { } found) return ExchangeError.BadSessions;
            if (asked.Policies.Length > 0 && !asked.Policies.Span.Contains(found.Policies.Span[0])) return ExchangeError.BadPolicies;
        }

        return CheckKeys(message, policy, sender);
    }

    /// <summary>The policies of a message before those that were said earlier.</summary>
    public static ListOf<SecurityPolicy> Merge(ListOf<SecurityPolicy> known, MikeyMessage message)
    {
        var fresh = message.All<SecurityPolicy>().ToImmutableArray();
        return fresh.Length == 0 ? known : new([.. fresh, .. known.Where(k => fresh.All(f => f.Policy != k.Policy))]);
    }

    /// <summary>
    /// The keys of a KEMAC; none without one. RFC 6043 §6.2.1: each has an SPI; §12.1: none is weaker than the message. The caller owns them.
    /// </summary>
    public static bool TryOpen(MikeyMessage message, MessageKeys keys, MikeyTime time, out ImmutableArray<TransportedKey> opened)
    {
        opened = [];
        if (message.First<Kemac>() is not { } kemac) return true;
        if (kemac.MacAlgorithm != MacAlgorithm.None || !KeyTransport.TryOpen(kemac, keys, message.CsbId, time, out opened)) return false;
        if (opened.Length > 0 && opened.All(k => k.Type != KeyType.Mpk && !k.Spi.IsEmpty && k.Key.Length >= keys.Suite.KeyLength)) return true;
        foreach (var key in opened) key.Dispose();
        opened = [];
        return false;
    }

    /// <summary>The payloads behind the identities: policies, extensions, the ticket, the keys.</summary>
    public static ImmutableArray<MikeyPayload> Body(SessionTerms terms, Ticket? ticket, MessageKeys keys, uint csbId, MikeyTime time)
    {
        ImmutableArray<MikeyPayload> body = [.. terms.Policies, .. terms.Extensions];
        if (ticket is not null) body = body.Add(ticket);
        return terms.Keys.IsDefaultOrEmpty ? body : body.Add(KeyTransport.Seal(keys, csbId, time, terms.Keys.AsSpan()));
    }

    private static ExchangeError CheckKeys(MikeyMessage message, TicketPolicy policy, BundleRole sender) =>
        message.First<Kemac>() is null || CryptoBundle.MaySendKeys(policy, sender) ? ExchangeError.None : ExchangeError.BadKeys;

    private static bool AreDistinct(ListOf<GenericSession> sessions) => sessions.Select(s => s.CsId).Distinct().Count() == sessions.Count;

    private static bool Resolve(GenericSession session, ListOf<SecurityPolicy> policies)
    {
        foreach (var number in session.Policies.Span)
            if (policies.All(p => p.Policy != number))
                return false;
        return true;
    }
}
