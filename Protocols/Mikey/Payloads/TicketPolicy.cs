namespace ConfCluster.Protocols.Mikey.Payloads;

/// <summary>Kind of a ticket (RFC 6043 §6.10): type, subtype and version.</summary>
public readonly record struct TicketKind(ushort Type, byte Subtype, byte Version)
{
    /// <summary>The MIKEY base ticket (RFC 6043 §A), the only one that we make and open.</summary>
    public static readonly TicketKind BaseTicket = new(1, 1, 1);
}

/// <summary>What TP and TICKET have in common (RFC 6043 §6.10).</summary>
/// <param name="Reserved">Five bits, kept as they came.</param>
/// <param name="Contents">The payloads of TP Data.</param>
public sealed record TicketPolicy(TicketKind Kind, PrfFunction Prf, TicketFlags Flags, byte Reserved, ListOf<MikeyPayload> Contents)
{
    public Identity? Kms => IdentityOf(IdentityRole.Kms);

    public Identity? Initiator => IdentityOf(IdentityRole.Initiator);

    public IEnumerable<Identity> Responders => Identities(IdentityRole.Responder);

    public IEnumerable<Identity> Applications => Identities(IdentityRole.Application);

    /// <summary>Keys that are wished for; only in a request.</summary>
    public Kemac? Wish => Contents.OfType<Kemac>().FirstOrDefault();

    /// <summary>The longest time between two rekeyings (TRr). Null: not said.</summary>
    public TimeSpan? RekeyInterval => TimeOf(TimestampRole.RekeyInterval) is { Type: TimestampType.NtpUtc32 } t ? TimeSpan.FromSeconds(t.Value) : null;

    public bool Has(TicketFlags flag) => Flags.HasFlag(flag);

    /// <summary>RFC 6043 §6.10: no start or no end means none defined.</summary>
    public bool IsValidAt(DateTimeOffset now) =>
        (TimeOf(TimestampRole.Start)?.ToTime() is not { } start || start <= now)
        && (TimeOf(TimestampRole.End)?.ToTime() is not { } end || now < end);

    public MikeyTime? TimeOf(TimestampRole role)
    {
        foreach (var payload in Contents)
            if (payload is RoleTimestamp found && found.Role == role)
                return found.Time;
        return null;
    }

    internal static MikeyError Read(ref OctetReader reader, out TicketPolicy? policy)
    {
        policy = null;
        if (!reader.TryWord(out var type) || !reader.TryByte(out var subtype) || !reader.TryByte(out var version)
            || !reader.TryByte(out var prfAndD) || !reader.TryWord(out var rest) || !reader.TryWord(out var length)
            || !reader.Try(length, out var field)) return MikeyError.Truncated;
        var inner = new OctetReader(field) { Payloads = reader.Payloads };
        var error = MikeyReader.ReadArea(ref inner, out var contents);
        reader.Payloads = inner.Payloads;
        if (error != MikeyError.None) return error;
        var flags = (TicketFlags)((prfAndD & 1) << 11 | rest >> 5);
        policy = new TicketPolicy(new TicketKind(type, subtype, version), (PrfFunction)(prfAndD >> 1), flags, (byte)(rest & 0x1F), new(contents));
        return MikeyError.None;
    }

    internal void Write(OctetWriter writer)
    {
        writer.Word(Kind.Type);
        writer.Byte(Kind.Subtype);
        writer.Byte(Kind.Version);
        writer.Byte((byte)((byte)Prf << 1 | (int)Flags >> 11));
        writer.Word(((int)Flags & 0x7FF) << 5 | Reserved);
        writer.Sized(MikeyWriter.Area(Contents));
    }

    private Identity? IdentityOf(IdentityRole role)
    {
        foreach (var identity in Identities(role)) return identity;
        return null;
    }

    private IEnumerable<Identity> Identities(IdentityRole role) => Contents.OfType<RoleIdentity>().Where(i => i.Role == role).Select(i => i.Identity);
}

/// <summary>TP: the ticket policy that is asked for (RFC 6043 §6.10).</summary>
public sealed record WantedTicket(TicketPolicy Policy) : MikeyPayload
{
    public override PayloadType Number => PayloadType.Tp;

    internal static MikeyError Read(ref OctetReader reader, out MikeyPayload? payload)
    {
        var error = TicketPolicy.Read(ref reader, out var policy);
        payload = policy is null ? null : new WantedTicket(policy);
        return error;
    }

    internal override void WriteBody(OctetWriter writer) => Policy.Write(writer);
}
