namespace ConfCluster.Protocols.Mikey.Payloads;

/// <summary>RFC 3830 §6.5.</summary>
public enum SignatureType : byte
{
    RsaPkcs1 = 0,
    RsaPss = 1,
    Eccsi = 2,
}

/// <summary>SIGN (RFC 3830 §6.5). It has no octet for a next payload, so it always ends its message.</summary>
public sealed record Signature(SignatureType Type, Octets Value) : MikeyPayload
{
    private const int MaxLength = 0x0FFF;

    public override PayloadType Number => PayloadType.Sign;

    internal static MikeyError Read(ref OctetReader reader, out MikeyPayload? payload)
    {
        payload = null;
        if (!reader.TryWord(out var field) || !reader.TryOctets(field & MaxLength, out var value)) return MikeyError.Truncated;
        payload = new Signature((SignatureType)(field >> 12), value);
        return MikeyError.None;
    }

    internal override void WriteBody(OctetWriter writer)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Value.Length, MaxLength);
        writer.Word((int)Type << 12 | Value.Length);
        writer.Raw(Value.Span);
    }
}
