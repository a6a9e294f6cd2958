using ConfCluster.Protocols.Mikey;
using ConfCluster.Protocols.Mikey.Payloads;
using ConfCluster.Protocols.Srtp;

namespace ConfCluster.Protocols.KeyManagement;

/// <summary>The tickets that we ask for, as focus and as phone (RFC 6043 §6.10).</summary>
public static class MikeyTickets
{
    /// <summary>One use, resolved by the KMS, with key forking; both sides send keys, and there is an answer.</summary>
    private const TicketFlags ForCalls = TicketFlags.ByKms | TicketFlags.ResolveAtKms | TicketFlags.Answered | TicketFlags.InitiatorRand | TicketFlags.Forking
        | TicketFlags.InitiatorKeys | TicketFlags.ResponderKeys | TicketFlags.PlainInitiator | TicketFlags.PlainResponder;

    public static TicketPolicy ForCall(SrtpProfile suite, Identity self, Identity responder) => new(
        TicketKind.BaseTicket, MikeyKeys.SuiteFor(suite).Prf, ForCalls, 0,
        new([new RoleIdentity(IdentityRole.Initiator, self), new RoleIdentity(IdentityRole.Responder, responder)]));

    /// <summary>The first suite that MIKEY has a policy for; null: none.</summary>
    public static SrtpProfile? SuiteOf(IEnumerable<SrtpProfile> suites) => suites.FirstOrDefault(s => MikeyKeys.PolicyOf(s) is not null);
}
