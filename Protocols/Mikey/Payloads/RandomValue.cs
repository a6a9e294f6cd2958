namespace ConfCluster.Protocols.Mikey.Payloads;

/// <summary>RAND (RFC 3830 §6.11).</summary>
public sealed record RandomValue(Octets Value) : MikeyPayload
{
    public override PayloadType Number => PayloadType.Rand;

    internal static MikeyError Read(ref OctetReader reader, out MikeyPayload? payload)
    {
        payload = null;
        if (!reader.TryShort(out var value)) return MikeyError.Truncated;
        payload = new RandomValue(value);
        return MikeyError.None;
    }

    internal override void WriteBody(OctetWriter writer) => writer.Short(Value);
}
