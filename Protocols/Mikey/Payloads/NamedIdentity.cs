namespace ConfCluster.Protocols.Mikey.Payloads;

/// <summary>ID (RFC 3830 §6.7).</summary>
public sealed record NamedIdentity(Identity Identity) : MikeyPayload
{
    public override PayloadType Number => PayloadType.Id;

    internal static MikeyError Read(ref OctetReader reader, out MikeyPayload? payload)
    {
        payload = null;
        if (!TryIdentity(ref reader, out var identity)) return MikeyError.Truncated;
        payload = new NamedIdentity(identity);
        return MikeyError.None;
    }

    internal static bool TryIdentity(ref OctetReader reader, out Identity identity)
    {
        identity = default;
        if (!reader.TryByte(out var type) || !reader.TrySized(out var name)) return false;
        identity = new Identity((IdentityType)type, name);
        return true;
    }

    internal static void WriteIdentity(OctetWriter writer, Identity identity)
    {
        writer.Byte((byte)identity.Type);
        writer.Sized(identity.Name);
    }

    internal override void WriteBody(OctetWriter writer) => WriteIdentity(writer, Identity);
}
