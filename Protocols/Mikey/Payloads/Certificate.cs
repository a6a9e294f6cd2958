namespace ConfCluster.Protocols.Mikey.Payloads;

/// <summary>RFC 3830 §6.7.</summary>
public enum CertificateType : byte
{
    X509 = 0,
    X509Url = 1,
    X509Sign = 2,
    X509Encrypt = 3,
}

/// <summary>CERT: one certificate of a chain, as DER, or where to find it (RFC 3830 §6.7).</summary>
public sealed record Certificate(CertificateType Type, Octets Value) : MikeyPayload
{
    public override PayloadType Number => PayloadType.Cert;

    internal static MikeyError Read(ref OctetReader reader, out MikeyPayload? payload)
    {
        payload = null;
        if (!reader.TryByte(out var type) || !reader.TrySized(out var value)) return MikeyError.Truncated;
        payload = new Certificate((CertificateType)type, value);
        return MikeyError.None;
    }

    internal override void WriteBody(OctetWriter writer)
    {
        writer.Byte((byte)Type);
        writer.Sized(Value);
    }
}
