namespace ConfCluster.Protocols.Mikey.Payloads;

/// <summary>RFC 3830 §6.8 and RFC 6043 §6.7.</summary>
public enum HashFunction : byte
{
    Sha1 = 0,
    Md5 = 1,
    Sha256 = 2,
}

/// <summary>CHASH: which of the receiver's certificates was used (RFC 3830 §6.8).</summary>
public sealed record CertificateHash(HashFunction Function, Octets Hash) : MikeyPayload
{
    public override PayloadType Number => PayloadType.Chash;

    internal static MikeyError Read(ref OctetReader reader, out MikeyPayload? payload)
    {
        payload = null;
        if (!reader.TryByte(out var function)) return MikeyError.Truncated;
        var length = (HashFunction)function switch { HashFunction.Sha1 => 20, HashFunction.Md5 => 16, HashFunction.Sha256 => 32, _ => -1 };
        if (length < 0) return MikeyError.UnknownHash;
        if (!reader.TryOctets(length, out var hash)) return MikeyError.Truncated;
        payload = new CertificateHash((HashFunction)function, hash);
        return MikeyError.None;
    }

    internal override void WriteBody(OctetWriter writer)
    {
        writer.Byte((byte)Function);
        writer.Raw(Hash.Span);
    }
}
