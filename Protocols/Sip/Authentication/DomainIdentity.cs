using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Parsing;

namespace ConfCluster.Protocols.Sip.Authentication;

/// <summary>
/// Which SIP domains a certificate stands for (RFC 5922 §7.1) and whether a host is one of them (RFC 5922 §7.2, §7.3): whole names without
/// case, no suffixes, no wildcards. A host that is an address is compared with the certificate's addresses: the RFC speaks of
/// domains only, and a phone in a small network is called by its number.
/// </summary>
public static class DomainIdentity
{
    private static readonly IdnMapping Idn = new() { UseStd3AsciiRules = true };

    /// <summary>The hosts of sip: URIs without a user part; only if there is none, the DNS names.</summary>
    public static ImmutableArray<string> Of(ImmutableArray<string> uris, ImmutableArray<string> dnsNames)
    {
        var domains = ImmutableArray.CreateBuilder<string>();
        foreach (var text in uris)
        {
            if (SipReader.TryReadUri(text, out var uri) && uri is { IsSip: true, IsSecure: false, User: null }) domains.Add(uri.Host);
        }

        return domains.Count > 0 ? domains.ToImmutable() : dnsNames;
    }

    /// <summary>RFC 5922 §7.3: whether the certificate authenticates the host that was looked up (the "AUS" of RFC 3263).</summary>
    public static bool Authenticates(CertificateNames names, string host)
    {
        ArgumentNullException.ThrowIfNull(names);
        ArgumentNullException.ThrowIfNull(host);
        if (IPAddress.TryParse(host, out var address)) return names.Addresses.Contains(address);
        var wanted = Canonical(host);
        return wanted.Length > 0 && Of(names.Uris, names.DnsNames).Any(domain => Canonical(domain) == wanted);
    }

    /// <summary>
    /// The name that the next hop of a message must prove: the host of the first route or of the Request-URI (RFC 3261 §8.1.2, RFC 5922 §4),
    /// and of the Via for a response that needs a connection anew (RFC 3261 §18.2.2).
    /// </summary>
    public static string OfNextHop(SipMessage message) => message switch
    {
        SipRequest { Headers.Routes: [{ Uri: { IsSip: true, IsLooseRouter: true } route }, ..] } => route.Host,
        SipRequest request => request.RequestUri.Host,
        _ => message?.Headers.TopVia?.Host ?? "",
    };

    /// <summary>RFC 5280 §7.2: names of other scripts are compared in their ASCII form; empty when it is no name at all.</summary>
    private static string Canonical(string domain)
    {
        var name = domain.EndsWith('.') ? domain[..^1] : domain;
        if (Ascii(name)) return name.ToLowerInvariant();
        try
        {
            return Idn.GetAscii(name).ToLowerInvariant();
        }
        catch (ArgumentException)
        {
            return "";
        }
    }

    private static bool Ascii(string name) => name.All(char.IsAscii);
}
