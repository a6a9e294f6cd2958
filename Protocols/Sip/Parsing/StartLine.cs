using ConfCluster.Protocols.Sip.Messages;

namespace ConfCluster.Protocols.Sip.Parsing;

/// <summary>Request-Line and Status-Line (RFC 3261 §7.1, §7.2): single spaces, no folding.</summary>
internal ref struct StartLine
{
    /// <summary>Stands for a Request-URI that cannot be read; the message is refused anyway.</summary>
    public static readonly SipUri Unreadable = SipUri.Sip(null, "invalid.invalid");

    public bool IsRequest { get; private set; }
    public SipMethod Method { get; private set; }
    public SipUri RequestUri { get; private set; }
    public int Status { get; private set; }
    public string Reason { get; private set; }

    public static SipError Read(ReadOnlySpan<char> line, out StartLine start)
    {
        start = new StartLine { RequestUri = Unreadable, Reason = "" };
        if (line.ContainsAny('\r', '\n')) line = line[..line.IndexOfAny('\r', '\n')];
        if (line.StartsWith("SIP/", StringComparison.OrdinalIgnoreCase)) return start.ReadStatus(line);

        var space = line.IndexOf(' ');
        if (space <= 0 || !SipGrammar.IsToken(line[..space]) || line.IndexOf(" SIP/", StringComparison.OrdinalIgnoreCase) < 0)
            return new SipError(SipErrorKind.NotSip, "Not a SIP start line");
        start.IsRequest = true;
        start.Method = ValueReader.Method(line[..space]);
        return start.ReadRequest(line[(space + 1)..]);
    }

    private SipError ReadRequest(ReadOnlySpan<char> rest)
    {
        var space = rest.LastIndexOf(' ');
        var version = rest[(space + 1)..];
        if (space <= 0 || !version.StartsWith("SIP/", StringComparison.OrdinalIgnoreCase))
            return Bad("method, one space, Request-URI, one space, SIP/2.0 expected (RFC 3261 §7.1)");
        if (!IsVersion2(version)) return new SipError(SipErrorKind.BadVersion, "Only SIP/2.0 is spoken here (RFC 3261 §7.1)");
        if (UriReader.Read(rest[..space], out var uri) is { } fault) return Bad($"Request-URI: {fault} (RFC 3261 §7.1)");

        // RFC 3261 §19.1.1, table 1: a Request-URI has no headers.
        if (!uri!.Headers.IsEmpty) return Bad("Request-URI: headers in it (RFC 3261 §19.1.1)");
        RequestUri = uri;
        return SipError.None;
    }

    private SipError ReadStatus(ReadOnlySpan<char> line)
    {
        var space = line.IndexOf(' ');
        var version = space < 0 ? line : line[..space];
        if (!IsVersion2(version)) return new SipError(SipErrorKind.BadVersion, "Only SIP/2.0 is spoken here (RFC 3261 §7.2)");

        // RFC 4475 §3.1.1.13: a liberal receiver takes a status line without the space after the code.
        var rest = space < 0 ? default : line[(space + 1)..];
        if (rest.Length < 3 || rest.Length > 3 && rest[3] != ' ' || !SipGrammar.TryNumber(rest[..3], 699, out var status) || status < 100)
            return Bad("status code is not 100 to 699 (RFC 3261 §7.2)");
        Status = (int)status;
        Reason = rest.Length > 4 ? rest[4..].ToString() : "";
        return SipError.None;
    }

    private static bool IsVersion2(ReadOnlySpan<char> version) => version.Equals("SIP/2.0", StringComparison.OrdinalIgnoreCase);

    private static SipError Bad(string detail) => new(SipErrorKind.BadStartLine, detail);
}
