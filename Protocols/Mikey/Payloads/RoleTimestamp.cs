namespace ConfCluster.Protocols.Mikey.Payloads;

/// <summary>RFC 6043 §6.4.</summary>
public enum TimestampRole : byte
{
    Issue = 1,
    Start = 2,
    End = 3,
    RekeyInterval = 4,
}

/// <summary>TR: a timestamp that says what for (RFC 6043 §6.4).</summary>
public sealed record RoleTimestamp(TimestampRole Role, MikeyTime Time) : MikeyPayload
{
    public override PayloadType Number => PayloadType.Tr;

    internal static MikeyError Read(ref OctetReader reader, out MikeyPayload? payload)
    {
        payload = null;
        if (!reader.TryByte(out var role)) return MikeyError.Truncated;
        var error = Timestamp.ReadTime(ref reader, out var time);
        if (error == MikeyError.None) payload = new RoleTimestamp((TimestampRole)role, time);
        return error;
    }

    internal override void WriteBody(OctetWriter writer)
    {
        writer.Byte((byte)Role);
        Timestamp.WriteTime(writer, Time);
    }
}
