namespace ConfCluster.Protocols.Sip.Parsing;

/// <summary>Why bytes are not a SIP message; each value is a counter (RFC 3261 §7, §16.3, RFC 4475).</summary>
public enum SipErrorKind : byte
{
    None, NotSip, BadStartLine, BadVersion, BadHeader, MissingHeader, DuplicateHeader, TooManyHeaders, TooLong,
    BodyTruncated, BadContentLength, MethodMismatch,
}

/// <summary>The kind and, for a 400, the words that name the clause; never any header value (it may be hostile or secret).</summary>
public readonly record struct SipError(SipErrorKind Kind, string Detail)
{
    public static readonly SipError None = new(SipErrorKind.None, "");
}
