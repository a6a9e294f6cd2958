namespace ConfCluster.Protocols.Mikey;

/// <summary>Why octets are no MIKEY message that we can read. One value for each check.</summary>
public enum MikeyError
{
    None,

    /// <summary>A field or a length goes past the end of the message, or of the payload that holds it.</summary>
    Truncated,

    /// <summary>More than <see cref="MikeyReader.MaxLength"/> octets.</summary>
    TooLong,

    /// <summary>More than <see cref="MikeyReader.MaxPayloads"/> payloads, those inside tickets included.</summary>
    TooManyPayloads,

    /// <summary>Octets after the last payload.</summary>
    TrailingOctets,

    /// <summary>Another version than 1.</summary>
    BadVersion,

    /// <summary>A payload whose length we cannot know: RFC 6267, RFC 6509, unassigned and private numbers.</summary>
    UnknownPayload,

    /// <summary>A known payload that cannot stand here: key data outside KEMAC, a ticket inside a ticket.</summary>
    MisplacedPayload,
    UnknownMapType,

    /// <summary>Session data of a crypto session whose length disagrees with its S flag.</summary>
    BadSession,

    /// <summary>A security policy beside an empty map (RFC 4563 §5).</summary>
    PolicyWithEmptyMap,
    UnknownMacAlgorithm,
    UnknownTimestampType,
    UnknownHash,
    UnknownGroup,

    /// <summary>A key type or a key validity that we do not know.</summary>
    BadKey,

    /// <summary>Parameters of a security policy that do not fill its length.</summary>
    BadPolicy,
}
