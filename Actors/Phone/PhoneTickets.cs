using ConfCluster.Actors.Keys;
using ConfCluster.Protocols.KeyManagement;
using ConfCluster.Protocols.Mikey;
using ConfCluster.Protocols.Mikey.Exchanges;
using ConfCluster.Protocols.Mikey.Payloads;
using ConfCluster.Protocols.Phone;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Srtp;

namespace ConfCluster.Actors.Phone;

/// <summary>Gets a phone its ticket (RFC 6043 §4.2.1), for whom it calls; and the keys of tickets that it is called with (RFC 6043 §4.2.3).</summary>
internal static class PhoneTickets
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>The ticket, whose keys the caller owns; null with a sentence.</summary>
    public static async Task<(PhoneTicket? Ticket, string Problem)> GetAsync(
        PhoneKmsOptions options, KmsSecret secret, SipUri target, SrtpProfile suite, TimeProvider clock, CancellationToken stop)
    {
        using var http = Resolver(options, clock);
        return await GetAsync(options, secret, target, suite, http, clock, stop).ConfigureAwait(false);
    }

    /// <param name="http">The way to the KMS, for one that asks for many.</param>
    public static async Task<(PhoneTicket? Ticket, string Problem)> GetAsync(
        PhoneKmsOptions options, KmsSecret secret, SipUri target, SrtpProfile suite, KmsHttp http, TimeProvider clock, CancellationToken stop)
    {
        var (self, responder) = (Identity.Uri(options.Identity.ToString()), Identity.Uri(NameOf(target)));
        var wanted = MikeyTickets.ForCall(suite, self, responder);
        var outcome = await http.RequestAsync(wanted, CredentialOf(options, secret), stop).ConfigureAwait(false);
        return outcome.Keys is { } keys
            ? (new PhoneTicket(keys, self, responder, clock.GetUtcNow), "")
            : (null, $"the KMS gives no ticket: {outcome.Problem}");
    }

    /// <summary>What a phone that is called has its tickets resolved with. The caller owns the way to the KMS.</summary>
    public static KmsHttp Resolver(PhoneKmsOptions options, TimeProvider clock) => new([options.Url, .. options.Others], options.Trust, Patience, clock);

    public static KmsCredential CredentialOf(PhoneKmsOptions options, KmsSecret secret) =>
        secret.Of(Identity.Uri(options.Identity.ToString()), Identity.Uri(options.Kms));

    /// <summary>Who is called, however it is reached.</summary>
    public static string NameOf(SipUri target) => SipUri.Sip(target.User, target.Host).ToString();
}
