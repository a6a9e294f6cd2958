using System.Net;

namespace ConfCluster.Protocols.Sip.Messages;

/// <summary>
/// URI comparison (RFC 3261 §19.1.4). Less than the clause asks: parts are held unescaped, so an escaped reserved character equals the
/// plain one. URIs of other schemes are compared as text (scheme without case).
/// </summary>
internal static class SipUriComparison
{
    /// <summary>Parameters that must be in both URIs or in none; every other one counts only when both have it.</summary>
    private static readonly string[] Decisive = ["transport", "user", "ttl", "method", "maddr"];

    public static bool AreEquivalent(SipUri a, SipUri b)
    {
        if (!SameText(a.Scheme, b.Scheme)) return false;
        if (!a.IsSip || !b.IsSip) return a.Opaque == b.Opaque;

        // User and password are compared with case; a missing port or user is not the default one.
        return a.User == b.User && a.Password == b.Password && a.Port == b.Port && SameHost(a.Host, b.Host)
            && SameParameters(a.Parameters, b.Parameters) && HasHeadersOf(a, b) && HasHeadersOf(b, a);
    }

    private static bool SameHost(string a, string b) =>
        SameText(a, b) || a.StartsWith('[') && b.StartsWith('[')
        && IPAddress.TryParse(a, out var left) && IPAddress.TryParse(b, out var right)
        && left.Equals(right);

    private static bool SameParameters(SipParameters a, SipParameters b)
    {
        foreach (var name in Decisive)
            if (a.Has(name) != b.Has(name))
                return false;
        foreach (var item in a.Items)
            if (b.Has(item.Key) && !SameText(item.Value, b[item.Key]))
                return false;
        return true;
    }

    /// <summary>Headers are never ignored; their order is. A name that occurs twice must occur twice.</summary>
    private static bool HasHeadersOf(SipUri a, SipUri b)
    {
        foreach (var header in b.Headers)
            if (Count(a, header) != Count(b, header))
                return false;
        return true;
    }

    private static int Count(SipUri uri, KeyValuePair<string, string> header)
    {
        var count = 0;
        foreach (var other in uri.Headers)
            if (SameText(other.Key, header.Key) && other.Value == header.Value)
                count++;
        return count;
    }

    private static bool SameText(string? a, string? b) => string.Equals(a, b, StringComparison.OrdinalIgnoreCase);
}
