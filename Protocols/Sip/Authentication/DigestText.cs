using System.Collections.Immutable;
using System.Text;
using ConfCluster.Protocols.Sip.Parsing;

namespace ConfCluster.Protocols.Sip.Authentication;

/// <summary>
/// Reads and writes the headers of authentication (RFC 3261 §25.1: challenge, credentials; RFC 7616 §3.3, §3.4). Other schemes than Digest
/// are stepped over. Each parameter stands once, quoted or not as RFC 7616 says.
/// </summary>
public static class DigestText
{
    private const string Scheme = "Digest";
    private const int MaxParameters = 32;

    private static readonly ImmutableHashSet<string> Quoted = ImmutableHashSet.Create(
        StringComparer.OrdinalIgnoreCase, "realm", "nonce", "opaque", "domain", "username", "uri", "response", "cnonce");

    private static readonly ImmutableHashSet<string> Unquoted =
        ImmutableHashSet.Create(StringComparer.OrdinalIgnoreCase, "stale", "algorithm", "nc", "userhash", "charset");

    /// <summary>The Digest challenges of one header value, which may hold several (RFC 7616 §3.7).</summary>
    public static bool TryReadChallenges(string value, out ImmutableArray<ChallengeFields> challenges, out DigestError error)
    {
        challenges = [];
        var found = ImmutableArray.CreateBuilder<ChallengeFields>(1);
        if (!TryReadAll(value, isChallenge: true, out var all, out error)) return false;
        foreach (var fields in all)
        {
            if (!TryChallenge(fields, out var challenge, out error)) return false;
            found.Add(challenge!);
        }

        challenges = found.ToImmutable();
        return true;
    }

    /// <summary>True with null: another scheme.</summary>
    public static bool TryReadCredentials(string value, out CredentialFields? credentials, out DigestError error)
    {
        credentials = null;
        if (!TryReadAll(value, isChallenge: false, out var all, out error)) return false;
        if (all.Count == 0) return true;
        return all.Count == 1 ? TryCredentials(all[0], out credentials, out error) : Fail(DigestError.BadSyntax, out error);
    }

    public static string Write(ChallengeFields challenge)
    {
        ArgumentNullException.ThrowIfNull(challenge);
        var text = new StringBuilder(Scheme).Append(' ');
        Quote(text, "realm", challenge.Realm);
        Quote(text, "nonce", challenge.Nonce);
        if (challenge.Opaque is { } opaque) Quote(text, "opaque", opaque);
        if (challenge.IsStale) Plain(text, "stale", "true");
        if (challenge.Algorithm is { } algorithm) Plain(text, "algorithm", algorithm);
        if (!challenge.Qop.IsEmpty) Quote(text, "qop", string.Join(',', challenge.Qop));
        return text.ToString();
    }

    public static string Write(CredentialFields credentials)
    {
        ArgumentNullException.ThrowIfNull(credentials);
        var text = new StringBuilder(Scheme).Append(' ');
        Quote(text, "username", credentials.UserName);
        Quote(text, "realm", credentials.Realm);
        Quote(text, "nonce", credentials.Nonce);
        Quote(text, "uri", credentials.Uri);
        Quote(text, "response", credentials.Response);
        if (credentials.Algorithm is { } algorithm) Plain(text, "algorithm", algorithm);
        if (credentials.ClientNonce is { } cnonce) Quote(text, "cnonce", cnonce);
        if (credentials.Opaque is { } opaque) Quote(text, "opaque", opaque);
        if (credentials.Qop is { } qop) Plain(text, "qop", qop);
        if (credentials.NonceCount is { } count) Plain(text, "nc", count);
        return text.ToString();
    }

    private static bool TryReadAll(string value, bool isChallenge, out List<Dictionary<string, string>> all, out DigestError error)
    {
        ArgumentNullException.ThrowIfNull(value);
        (all, error) = ([], DigestError.None);
        var cursor = new SipCursor(value);
        while (true)
        {
            if (!cursor.TryToken(out var scheme)) return Fail(DigestError.BadSyntax, out error);
            var isDigest = scheme.Equals(Scheme, StringComparison.OrdinalIgnoreCase);
            // A credential of another scheme may be anything (token68 too); it is not ours to read.
            if (!isDigest && !isChallenge) return true;
            if (cursor.AtEnd()) return !isDigest || Fail(DigestError.Missing, out error);
            var fields = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
            if (!TryFields(ref cursor, isChallenge, isDigest, fields, out var more, out error)) return false;
            if (isDigest) all.Add(fields);
            if (!more) return true;
        }
    }

