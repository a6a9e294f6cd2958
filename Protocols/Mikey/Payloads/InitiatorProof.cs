namespace ConfCluster.Protocols.Mikey.Payloads;

/// <summary>
/// Initiator Data of a ticket with key forking (RFC 6043 §6.10): the MAC of TRANSFER_INIT and one under MPKr over all of it, which shows
/// that whoever got the ticket has sent that message.
/// </summary>
public sealed record InitiatorProof(Verification Vi, Verification Vr)
{
    /// <summary>Unexpected payloads may stand between; the last one is Vr.</summary>
    public static bool TryRead(Octets field, out InitiatorProof? proof)
    {
        proof = null;
        var reader = new OctetReader(field.Span);
        if (field.IsEmpty || MikeyReader.ReadArea(ref reader, out var payloads) != MikeyError.None) return false;
        if (payloads.OfType<Verification>().FirstOrDefault() is not { } vi || payloads[^1] is not Verification vr || ReferenceEquals(vi, vr)) return false;
        proof = new InitiatorProof(vi, vr);
        return true;
    }

    public Octets Write() => MikeyWriter.Area(new([Vi, Vr]));
}
