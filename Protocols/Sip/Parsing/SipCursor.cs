using System.Collections.Immutable;
using System.Text;
using ConfCluster.Protocols.Sip.Messages;

namespace ConfCluster.Protocols.Sip.Parsing;

/// <summary>
/// Walks over one unfolded header value (RFC 3261 §25.1: token, quoted-string, host, generic-param, with LWS around separators).
/// A method that returns false has said why in <see cref="Fault"/>; the first fault stays.
/// </summary>
internal ref struct SipCursor(ReadOnlySpan<char> text)
{
    private ReadOnlySpan<char> _rest = text;

    public string? Fault { get; private set; }

    public readonly ReadOnlySpan<char> Rest => _rest;

    public bool Fail(string fault)
    {
        Fault ??= fault;
        return false;
    }

    public void Skip(int count) => _rest = _rest[count..];

    public void SkipSpace() => _rest = _rest.TrimStart(" \t");

    public readonly bool At(char c) => _rest.Length > 0 && _rest[0] == c;

    /// <summary>True at the end, spaces skipped.</summary>
    public bool AtEnd()
    {
        SkipSpace();
        return _rest.Length == 0;
    }

    /// <summary>Takes a separator with the space around it (RFC 3261 §25.1: SEMI, COMMA, EQUAL, SLASH, COLON).</summary>
    public bool Take(char separator)
    {
        SkipSpace();
        if (!At(separator)) return false;
        Skip(1);
        SkipSpace();
        return true;
    }

    public bool TryToken(out ReadOnlySpan<char> token)
    {
        var length = _rest.IndexOfAnyExcept(SipGrammar.Token);
        token = length < 0 ? _rest : _rest[..length];
        Skip(token.Length);
        return token.Length > 0 || Fail("token expected");
    }

    /// <summary>A quoted-string, its quotes and backslashes taken off. A raw control character but TAB is no part of one.</summary>
    public bool TryQuoted(out string value)
    {
        value = "";
        var body = _rest[1..];
        var stop = body.IndexOfAny('"', '\\');
        if (stop < 0) return Fail("quoted string without an end");
        if (body[stop] == '"')
        {
            if (HasControl(body[..stop])) return Fail("control character in a quoted string");
            value = body[..stop].ToString();
            Skip(stop + 2);
            return true;
        }

        return TryEscaped(body, out value);
    }

    private bool TryEscaped(ReadOnlySpan<char> body, out string value)
    {
        value = "";
        var text = new StringBuilder(body.Length);
        for (var i = 0; i < body.Length; i++)
        {
            var c = body[i];
            if (c == '"')
            {
                value = text.ToString();
                Skip(i + 2);
                return true;
            }

            if (c != '\\' && c < ' ' && c != '\t' || c == '\x7f') return Fail("control character in a quoted string");

            // quoted-pair = "\" (%x00-09 / %x0B-0C / %x0E-7F): no CR, no LF, nothing above ASCII.
            if (c == '\\' && (++i == body.Length || body[i] is '\r' or '\n' or > '\x7f')) return Fail("bad quoted pair");
            text.Append(body[i]);
        }

        return Fail("quoted string without an end");
    }

    private static bool HasControl(ReadOnlySpan<char> text)
    {
        foreach (var c in text)
            if (c < ' ' && c != '\t' || c == '\x7f')
                return true;
        return false;
    }

    /// <summary>host [ ":" port ], the space around the colon allowed as in Via (RFC 3261 §20.42).</summary>
    public bool TryHostPort(out string host, out int? port)
    {
        port = null;
        host = "";
        var length = At('[') ? _rest.IndexOf(']') + 1 : _rest.IndexOfAny(SipGrammar.HostEnd);
        var text = length < 0 ? _rest : _rest[..length];
        if (SipGrammar.IsHost(text)) host = RecentWords.Of(text);
        else if (!SipGrammar.TryThreeColons(text, out host)) return Fail("bad host");
        Skip(text.Length);
        if (!Take(':')) return true;

        length = _rest.IndexOfAnyExceptInRange('0', '9');
        var digits = length < 0 ? _rest : _rest[..length];
        if (!SipGrammar.TryNumber(digits, 65_535, out var number) || number == 0) return Fail("bad port");
        port = (int)number;
        Skip(digits.Length);
        return true;
    }

    /// <summary>*( SEMI generic-param ); a name occurs once (RFC 3261 §7.3.1).</summary>
    public bool TryParameters(out SipParameters parameters)
    {
        parameters = SipParameters.Empty;
        if (!Take(';')) return true;
        var items = new ParameterList();
        do
        {
            if (!TryToken(out var name)) return Fail("parameter without a name");
            string? value = null;
            if (Take('=') && !TryParameterValue(out value)) return false;
            if (items.Refuses(Vocabulary.Word(name), value) is { } fault) return Fail(fault);
        }
        while (Take(';'));

        parameters = items.ToParameters();
        return true;
    }

    /// <summary>token / host / quoted-string, and a bare IPv6 address, which "received" has (RFC 3261 §25.1).</summary>
    private bool TryParameterValue(out string? value)
    {
        value = null;
        if (At('"'))
        {
            if (!TryQuoted(out var quoted)) return false;
            value = quoted;
            return true;
        }

        var length = _rest.IndexOfAnyExcept(SipGrammar.Token);
        if (length >= 0 && (_rest[length] is ':' or '[')) return TryAddressValue(out value);
        if (!TryToken(out var token)) return Fail("parameter value missing or not a token");
        value = RecentWords.Find(token) ?? Vocabulary.Word(token);
        return true;
    }

    private bool TryAddressValue(out string? value)
    {
        var length = _rest.IndexOfAnyExcept(SipGrammar.HostOrAddress);
        var text = length < 0 ? _rest : _rest[..length];
        value = RecentWords.Of(text);
        if (!SipGrammar.IsIPv6(text) && !(text.StartsWith('[') && SipGrammar.IsHost(text))) return Fail("parameter value is not a token");
        Skip(text.Length);
        return true;
    }
}
