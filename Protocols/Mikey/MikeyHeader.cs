namespace ConfCluster.Protocols.Mikey;

/// <summary>Messages by their number (RFC 3830 §6.1, RFC 6043 §6.1). Others are read as well; no exchange of ours takes them.</summary>
public enum MessageType : byte
{
    PreShared = 0,
    PreSharedVerification = 1,
    PublicKey = 2,
    PublicKeyVerification = 3,
    DiffieHellmanInit = 4,
    DiffieHellmanResponse = 5,
    Error = 6,
    RequestInitPsk = 11,
    RequestInitPk = 12,
    RequestResponse = 13,
    TransferInit = 14,
    TransferResponse = 15,
    ResolveInitPsk = 16,
    ResolveInitPk = 17,
    ResolveResponse = 18,
}

/// <summary>RFC 3830 §4.1.2 and RFC 6043 §6.1.</summary>
public enum PrfFunction : byte
{
    Mikey1 = 0,
    HmacSha256 = 1,
}

/// <summary>Payloads by their number (RFC 3830 §6.1, RFC 6043 §6.1).</summary>
public enum PayloadType : byte
{
    Last = 0,
    Kemac = 1,
    Pke = 2,
    Dh = 3,
    Sign = 4,
    T = 5,
    Id = 6,
    Cert = 7,
    Chash = 8,
    V = 9,
    Sp = 10,
    Rand = 11,
    Err = 12,
    Tr = 13,
    Idr = 14,
    Randr = 15,
    Tp = 16,
    Ticket = 17,
    KeyData = 20,
    GeneralExtension = 21,
}

/// <summary>
/// HDR (RFC 3830 §6.1) without the number of the first payload, which the message knows.
/// </summary>
/// <param name="V">Whether the Initiator wants an answer.</param>
/// <param name="CsbId">The crypto session bundle.</param>
public sealed record MikeyHeader(MessageType Type, bool V, PrfFunction Prf, uint CsbId, CsIdMap Map)
{
    public const byte Version = 1;
}
