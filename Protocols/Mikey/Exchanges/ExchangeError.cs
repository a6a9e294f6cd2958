using ConfCluster.Protocols.Mikey.Payloads;

namespace ConfCluster.Protocols.Mikey.Exchanges;

/// <summary>Why an exchange refuses a message. One value for each check.</summary>
public enum ExchangeError
{
    None,

    /// <summary>Octets that are no MIKEY message.</summary>
    Malformed,

    /// <summary>A message of another kind, bundle or PRF than the one that is due.</summary>
    UnexpectedMessage,

    /// <summary>A payload that this message must have is missing.</summary>
    MissingPayload,
    UnsupportedAlgorithm,

    /// <summary>A RAND or a key shorter than the keys it goes with (RFC 6043 §12.1).</summary>
    TooShort,

    /// <summary>Somebody that we do not know, or who may not do this.</summary>
    NotAuthorised,

    /// <summary>For another KMS or Responder, or our own message that came back.</summary>
    WrongParty,
    BadTimestamp,
    Replayed,
    MacMismatch,

    /// <summary>No chain to a root that is trusted now, a certificate for another name, or a hash of none of ours.</summary>
    BadCertificate,
    UnsupportedTicket,

    /// <summary>A ticket policy that contradicts itself, has run out, or is none that we accept.</summary>
    BadTicketPolicy,

    /// <summary>A ticket or its Initiator Data whose MAC is wrong.</summary>
    BadTicket,

    /// <summary>Keys that cannot be opened, are none of these, or that the policy's flags forbid.</summary>
    BadKeys,

    /// <summary>A map of crypto sessions that is not GENERIC-ID, says a session twice, or leaves out what this message must say.</summary>
    BadSessions,

    /// <summary>An SPI of the other side's key that names one of ours, or one that is to come.</summary>
    TakenSpi,

    /// <summary>Security policies that we cannot keep, or that were not said.</summary>
    BadPolicies,

    /// <summary>Other key management protocols than the SDP offers (RFC 4567 §7).</summary>
    WrongProtocols,

    /// <summary>The other side answered with an authenticated Error message.</summary>
    RefusedByPeer,
}

public static class ExchangeErrors
{
    /// <summary>What an Error message says of it (RFC 3830 §6.12, RFC 6043 §6.9).</summary>
    public static ErrorNumber ToNumber(this ExchangeError error) => error switch
    {
        ExchangeError.MacMismatch or ExchangeError.NotAuthorised => ErrorNumber.AuthenticationFailure,
        ExchangeError.BadCertificate => ErrorNumber.InvalidCertificate,
        ExchangeError.BadTimestamp or ExchangeError.Replayed => ErrorNumber.InvalidTimestamp,
        ExchangeError.UnsupportedAlgorithm => ErrorNumber.InvalidPrf,
        ExchangeError.WrongParty => ErrorNumber.InvalidIdentity,
        ExchangeError.UnexpectedMessage => ErrorNumber.InvalidMessageType,
        ExchangeError.UnsupportedTicket or ExchangeError.BadTicket => ErrorNumber.InvalidTicket,
        ExchangeError.BadTicketPolicy => ErrorNumber.InvalidTicketPolicy,
        ExchangeError.BadPolicies => ErrorNumber.InvalidPolicy,
        _ => ErrorNumber.Unspecified,
    };
}
