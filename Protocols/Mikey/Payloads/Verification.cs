namespace ConfCluster.Protocols.Mikey.Payloads;

/// <summary>V: the MAC that ends a message (RFC 3830 §6.9).</summary>
public sealed record Verification(MacAlgorithm Algorithm, Octets Mac) : MikeyPayload
{
    public override PayloadType Number => PayloadType.V;

    internal static MikeyError Read(ref OctetReader reader, out MikeyPayload? payload)
    {
        payload = null;
        if (!reader.TryByte(out var algorithm)) return MikeyError.Truncated;
        var length = ((MacAlgorithm)algorithm).Length();
        if (length < 0) return MikeyError.UnknownMacAlgorithm;
        if (!reader.TryOctets(length, out var mac)) return MikeyError.Truncated;
        payload = new Verification((MacAlgorithm)algorithm, mac);
        return MikeyError.None;
    }

    internal override void WriteBody(OctetWriter writer)
    {
        writer.Byte((byte)Algorithm);
        writer.Raw(Mac.Span);
    }
}
