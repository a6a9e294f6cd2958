using System.Collections.Immutable;
using System.Security.Cryptography;
using ConfCluster.Protocols.Mikey.Payloads;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Protocols.Mikey;

/// <summary>
/// The MIKEY base ticket (RFC 6043 §A): Ticket Data = THDR, T, RAND, KEMAC, [IDRpsk], V. Who knows the ticket protection key (TPK) makes
/// and opens it: the KMS alone, or in modes 2 to 4 of RFC 6043 §4.1.1 one of the parties as well.
/// </summary>
public static class BaseTicket
{
    /// <summary>RFC 6043 §A.1: what stands for the CSB ID in the IV.</summary>
    private const uint NoBundle = 0xFFFFFFFF;

    /// <param name="tpkName">IDRpsk: the name by which the TPK is found again; null leaves it out.</param>
    public static Ticket Create(TicketPolicy policy, SecretBytes tpk, Octets? tpkName, MikeyTime issued, Octets rand, TicketKeys keys)
    {
        ArgumentNullException.ThrowIfNull(policy);
        ArgumentNullException.ThrowIfNull(keys);
        var suite = MikeySuite.Of(policy.Prf) ?? throw new ArgumentException("no suite has this PRF", nameof(policy));
        using var protection = MessageKeys.Derive(suite, tpk, KeyLabel.TicketProtection(rand));
        var kemac = KeyTransport.Seal(protection, NoBundle, issued, [keys.Mpk, .. keys.Keys]);
        var payloads = ImmutableArray.Create<MikeyPayload>(new Timestamp(issued), new RandomValue(rand), kemac);
        if (tpkName is { } name) payloads = payloads.Add(new RoleIdentity(IdentityRole.PreSharedKey, new Identity(IdentityType.Bytes, name)));
        payloads = payloads.Add(new Verification(suite.Mac, Octets.Zero(suite.Mac.Length())));
        var open = new Ticket(policy, Contents(payloads), Octets.Empty);
        var mac = MikeyMac.Compute(suite.Mac, protection.Authentication.Reveal(), Covered(open, suite.Mac.Length()));
        return open with { Contents = Contents([.. payloads[..^1], new Verification(suite.Mac, mac)]) };
    }

    /// <summary>The name of the TPK, unauthenticated; null: none said, or no base ticket.</summary>
    public static Octets? TpkName(Ticket ticket) => TryParts(ticket, out var parts) ? parts!.TpkName : null;

    /// <summary>Opens a ticket whose MAC is right. The caller owns what it gets.</summary>
    public static bool TryOpen(Ticket ticket, SecretBytes tpk, out TicketKeys? keys)
    {
        ArgumentNullException.ThrowIfNull(ticket);
        keys = null;
        if (!TryParts(ticket, out var parts) || MikeySuite.Of(ticket.Policy.Prf) is not { } suite || parts!.V.Algorithm != suite.Mac) return false;
        using var protection = MessageKeys.Derive(suite, tpk, KeyLabel.TicketProtection(parts.Rand));
        var mac = MikeyMac.Compute(suite.Mac, protection.Authentication.Reveal(), Covered(ticket, parts.V.Mac.Length));
        if (!CryptographicOperations.FixedTimeEquals(mac.Span, parts.V.Mac.Span)) return false;
        if (!KeyTransport.TryOpen(parts.Kemac, protection, NoBundle, parts.Issued, out var transported)) return false;
        if (transported.Length > 0 && transported[0].Type == KeyType.Mpk && transported.Skip(1).All(k => k.Type != KeyType.Mpk))
        {
            keys = new TicketKeys(transported[0], transported[1..], parts.Rand);
            return true;
        }

        foreach (var key in transported) key.Dispose();
        return false;
    }

    private static bool TryParts(Ticket ticket, out Parts? parts)
    {
        parts = null;
        if (ticket.Policy.Kind != TicketKind.BaseTicket) return false;
        var reader = new OctetReader(ticket.Contents.Span);

        // RFC 6043 §A.3: THDR has no number of its own, since it always comes first; its data are whoever's made the ticket.
        if (!reader.TryByte(out var first) || !reader.TrySized(out _)
            || MikeyReader.ReadChain(ref reader, (PayloadType)first, isNested: true, out var payloads) != MikeyError.None) return false;
        var name = payloads.OfType<RoleIdentity>().FirstOrDefault(i => i.Role == IdentityRole.PreSharedKey);
        if (payloads.OfType<Timestamp>().FirstOrDefault() is not { } t || payloads.OfType<RandomValue>().FirstOrDefault() is not { } rand
            || payloads.OfType<Kemac>().FirstOrDefault() is not { } kemac || payloads.Length == 0 || payloads[^1] is not Verification v) return false;
        parts = new Parts(t.Time, rand.Value, kemac, name?.Identity.Name, v);
        return true;
    }

    private static Octets Contents(ImmutableArray<MikeyPayload> payloads)
    {
        var writer = new OctetWriter();
        writer.Byte((byte)payloads[0].Number);
        writer.Word(0);
        MikeyWriter.WriteChain(writer, new(payloads), withProof: true);
        return writer.ToOctets();
    }

    /// <summary>RFC 6043 §A.1: the TICKET without its next payload octet, Initiator Data and their length, and the MAC.</summary>
    private static byte[] Covered(Ticket ticket, int macLength)
    {
        var writer = new OctetWriter();
        ticket.WriteWithoutProof(writer);
        return writer.Written[..^macLength].ToArray();
    }

    private sealed record Parts(MikeyTime Issued, Octets Rand, Kemac Kemac, Octets? TpkName, Verification V);
}
