using System.Buffers;
using System.Collections.Immutable;
using ConfCluster.Protocols.Sip.Messages;

namespace ConfCluster.Protocols.Sip.Parsing;

/// <summary>
/// SIP-URI, SIPS-URI and absoluteURI (RFC 3261 §19.1.1, §25.1), strictly: what is not allowed raw must be escaped. An escape must give
/// UTF-8, since the parts are held as text. Of the telephone-subscriber nothing is checked beyond the characters of a user part.
/// </summary>
internal static class UriReader
{
    /// <summary>Null and the URI, or why it is none.</summary>
    public static string? Read(ReadOnlySpan<char> text, out SipUri? uri)
    {
        uri = null;
        var colon = text.IndexOf(':');
        if (colon < 0 || !SipGrammar.IsScheme(text[..colon])) return "URI without a scheme";
        var rest = text[(colon + 1)..];
        if (text[..colon].Equals("sip", StringComparison.OrdinalIgnoreCase)) return ReadSip("sip", rest, out uri);
        if (text[..colon].Equals("sips", StringComparison.OrdinalIgnoreCase)) return ReadSip("sips", rest, out uri);

        // Kept as written, so the escapes are checked and stay.
        if (rest.Length == 0 || !SipGrammar.TryUnescape(rest, SipGrammar.Opaque, out _)) return "bad character or escape in a URI";
        uri = new SipUri(text[..colon].ToString().ToLowerInvariant(), null, null, "", null, SipParameters.Empty, [], rest.ToString());
        return null;
    }

    private static string? ReadSip(string scheme, ReadOnlySpan<char> rest, out SipUri? uri)
    {
        uri = null;
        string? user = null, password = null;
        var at = rest.IndexOf('@');
        if (at >= 0)
        {
            if (ReadUser(rest[..at], out user, out password) is { } badUser) return badUser;
            rest = rest[(at + 1)..];
        }

        var question = rest.IndexOf('?');
        var headersText = question < 0 ? default : rest[(question + 1)..];
        if (question >= 0) rest = rest[..question];
        var semicolon = rest.IndexOf(';');
        var parametersText = semicolon < 0 ? default : rest[(semicolon + 1)..];

        var cursor = new SipCursor(semicolon < 0 ? rest : rest[..semicolon]);
        if (cursor.Rest.ContainsAny(' ', '\t')) return "space in a URI";
        if (!cursor.TryHostPort(out var host, out var port)) return cursor.Fault;
        if (cursor.Rest.Length > 0) return "bad host";

        var parameters = SipParameters.Empty;
        ImmutableArray<KeyValuePair<string, string>> headers = [];
        if (semicolon >= 0 && ReadParameters(parametersText, out parameters) is { } badParameter) return badParameter;
        if (question >= 0 && ReadHeaders(headersText, out headers) is { } badHeader) return badHeader;
        uri = new SipUri(scheme, user, password, host, port, parameters, headers);
        return null;
    }

    private static string? ReadUser(ReadOnlySpan<char> text, out string? user, out string? password)
    {
        password = null;
        var colon = text.IndexOf(':');
        var name = colon < 0 ? text : text[..colon];
        user = name.ContainsAnyExcept(SipGrammar.User) ? null : RecentWords.Of(name);
        if (name.Length == 0 || user is null && !Unescape(name, SipGrammar.User, out user)) return "bad user part in a URI";
        return colon >= 0 && !Unescape(text[(colon + 1)..], SipGrammar.Password, out password) ? "bad password part in a URI" : null;
    }

    private static string? ReadParameters(ReadOnlySpan<char> text, out SipParameters parameters)
    {
        parameters = SipParameters.Empty;
        var items = new ParameterList();
        foreach (var range in text.Split(';'))
        {
            var item = text[range];
            var equals = item.IndexOf('=');
            var nameText = equals < 0 ? item : item[..equals];
            string? value = null;
            if (nameText.Length == 0 || !Unescape(nameText, SipGrammar.UriParameter, out var name)) return "bad URI parameter";
            if (equals >= 0 && (item.Length == equals + 1 || !Unescape(item[(equals + 1)..], SipGrammar.UriParameter, out value)))
                return "bad URI parameter value";
            if (items.Refuses(name!, value) is { } fault) return fault;
        }

        parameters = items.ToParameters();
        return null;
    }

    private static string? ReadHeaders(ReadOnlySpan<char> text, out ImmutableArray<KeyValuePair<string, string>> headers)
    {
        headers = [];
        var items = ImmutableArray.CreateBuilder<KeyValuePair<string, string>>();
        foreach (var range in text.Split('&'))
        {
            var item = text[range];
            var equals = item.IndexOf('=');
            if (equals <= 0 || !Unescape(item[..equals], SipGrammar.UriHeader, out var name)
                || !Unescape(item[(equals + 1)..], SipGrammar.UriHeader, out var value)) return "bad URI header";
            if (items.Count == SipLimits.Items) return "too many URI headers";
            items.Add(new KeyValuePair<string, string>(name!, value!));
        }

        headers = items.DrainToImmutable();
        return null;
    }

    private static bool Unescape(ReadOnlySpan<char> text, SearchValues<char> plain, out string? result)
    {
        var ok = SipGrammar.TryUnescape(text, plain, out var value);
        result = value;
        return ok;
    }
}