    /// <summary>Up to the end, or to the scheme of the next challenge: a token that no "=" follows.</summary>
    private static bool TryFields(
        ref SipCursor cursor, bool isChallenge, bool isDigest, Dictionary<string, string> fields, out bool more, out DigestError error)
    {
        more = false;
        do
        {
            cursor.SkipSpace();
            var before = cursor;
            if (!cursor.TryToken(out var token)) return Fail(DigestError.BadSyntax, out error);
            if (!cursor.Take('='))
            {
                cursor = before;
                more = true;
                error = DigestError.None;
                return isChallenge && fields.Count > 0 || Fail(DigestError.BadSyntax, out error);
            }

            if (!TryField(ref cursor, token.ToString(), isChallenge, isDigest, fields, out error)) return false;
        }
        while (cursor.Take(','));
        return cursor.AtEnd() || Fail(DigestError.BadSyntax, out error);
    }

    private static bool TryField(
        ref SipCursor cursor, string name, bool isChallenge, bool isDigest, Dictionary<string, string> fields, out DigestError error)
    {
        var isQuoted = cursor.At('"');
        string text;
        if (isQuoted)
        {
            if (!cursor.TryQuoted(out text)) return Fail(DigestError.BadSyntax, out error);
        }
        else if (cursor.TryToken(out var token)) text = token.ToString();
        else return Fail(DigestError.BadSyntax, out error);

        if (fields.Count == MaxParameters) return Fail(DigestError.BadSyntax, out error);
        if (!fields.TryAdd(name, text)) return Fail(DigestError.Duplicate, out error);
        // RFC 7616 §3.3, §3.4: qop is quoted in a challenge, where it is a list, and not in credentials.
        var mustQuote = Quoted.Contains(name) || isChallenge && Is(name, "qop");
        var mustNot = Unquoted.Contains(name) || !isChallenge && Is(name, "qop");
        error = isDigest && (mustQuote && !isQuoted || mustNot && isQuoted) ? DigestError.BadQuoting : DigestError.None;
        return error == DigestError.None;
    }

    private static bool TryChallenge(Dictionary<string, string> fields, out ChallengeFields? challenge, out DigestError error)
    {
        challenge = null;
        if (!fields.TryGetValue("realm", out var realm) || !fields.TryGetValue("nonce", out var nonce)) return Fail(DigestError.Missing, out error);
        ImmutableArray<string> qop = fields.TryGetValue("qop", out var list)
            ? [.. list.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)]
            : [];
        if (list is not null && qop.IsEmpty) return Fail(DigestError.BadValue, out error);
        // RFC 7616 §3.3: any value of stale but "true" is false.
        var isStale = fields.TryGetValue("stale", out var stale) && Is(stale, "true");
        challenge = new ChallengeFields(realm, nonce, fields.GetValueOrDefault("opaque"), fields.GetValueOrDefault("algorithm"), qop, isStale);
        error = DigestError.None;
        return true;
    }

    private static bool TryCredentials(Dictionary<string, string> fields, out CredentialFields? credentials, out DigestError error)
    {
        credentials = null;
        foreach (var name in (ReadOnlySpan<string>)["username", "realm", "nonce", "uri", "response"])
            if (!fields.ContainsKey(name))
                return Fail(DigestError.Missing, out error);
        var (qop, count, cnonce) = (fields.GetValueOrDefault("qop"), fields.GetValueOrDefault("nc"), fields.GetValueOrDefault("cnonce"));
        // RFC 7616 §3.4: cnonce and nc go with qop.
        if (qop is null != count is null || qop is not null && cnonce is null) return Fail(DigestError.Missing, out error);
        if (count is not null && (count.Length != 8 || !count.All(char.IsAsciiHexDigit))) return Fail(DigestError.BadValue, out error);
        if (!fields["response"].All(c => char.IsAsciiDigit(c) || c is >= 'a' and <= 'f')) return Fail(DigestError.BadValue, out error);
        credentials = new CredentialFields(
            fields["username"], fields["realm"], fields["nonce"], fields["uri"], fields["response"], fields.GetValueOrDefault("algorithm"), cnonce,
            fields.GetValueOrDefault("opaque"), qop, count);
        error = DigestError.None;
        return true;
    }

    private static void Quote(StringBuilder text, string name, string value)
    {
        Separate(text).Append(name).Append("=\"");
        foreach (var c in value)
        {
            // RFC 3261 §25.1: a control character can stand in a quoted string as a quoted pair only.
            if (c is '"' or '\\' or < ' ' or '\x7f') text.Append('\\');
            text.Append(c);
        }

        text.Append('"');
    }

    private static void Plain(StringBuilder text, string name, string value) => Separate(text).Append(name).Append('=').Append(value);

    private static StringBuilder Separate(StringBuilder text) => text[^1] == ' ' ? text : text.Append(", ");

    private static bool Is(string text, string word) => string.Equals(text, word, StringComparison.OrdinalIgnoreCase);

    private static bool Fail(DigestError reason, out DigestError error)
    {
        error = reason;
        return false;
    }
}
