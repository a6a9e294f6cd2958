using System.Collections.Immutable;
using System.Net;

namespace ConfCluster.Protocols.Sip.Authentication;

/// <summary>
/// Who has to prove who it is, and how. There are phones that fail on a SHA-256 challenge even beside an MD5 one, so the algorithms may be
/// others for a User-Agent (RFC 8760 §2.4 lets the server choose).
/// </summary>
/// <param name="Algorithms">In the order of the challenges, the one we like best on top.</param>
public sealed record AuthenticationPolicy(bool IsRequired, string Realm, ImmutableArray<DigestAlgorithm> Algorithms)
{
    public static readonly AuthenticationPolicy Off = new(false, "confcluster", [DigestAlgorithm.Sha256]);

    public ImmutableArray<AgentAlgorithms> Agents { get; init; } = [];

    /// <summary>RFC 3325 §3: peers whose P-Asserted-Identity counts.</summary>
    public ImmutableArray<TrustedPeer> TrustedPeers { get; init; } = [];

    /// <summary>OPTIONS outside a dialog: monitors use it, and it tells nothing.</summary>
    public bool ChallengesOptions { get; init; }

    public TimeSpan NonceLifetime { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Nonces in use whose counts are kept.</summary>
    public int MaxNonces { get; init; } = 100_000;

    public ImmutableArray<DigestAlgorithm> AlgorithmsFor(string? userAgent) =>
        Agents.FirstOrDefault(a => a.Matches(userAgent ?? ""))?.Algorithms ?? Algorithms;
}

/// <summary>The algorithms for phones whose User-Agent begins with a text, without regard to case: <c>Acme Phone/1 = MD5</c>.</summary>
public sealed record AgentAlgorithms(string Prefix, ImmutableArray<DigestAlgorithm> Algorithms)
{
    public static bool TryRead(string text, out AgentAlgorithms? read)
    {
        ArgumentNullException.ThrowIfNull(text);
        read = null;
        var equals = text.LastIndexOf('=');
        if (equals <= 0) return false;
        var names = text[(equals + 1)..].Split([' ', ','], StringSplitOptions.RemoveEmptyEntries);
        var algorithms = names.Select(DigestAlgorithm.Find).ToList();
        var prefix = text[..equals].Trim();
        if (prefix.Length == 0 || algorithms.Count == 0 || algorithms.Contains(null) || algorithms.Distinct().Count() != algorithms.Count) return false;
        read = new AgentAlgorithms(prefix, [.. algorithms.Select(a => a!)]);
        return true;
    }

    public bool Matches(string userAgent) => userAgent.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase);
}

/// <summary>A network, or a name that the peer's certificate proves.</summary>
public sealed record TrustedPeer(IPNetwork? Network, string? Name)
{
    public static bool TryRead(string text, out TrustedPeer? peer)
    {
        ArgumentNullException.ThrowIfNull(text);
        peer = IPNetwork.TryParse(text, out var network) ? new TrustedPeer(network, null)
            : IPAddress.TryParse(text, out var address) ? new TrustedPeer(new IPNetwork(address, 8 * address.GetAddressBytes().Length), null)
            : text.Length > 0 && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-') ? new TrustedPeer(null, text)
            : null;
        return peer is not null;
    }

    public bool Is(IPAddress address, TlsPeer? peer)
    {
        ArgumentNullException.ThrowIfNull(address);
        if (Network is { } network) return network.Contains(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address);
        return peer is not null && peer.DnsNames.Contains(Name!, StringComparer.OrdinalIgnoreCase);
    }
}
