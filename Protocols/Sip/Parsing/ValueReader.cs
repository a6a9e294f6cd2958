using ConfCluster.Protocols.Sip.Messages;

namespace ConfCluster.Protocols.Sip.Parsing;

/// <summary>The values of header fields that we know the grammar of (RFC 3261 §20, §25.1). Null, or what is wrong.</summary>
internal static class ValueReader
{
    private const string Trailing = "text after the value";

    /// <summary>Adds the values of one Via line. A value whose sent-by could be read is added even when its parameters are bad.</summary>
    public static string? Vias(ReadOnlySpan<char> text, ref FewOrMany<Via> vias)
    {
        var cursor = new SipCursor(text);
        do
        {
            if (vias.Count == SipLimits.Items) return "too many values";
            if (!TryVia(ref cursor, ref vias)) return cursor.Fault;
        }
        while (cursor.Take(','));
        return cursor.AtEnd() ? null : Trailing;
    }

    /// <summary>sent-protocol LWS sent-by *( SEMI via-params ); the version is not looked at, the start line decides on it.</summary>
    private static bool TryVia(ref SipCursor cursor, ref FewOrMany<Via> vias)
    {
        cursor.SkipSpace();
        if (!cursor.TryToken(out var protocol) || !protocol.Equals("SIP", StringComparison.OrdinalIgnoreCase))
            return cursor.Fail("bad protocol");
        if (!cursor.Take('/') || !cursor.TryToken(out _) || !cursor.Take('/')) return cursor.Fail("bad protocol");
        if (!cursor.TryToken(out var transport)) return cursor.Fail("bad transport");
        if (!cursor.At(' ') && !cursor.At('\t')) return cursor.Fail("sent-by missing");
        cursor.SkipSpace();
        if (!cursor.TryHostPort(out var host, out var port)) return false;

        var read = cursor.TryParameters(out var parameters);
        vias.Add(new Via(Upper(transport), host, port, parameters));
        return read;
    }

    private static string Upper(ReadOnlySpan<char> transport) => transport switch
    {
        "UDP" => "UDP",
        "TCP" => "TCP",
        "TLS" => "TLS",
        _ => transport.ToString().ToUpperInvariant(),
    };

    /// <summary>From and To: one address and nothing after it.</summary>
    public static string? Address(ReadOnlySpan<char> text, out NameAddr? address)
    {
        var cursor = new SipCursor(text);
        if (!TryAddress(ref cursor, bare: true, out address)) return cursor.Fault;
        if (cursor.AtEnd()) return null;
        address = null;
        return Trailing;
    }

    /// <summary>Contact (<paramref name="bare"/> allowed), Route and Record-Route (name-addr only: RFC 3261 §20.30, §20.34).</summary>
    public static string? Addresses(ReadOnlySpan<char> text, bool bare, ref FewOrMany<NameAddr> addresses)
    {
        var cursor = new SipCursor(text);
        do
        {
            if (addresses.Count == SipLimits.Items) return "too many values";
            if (!TryAddress(ref cursor, bare, out var address)) return cursor.Fault;
            addresses.Add(address!);
        }
        while (cursor.Take(','));
        return cursor.AtEnd() ? null : Trailing;
    }

    private static bool TryAddress(ref SipCursor cursor, bool bare, out NameAddr? address)
    {
        address = null;
        cursor.SkipSpace();
        string? name = null;
        if (cursor.At('"'))
        {
            if (!cursor.TryQuoted(out name)) return false;
            cursor.SkipSpace();
        }
        else if (!TryDisplayName(ref cursor, out name)) return false;

        if (!cursor.At('<')) return name is null && bare ? TryBare(ref cursor, out address) : cursor.Fail("'<' expected");
        var close = cursor.Rest.IndexOf('>');
        if (close < 0) return cursor.Fail("'>' missing");
        if (UriReader.Read(cursor.Rest[1..close], out var uri) is { } fault) return cursor.Fail(fault);
        cursor.Skip(close + 1);
        if (!cursor.TryParameters(out var parameters)) return false;
        address = new NameAddr(name, uri!, parameters);
        return true;
    }

