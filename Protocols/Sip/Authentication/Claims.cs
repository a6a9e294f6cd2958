using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Parsing;

namespace ConfCluster.Protocols.Sip.Authentication;

/// <summary>What a request and its connection say about the caller, other than by digest.</summary>
internal static class Claims
{
    private const string PrivacyHeader = "Privacy";

    /// <summary>RFC 5922 §7.1: the SIP URI of the certificate, else its DNS name; the subject is only the operator's last resort.</summary>
    public static string OfCertificate(TlsPeer peer) =>
        peer.Uris.FirstOrDefault(u => u.StartsWith("sip:", StringComparison.OrdinalIgnoreCase)) ?? peer.DnsNames.FirstOrDefault() ?? peer.Subject;

    /// <summary>RFC 3325 §9.1: one value, or a SIP and a tel URI, of which the SIP URI counts. Null: none that can be read.</summary>
    public static string? Asserted(SipRequest request)
    {
        var list = default(FewOrMany<NameAddr>);
        foreach (var line in request.Headers.All(HeaderNames.PAssertedIdentity))
            if (ValueReader.Addresses(line, bare: true, ref list) is not null)
                return null;
        var values = list.ToImmutable();
        return values.Length is 0 or > 2 ? null : Plain((values.FirstOrDefault(v => v.Uri.IsSip) ?? values[0]).Uri);
    }

    public static string From(SipRequest request) => Plain(request.Headers.From.Uri);

    /// <summary>RFC 3323 §4.2, RFC 3325 §9.3: "id" and "user" ask not to be named to others.</summary>
    public static bool IsPrivate(SipRequest request) => request.Headers.All(PrivacyHeader)
        .SelectMany(v => v.Split([';', ','], StringSplitOptions.TrimEntries))
        .Any(p => p.Equals("id", StringComparison.OrdinalIgnoreCase) || p.Equals("user", StringComparison.OrdinalIgnoreCase));

    private static string Plain(SipUri uri) => (uri with { Password = null, Parameters = SipParameters.Empty, Headers = [] }).ToString();
}
