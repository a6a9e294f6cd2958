namespace ConfCluster.Protocols.Mikey.Payloads;

/// <summary>RFC 6043 §6.8.</summary>
public enum RandRole : byte
{
    Initiator = 1,
    Responder = 2,
    Kms = 3,
}

/// <summary>RANDR: randomness that says whose (RFC 6043 §6.8).</summary>
public sealed record RoleRand(RandRole Role, Octets Value) : MikeyPayload
{
    public override PayloadType Number => PayloadType.Randr;

    internal static MikeyError Read(ref OctetReader reader, out MikeyPayload? payload)
    {
        payload = null;
        if (!reader.TryByte(out var role) || !reader.TryShort(out var value)) return MikeyError.Truncated;
        payload = new RoleRand((RandRole)role, value);
        return MikeyError.None;
    }

    internal override void WriteBody(OctetWriter writer)
    {
        writer.Byte((byte)Role);
        writer.Short(Value);
    }
}
