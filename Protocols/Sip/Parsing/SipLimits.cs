namespace ConfCluster.Protocols.Sip.Parsing;

/// <summary>What a peer may make us hold. RFC 3261 §18.1.1 asks for datagrams of 65,535 bytes; the others are ours.</summary>
public static class SipLimits
{
    /// <summary>Start line, header fields and body together.</summary>
    public const int MessageBytes = 65_535;

    public const int HeaderFields = 128;

    /// <summary>One header field with its folded lines, or the start line.</summary>
    public const int LineBytes = 8 * 1024;

    /// <summary>The header block of a message on a stream.</summary>
    public const int HeaderBlockBytes = 32 * 1024;

    /// <summary>Parameters of one URI or header value, values of one list.</summary>
    public const int Items = 64;
}
