namespace ConfCluster.Protocols.Mikey.Payloads;

/// <summary>RFC 6043 §6.6.</summary>
public enum IdentityRole : byte
{
    Initiator = 1,
    Responder = 2,
    Kms = 3,
    PreSharedKey = 4,
    Application = 5,
}

/// <summary>IDR: an identity that says whose (RFC 6043 §6.6).</summary>
public sealed record RoleIdentity(IdentityRole Role, Identity Identity) : MikeyPayload
{
    public override PayloadType Number => PayloadType.Idr;

    internal static MikeyError Read(ref OctetReader reader, out MikeyPayload? payload)
    {
        payload = null;
        if (!reader.TryByte(out var role) || !NamedIdentity.TryIdentity(ref reader, out var identity)) return MikeyError.Truncated;
        payload = new RoleIdentity((IdentityRole)role, identity);
        return MikeyError.None;
    }

    internal override void WriteBody(OctetWriter writer)
    {
        writer.Byte((byte)Role);
        NamedIdentity.WriteIdentity(writer, Identity);
    }
}
