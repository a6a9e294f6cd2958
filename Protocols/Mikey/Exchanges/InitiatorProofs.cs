using System.Security.Cryptography;
using ConfCluster.Protocols.Mikey.Payloads;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Protocols.Mikey.Exchanges;

/// <summary>
/// Making and checking Initiator Data (RFC 6043 §6.10). The PRF is the ticket's: the KMS that checks it never sees TRANSFER_INIT's header.
/// </summary>
public static class InitiatorProofs
{
    /// <param name="v">The V payload of TRANSFER_INIT.</param>
    /// <param name="mpkr">Not forked.</param>
    public static Octets Make(Verification v, PrfFunction prf, SecretBytes mpkr)
    {
        ArgumentNullException.ThrowIfNull(v);
        var open = new InitiatorProof(v, v with { Mac = Octets.Zero(v.Mac.Length) });
        return (open with { Vr = v with { Mac = Compute(open, prf, mpkr) } }).Write();
    }

    /// <summary>What the KMS checks when it resolves (RFC 6043 §4.2.3.4).</summary>
    public static bool IsRight(Ticket ticket, TicketKeys keys)
    {
        ArgumentNullException.ThrowIfNull(ticket);
        ArgumentNullException.ThrowIfNull(keys);
        var suite = MikeySuite.Of(ticket.Policy.Prf);
        if (!InitiatorProof.TryRead(ticket.Proof, out var proof) || proof!.Vr.Algorithm != proof.Vi.Algorithm || proof.Vi.Algorithm != suite?.Mac) return false;

        // Nothing but Vi and Vr is covered by what we compute, so nothing else may be there.
        if (proof.Write() != ticket.Proof) return false;
        using var mpkr = keys.Derived(ticket.Policy.Prf, KeyPurpose.ResponderMpk);
        return CryptographicOperations.FixedTimeEquals(Compute(proof, ticket.Policy.Prf, mpkr.Key).Span, proof.Vr.Mac.Span);
    }

    /// <summary>What the Responder checks: Vi is the MAC of the TRANSFER_INIT it came in (RFC 6043 §4.2.3.6).</summary>
    public static bool Names(Ticket ticket, Verification v) =>
        InitiatorProof.TryRead(ticket.Proof, out var proof) && proof!.Vi == v;

    private static Octets Compute(InitiatorProof proof, PrfFunction prf, SecretBytes mpkr)
    {
        using var key = MessageKeys.Derive(prf, mpkr, KeyPurpose.MessageAuthentication, KeyLabel.InitiatorProof(), proof.Vr.Mac.Length);
        return MikeyMac.Compute(proof.Vr.Algorithm, key.Reveal(), proof.Write().Span[..^proof.Vr.Mac.Length]);
    }
}
