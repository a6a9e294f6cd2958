namespace ConfCluster.Protocols.Mikey.Payloads;

/// <summary>TICKET (RFC 6043 §6.10).</summary>
/// <param name="Contents">Ticket Data, for whoever resolves it; <see cref="Mikey.BaseTicket"/> opens those of its kind.</param>
/// <param name="Proof">Initiator Data, only with key forking; <see cref="InitiatorProof"/> reads it.</param>
public sealed record Ticket(TicketPolicy Policy, Octets Contents, Octets Proof) : MikeyPayload
{
    public override PayloadType Number => PayloadType.Ticket;

    internal static MikeyError Read(ref OctetReader reader, out MikeyPayload? payload)
    {
        payload = null;
        var error = TicketPolicy.Read(ref reader, out var policy);
        if (error != MikeyError.None) return error;
        if (!reader.TrySized(out var contents) || !reader.TrySized(out var proof)) return MikeyError.Truncated;
        payload = new Ticket(policy!, contents, proof);
        return MikeyError.None;
    }

    internal override void WriteBody(OctetWriter writer)
    {
        WriteWithoutProof(writer);
        writer.Sized(Proof);
    }

    /// <summary>What the MACs of TRANSFER_INIT and of the base ticket cover (RFC 6043 §5.5, §A.1).</summary>
    internal void WriteWithoutProof(OctetWriter writer)
    {
        Policy.Write(writer);
        writer.Sized(Contents);
    }
}
