namespace ConfCluster.Protocols.Mikey.Payloads;

/// <summary>T (RFC 3830 §6.6).</summary>
public sealed record Timestamp(MikeyTime Time) : MikeyPayload
{
    public override PayloadType Number => PayloadType.T;

    internal static MikeyError Read(ref OctetReader reader, out MikeyPayload? payload)
    {
        var error = ReadTime(ref reader, out var time);
        payload = error == MikeyError.None ? new Timestamp(time) : null;
        return error;
    }

    internal static MikeyError ReadTime(ref OctetReader reader, out MikeyTime time)
    {
        time = default;
        if (!reader.TryByte(out var type)) return MikeyError.Truncated;
        if (type > (byte)TimestampType.NtpUtc32) return MikeyError.UnknownTimestampType;
        ulong value = 0;
        if (new MikeyTime((TimestampType)type, 0).Length == 8)
        {
            if (!reader.TryHyper(out value)) return MikeyError.Truncated;
        }
        else
        {
            if (!reader.TryLong(out var small)) return MikeyError.Truncated;
            value = small;
        }

        time = new MikeyTime((TimestampType)type, value);
        return MikeyError.None;
    }

    internal static void WriteTime(OctetWriter writer, MikeyTime time)
    {
        writer.Byte((byte)time.Type);
        if (time.Length == 8) writer.Hyper(time.Value);
        else writer.Long(checked((uint)time.Value));
    }

    internal override void WriteBody(OctetWriter writer) => WriteTime(writer, Time);
}
