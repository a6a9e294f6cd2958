using System.Collections.Immutable;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Parsing;

namespace ConfCluster.Protocols.Sip.Authentication;

/// <summary>What a server asks us to prove (RFC 3261 §22.2, §22.3; RFC 7616 §3.3).</summary>
/// <param name="IsProxy">A 407: the answer goes into Proxy-Authorization.</param>
/// <param name="Algorithm">As it was written; null: none was, which is MD5.</param>
/// <param name="HasQop">qop=auth is offered (RFC 7616 §3.3).</param>
/// <param name="IsStale">The credentials were right and the nonce too old.</param>
public sealed record DigestChallenge(bool IsProxy, string Realm, string Nonce, string? Opaque, string? Algorithm, bool HasQop, bool IsStale)
{
    private const string Scheme = "Digest";

    /// <summary>
    /// The challenges of a 401 or 407 that we can answer, in the server's order of preference (RFC 8760 §2.4: the topmost that is supported).
    /// Other schemes, other algorithms and malformed ones are passed over.
    /// </summary>
    public static ImmutableArray<DigestChallenge> Of(SipResponse response)
    {
        ArgumentNullException.ThrowIfNull(response);
        var isProxy = response.StatusCode == 407;
        var name = isProxy ? HeaderNames.ProxyAuthenticate : HeaderNames.WwwAuthenticate;
        return [.. response.Headers.All(name).Select(v => Read(v, isProxy)).OfType<DigestChallenge>().Where(c => DigestAnswer.Knows(c.Algorithm))];
    }

    private static DigestChallenge? Read(string text, bool isProxy)
    {
        var cursor = new SipCursor(text);
        if (!cursor.TryToken(out var scheme) || !scheme.Equals(Scheme, StringComparison.OrdinalIgnoreCase)) return null;
        cursor.SkipSpace();
        var parameters = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        do
        {
            if (!cursor.TryToken(out var name) || !cursor.Take('=')) return null;
            if (!TryValue(ref cursor, out var value) || !parameters.TryAdd(name.ToString(), value)) return null;
        }
        while (cursor.Take(','));
        if (!cursor.AtEnd() || !parameters.TryGetValue("realm", out var realm) || !parameters.TryGetValue("nonce", out var nonce)) return null;

        var qop = parameters.GetValueOrDefault("qop")?.Split(',', StringSplitOptions.TrimEntries) ?? [];
        var hasAuth = qop.Contains("auth", StringComparer.OrdinalIgnoreCase);
        // Only auth-int, which needs the body: not ours.
        if (qop.Length > 0 && !hasAuth) return null;
        return new DigestChallenge(
            isProxy, realm, nonce, parameters.GetValueOrDefault("opaque"), parameters.GetValueOrDefault("algorithm"), hasAuth,
            string.Equals(parameters.GetValueOrDefault("stale"), "true", StringComparison.OrdinalIgnoreCase));
    }

    private static bool TryValue(ref SipCursor cursor, out string value)
    {
        if (cursor.At('"')) return cursor.TryQuoted(out value);
        var read = cursor.TryToken(out var token);
        value = token.ToString();
        return read;
    }
}
