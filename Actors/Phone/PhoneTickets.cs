using ConfCluster.Actors.Keys;
using ConfCluster.Protocols.KeyManagement;
using ConfCluster.Protocols.Mikey;
using ConfCluster.Protocols.Mikey.Exchanges;
using ConfCluster.Protocols.Mikey.Payloads;
using ConfCluster.Protocols.Phone;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Srtp;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Actors.Phone;

/// <summary>Gets a phone its ticket (RFC 6043 §4.2.1): for whom it calls, for one use, with key forking.</summary>
internal static class PhoneTickets
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private const TicketFlags Flags = TicketFlags.ByKms | TicketFlags.ResolveAtKms | TicketFlags.Answered | TicketFlags.InitiatorRand | TicketFlags.Forking
        | TicketFlags.InitiatorKeys | TicketFlags.ResponderKeys | TicketFlags.PlainInitiator | TicketFlags.PlainResponder;

    /// <summary>The ticket, whose keys the caller owns; null with a sentence.</summary>
    public static async Task<(PhoneTicket? Ticket, string Problem)> GetAsync(
        PhoneKmsOptions options, SecretBytes psk, SipUri target, SrtpProfile suite, TimeProvider clock, CancellationToken stop)
    {
        var (self, responder) = (Identity.Uri(options.Identity.ToString()), Identity.Uri(NameOf(target)));
        var wanted = new TicketPolicy(
            TicketKind.BaseTicket, MikeyKeys.SuiteFor(suite).Prf, Flags, 0,
            new([new RoleIdentity(IdentityRole.Initiator, self), new RoleIdentity(IdentityRole.Responder, responder)]));
        using var http = new KmsHttp(options.Url, Patience, clock);
        var outcome = await http.RequestAsync(wanted, new KmsCredential(self, Identity.Uri(options.Kms), psk, null), stop).ConfigureAwait(false);
        return outcome.Keys is { } keys
            ? (new PhoneTicket(keys, self, responder, clock.GetUtcNow), "")
            : (null, $"the KMS gives no ticket: {outcome.Problem}");
    }

    /// <summary>Who is called, however it is reached.</summary>
    private static string NameOf(SipUri target) => SipUri.Sip(target.User, target.Host).ToString();
}
