namespace ConfCluster.Protocols.Mikey.Payloads;

/// <summary>What the Responder may keep of the envelope key (RFC 3830 §6.3).</summary>
public enum EnvelopeCache : byte
{
    None = 0,
    Keep = 1,
    KeepForBundle = 2,
}

/// <summary>The envelope key, encrypted with a public key (RFC 3830 §6.3).</summary>
public sealed record Pke(EnvelopeCache Cache, Octets Encrypted) : MikeyPayload
{
    private const int MaxLength = 0x3FFF;

    public override PayloadType Number => PayloadType.Pke;

    internal static MikeyError Read(ref OctetReader reader, out MikeyPayload? payload)
    {
        payload = null;
        if (!reader.TryWord(out var field) || !reader.TryOctets(field & MaxLength, out var encrypted)) return MikeyError.Truncated;
        payload = new Pke((EnvelopeCache)(field >> 14), encrypted);
        return MikeyError.None;
    }

    internal override void WriteBody(OctetWriter writer)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Encrypted.Length, MaxLength);
        writer.Word((int)Cache << 14 | Encrypted.Length);
        writer.Raw(Encrypted.Span);
    }
}