    /// <summary>
    /// *(token LWS) before "&lt;", where the last LWS may be missing (RFC 4475 §3.1.1.6). Wider than the grammar: letters above ASCII pass
    /// without quotes.
    /// </summary>
    private static bool TryDisplayName(ref SipCursor cursor, out string? name)
    {
        name = null;
        var stop = cursor.Rest.IndexOfAny("<\",;");
        if (stop <= 0 || cursor.Rest[stop] is ';')
            return true;
        if (cursor.Rest[stop] is not '<')
        {
            // "Bell, Alexander <sip:…>" is refused, "sip:a@b, <sip:c@d>" is two values.
            return cursor.Rest[..stop].Contains(':') || cursor.Fail("display name must be quoted");
        }

        var text = cursor.Rest[..stop].TrimEnd(" \t");
        foreach (var c in text)
            if (c < '\x80' && c is not (' ' or '\t') && !SipGrammar.Token.Contains(c))
                return cursor.Fail("display name must be quoted");
        name = text.ToString();
        cursor.Skip(stop);
        return true;
    }

    /// <summary>RFC 3261 §20: without "&lt;&gt;" what follows ";" belongs to the header, and the URI has no "?" and no ",".</summary>
    private static bool TryBare(ref SipCursor cursor, out NameAddr? address)
    {
        address = null;
        var end = cursor.Rest.IndexOfAny(" \t;,");
        var text = end < 0 ? cursor.Rest : cursor.Rest[..end];
        if (text.Contains('?')) return cursor.Fail("a URI with \"?\" must be in angle brackets");
        if (UriReader.Read(text, out var uri) is { } fault) return cursor.Fail(fault);
        cursor.Skip(text.Length);
        if (!cursor.TryParameters(out var parameters)) return false;
        address = new NameAddr(null, uri!, parameters);
        return true;
    }

    /// <summary>1*DIGIT LWS Method, the number below 2^31 (RFC 3261 §8.1.1.5).</summary>
    public static string? CSeq(ReadOnlySpan<char> text, out CSeq? cseq)
    {
        cseq = null;
        var space = text.IndexOfAny(' ', '\t');
        if (space < 0) return "number and method expected";
        if (!SipGrammar.TryNumber(text[..space], int.MaxValue, out var number)) return "number is not below 2^31";
        var method = text[space..].TrimStart(" \t");
        if (!SipGrammar.IsToken(method)) return "bad method";
        cseq = new CSeq(number, Method(method));
        return null;
    }

    public static SipMethod Method(ReadOnlySpan<char> name) => name switch
    {
        "INVITE" => SipMethod.Invite,
        "ACK" => SipMethod.Ack,
        "BYE" => SipMethod.Bye,
        "CANCEL" => SipMethod.Cancel,
        "OPTIONS" => SipMethod.Options,
        "REGISTER" => SipMethod.Register,
        "UPDATE" => SipMethod.Update,
        "PRACK" => SipMethod.Prack,
        "INFO" => SipMethod.Info,
        _ => new SipMethod(name.ToString()),
    };

    /// <summary>word [ "@" word ] (RFC 3261 §20.8).</summary>
    public static string? CallId(ReadOnlySpan<char> text)
    {
        var at = text.IndexOf('@');
        var host = at < 0 ? "x" : text[(at + 1)..];
        var word = at < 0 ? text : text[..at];
        return word.Length == 0 || host.Length == 0 || word.ContainsAnyExcept(SipGrammar.Word) || host.ContainsAnyExcept(SipGrammar.Word)
            ? "not a word, or word@word" : null;
    }

    /// <summary>type "/" subtype *( SEMI attribute EQUAL value ) (RFC 3261 §20.15).</summary>
    public static string? MediaType(ReadOnlySpan<char> text, out string? type)
    {
        type = null;
        var cursor = new SipCursor(text);
        if (!cursor.TryToken(out var main) || !cursor.Take('/') || !cursor.TryToken(out var sub)) return "type/subtype expected";
        type = main.Equals("application", StringComparison.OrdinalIgnoreCase) && sub.Equals("sdp", StringComparison.OrdinalIgnoreCase)
            ? "application/sdp" : $"{main}/{sub}".ToLowerInvariant();
        if (!cursor.TryParameters(out _)) return cursor.Fault;
        return cursor.AtEnd() ? null : Trailing;
    }

    /// <summary>token *( COMMA token ), or nothing: Allow, Supported, Require and their kin.</summary>
    public static string? Tokens(ReadOnlySpan<char> text)
    {
        if (text.Length == 0) return null;
        var cursor = new SipCursor(text);
        do
        {
            if (!cursor.TryToken(out _)) return cursor.Fault;
        }
        while (cursor.Take(','));
        return cursor.AtEnd() ? null : Trailing;
    }
}
