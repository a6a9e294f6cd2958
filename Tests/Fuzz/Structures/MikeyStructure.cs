using ConfCluster.Protocols.Mikey;
using ConfCluster.Protocols.Mikey.Payloads;

namespace ConfCluster.Fuzz.Structures;

/// <summary>An octet and a MIKEY message: other payloads, other values of them, other crypto sessions, in a message that can still be read.</summary>
public sealed class MikeyStructure : IStructure
{
#pragma warning disable CA5394 // chance that can be repeated is the point
    public byte[] Change(byte[] input, Random random)
    {
        if (input.Length == 0 || !MikeyReader.TryRead(input.AsSpan(1), out var message, out _)) return [(byte)random.Next(256), .. input];
        if (random.Next(16) == 0) return [(byte)random.Next(256), .. input.AsSpan(1)];
        var changed = random.Next(4) == 0 ? message! with { Header = Change(message!.Header, random) } : message! with { Payloads = Change(message!.Payloads, random) };
        return [input[0], .. MikeyWriter.Write(changed).Span];
    }

    private static ListOf<MikeyPayload> Change(ListOf<MikeyPayload> payloads, Random random)
    {
        // A signature ends its message.
        var items = payloads.Items.Where(p => p is not Signature).ToList();
        if (items.Count == 0) return payloads;
        var at = random.Next(items.Count);
        switch (random.Next(5))
        {
            case 0: items.RemoveAt(at); break;
            case 1: items.Insert(at, items[random.Next(items.Count)]); break;
            case 2: (items[at], items[^1]) = (items[^1], items[at]); break;
            default: items[at] = Change(items[at], random); break;
        }

        return new([.. items]);
    }

    private static MikeyPayload Change(MikeyPayload payload, Random random) => payload switch
    {
        Timestamp t => new Timestamp(Change(t.Time, random)),
        RoleRand rand => random.Next(2) == 0 ? rand with { Role = (RandRole)random.Next(5) } : rand with { Value = Change(rand.Value, random) },
        RoleIdentity id => random.Next(2) == 0 ? id with { Role = (IdentityRole)random.Next(8) } : id with { Identity = id.Identity with { Name = Change(id.Identity.Name, random) } },
        NamedIdentity id => new NamedIdentity(id.Identity with { Name = Change(id.Identity.Name, random) }),
        RandomValue rand => new RandomValue(Change(rand.Value, random)),
        Kemac kemac => random.Next(2) == 0 ? kemac with { Encryption = (EncryptionAlgorithm)random.Next(5) } : kemac with { Encrypted = Change(kemac.Encrypted, random) },
        SecurityPolicy policy => policy with { Policy = (byte)random.Next(4) },
        WantedTicket wanted => new WantedTicket(Change(wanted.Policy, random)),
        Ticket ticket => random.Next(3) switch
        {
            0 => ticket with { Policy = Change(ticket.Policy, random) },
            1 => ticket with { Contents = Change(ticket.Contents, random) },
            _ => ticket with { Proof = Change(ticket.Proof, random) },
        },
        Verification v => v with { Mac = Change(v.Mac, random, keepsLength: true) },
        ErrorPayload => new ErrorPayload((ErrorNumber)random.Next(20)),
        _ => payload,
    };

    private static TicketPolicy Change(TicketPolicy policy, Random random) => random.Next(4) switch
    {
        0 => policy with { Flags = policy.Flags ^ (TicketFlags)(1 << random.Next(12)) },
        1 => policy with { Prf = (PrfFunction)random.Next(3) },
        2 => policy with { Kind = policy.Kind with { Type = (ushort)random.Next(3) } },
        _ => policy with { Contents = Change(policy.Contents, random) },
    };

    private static MikeyHeader Change(MikeyHeader header, Random random) => random.Next(5) switch
    {
        0 => header with { Type = (MessageType)random.Next(20) },
        1 => header with { Prf = (PrfFunction)random.Next(3) },
        2 => header with { CsbId = (uint)random.Next() },
        3 => header with { V = !header.V },
        _ => header with { Map = Change(header.Map, random) },
    };

    private static CsIdMap Change(CsIdMap map, Random random)
    {
        if (map is not CsIdMap.Generic { Sessions: { Count: > 0 } sessions }) return random.Next(2) == 0 ? new CsIdMap.Empty((byte)random.Next(3)) : new CsIdMap.Srtp(default);
        var items = sessions.Items.ToList();
        var at = random.Next(items.Count);
        var session = items[at];
        switch (random.Next(6))
        {
            case 0: items.RemoveAt(at); break;
            case 1: items.Add(session with { CsId = (byte)random.Next(4) }); break;
            case 2: items[at] = session with { Spi = Change(session.Spi, random) }; break;
            case 3: items[at] = session with { Session = Octets.Empty, S = false }; break;
            case 4: items[at] = session with { Policies = Change(session.Policies, random) }; break;
            default: items[at] = session with { CsId = (byte)random.Next(4), Protocol = (ProtocolType)random.Next(3) }; break;
        }

        return new CsIdMap.Generic(new([.. items]));
    }

    private static MikeyTime Change(MikeyTime time, Random random) => random.Next(3) switch
    {
        0 => time with { Value = time.Length == 8 ? time.Value + (ulong)random.Next(-2, 3) : time.Value ^ (uint)random.Next(8) },
        1 => new MikeyTime(TimestampType.Counter, (uint)random.Next()),
        _ => new MikeyTime(time.Type, time.Length == 8 ? (ulong)random.NextInt64() : (uint)random.Next()),
    };

    private static Octets Change(Octets octets, Random random, bool keepsLength = false)
    {
        var changed = octets.Span.ToArray();
        if (changed.Length == 0) return keepsLength ? octets : Octets.CopyOf([(byte)random.Next(256)]);
        if (keepsLength || random.Next(2) == 0) changed[random.Next(changed.Length)] ^= (byte)(1 << random.Next(8));
        else changed = random.Next(2) == 0 ? changed[..random.Next(changed.Length)] : changed.Length < 120 ? [.. changed, .. changed] : changed[1..];
        return Octets.CopyOf(changed);
    }
#pragma warning restore CA5394
}
