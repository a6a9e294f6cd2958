namespace ConfCluster.Protocols.Mikey.Payloads;

/// <summary>RFC 3830 §6.4.</summary>
public enum DhGroup : byte
{
    Oakley5 = 0,
    Oakley1 = 1,
    Oakley2 = 2,
}

/// <summary>A Diffie-Hellman value (RFC 3830 §6.4). Read and written; no exchange of ours uses it, since it cannot bring a group key.</summary>
/// <param name="Reserved">Four bits, kept as they came.</param>
public sealed record DhValue(DhGroup Group, Octets Value, byte Reserved, KeyValidity Validity) : MikeyPayload
{
    public override PayloadType Number => PayloadType.Dh;

    internal static MikeyError Read(ref OctetReader reader, out MikeyPayload? payload)
    {
        payload = null;
        if (!reader.TryByte(out var group)) return MikeyError.Truncated;
        var length = LengthOf((DhGroup)group);
        if (length < 0) return MikeyError.UnknownGroup;
        if (!reader.TryOctets(length, out var value) || !reader.TryByte(out var kinds)) return MikeyError.Truncated;
        var error = KeyValidity.Read(ref reader, (byte)(kinds & 0x0F), out var validity);
        if (error == MikeyError.None) payload = new DhValue((DhGroup)group, value, (byte)(kinds >> 4), validity!);
        return error;
    }

    internal override void WriteBody(OctetWriter writer)
    {
        writer.Byte((byte)Group);
        writer.Raw(Value.Span);
        writer.Byte((byte)(Reserved << 4 | Validity.Kind));
        Validity.Write(writer);
    }

    private static int LengthOf(DhGroup group) => group switch
    {
        DhGroup.Oakley5 => 192,
        DhGroup.Oakley1 => 96,
        DhGroup.Oakley2 => 128,
        _ => -1,
    };
}
