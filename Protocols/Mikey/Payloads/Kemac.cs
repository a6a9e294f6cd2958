namespace ConfCluster.Protocols.Mikey.Payloads;

/// <summary>RFC 3830 §6.2 and RFC 6043 §6.2.</summary>
public enum EncryptionAlgorithm : byte
{
    None = 0,
    AesCm128 = 1,
    AesKw128 = 2,
    AesCm256 = 3,
}

/// <summary>RFC 3830 §6.2 and RFC 6043 §6.2: the MAC in KEMAC and V.</summary>
public enum MacAlgorithm : byte
{
    None = 0,
    HmacSha1 = 1,
    HmacSha256 = 2,
}

public static class MacAlgorithms
{
    /// <summary>Octets of the MAC; -1 for an algorithm that we do not know.</summary>
    public static int Length(this MacAlgorithm algorithm) => algorithm switch
    {
        MacAlgorithm.None => 0,
        MacAlgorithm.HmacSha1 => 20,
        MacAlgorithm.HmacSha256 => 32,
        _ => -1,
    };
}

/// <summary>Encrypted keys (RFC 3830 §6.2). What is inside is a chain of <see cref="TransportedKey"/>.</summary>
public sealed record Kemac(EncryptionAlgorithm Encryption, Octets Encrypted, MacAlgorithm MacAlgorithm, Octets Mac) : MikeyPayload
{
    /// <summary>In messages that end with V or SIGN.</summary>
    public Kemac(EncryptionAlgorithm encryption, Octets encrypted)
        : this(encryption, encrypted, MacAlgorithm.None, Octets.Empty)
    {
    }

    public override PayloadType Number => PayloadType.Kemac;

    internal static MikeyError Read(ref OctetReader reader, out MikeyPayload? payload)
    {
        payload = null;
        if (!reader.TryByte(out var encryption) || !reader.TrySized(out var encrypted) || !reader.TryByte(out var mac)) return MikeyError.Truncated;
        var length = ((MacAlgorithm)mac).Length();
        if (length < 0) return MikeyError.UnknownMacAlgorithm;
        if (!reader.TryOctets(length, out var field)) return MikeyError.Truncated;
        payload = new Kemac((EncryptionAlgorithm)encryption, encrypted, (MacAlgorithm)mac, field);
        return MikeyError.None;
    }

    internal override void WriteBody(OctetWriter writer)
    {
        writer.Byte((byte)Encryption);
        writer.Sized(Encrypted);
        writer.Byte((byte)MacAlgorithm);
        writer.Raw(Mac.Span);
    }
}
