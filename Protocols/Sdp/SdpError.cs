namespace ConfCluster.Protocols.Sdp;

/// <summary>Why bytes are not a session description (RFC 4566 §5, §9); each value is a counter.</summary>
public enum SdpError : byte
{
    None, TooLong, TooManyLines, TooManyMedia, BadLine, UnknownType, WrongOrder, BadVersion, BadOrigin, BadConnection, BadMedia, BadAttribute, MissingLine,
}

/// <summary>Why an a=crypto line is not usable (RFC 4568 §4, §5.1, §6, §9); the description around it may be.</summary>
public enum CryptoError : byte
{
    None, BadTag, DuplicateTag, BadSuite, UnsupportedSuite, BadKeyMethod, BadKey, BadKeyLength, DuplicateKey, BadLifetime, BadMki, MissingMki,
    MkiLengthsDiffer, DuplicateMki, BadSessionParameter, UnknownSessionParameter, UnsupportedKeyDerivationRate, UnsupportedFec,
}
