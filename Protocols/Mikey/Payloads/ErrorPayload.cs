namespace ConfCluster.Protocols.Mikey.Payloads;

/// <summary>RFC 3830 §6.12 and RFC 6043 §6.9.</summary>
public enum ErrorNumber : byte
{
    AuthenticationFailure = 0,
    InvalidTimestamp = 1,
    InvalidPrf = 2,
    InvalidMac = 3,
    InvalidEncryption = 4,
    InvalidHash = 5,
    InvalidGroup = 6,
    InvalidIdentity = 7,
    InvalidCertificate = 8,
    InvalidPolicy = 9,
    InvalidPolicyParameters = 10,
    InvalidMessageType = 11,
    Unspecified = 12,
    UnsupportedMessageType = 13,
    InvalidTicket = 14,
    InvalidTicketPolicy = 15,
}

/// <summary>ERR (RFC 3830 §6.12).</summary>
/// <param name="Reserved">Kept as it came.</param>
public sealed record ErrorPayload(ErrorNumber Error, ushort Reserved = 0) : MikeyPayload
{
    public override PayloadType Number => PayloadType.Err;

    internal static MikeyError Read(ref OctetReader reader, out MikeyPayload? payload)
    {
        payload = null;
        if (!reader.TryByte(out var error) || !reader.TryWord(out var reserved)) return MikeyError.Truncated;
        payload = new ErrorPayload((ErrorNumber)error, reserved);
        return MikeyError.None;
    }

    internal override void WriteBody(OctetWriter writer)
    {
        writer.Byte((byte)Error);
        writer.Word(Reserved);
    }
}
