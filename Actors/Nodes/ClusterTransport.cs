using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Akka.Event;
using Akka.Remote.Transport.DotNetty;
using ConfCluster.Actors.Settings;
using ConfCluster.Actors.Sip.Tls;

namespace ConfCluster.Actors.Nodes;

/// <summary>
/// Mutual TLS between nodes: who has a certificate of the cluster's own root, good for clients and servers alike, is a node, and nobody else is. TLS 1.2
/// with ECDHE is what the engine's transport offers.
/// </summary>
public static class ClusterTransport
{
    private static readonly Oid ServerAuthentication = new("1.3.6.1.5.5.7.3.1");
    private static readonly Oid ClientAuthentication = new("1.3.6.1.5.5.7.3.2");

    /// <summary>Null, with a sentence, when a file is missing or wrong, or our own certificate would be refused by the others.</summary>
    public static DotNettySslSetup? Setup(ClusterTls tls, out string problem)
    {
        ArgumentNullException.ThrowIfNull(tls);
        if (!CertificateLoader.TryLoad([tls.Certificate], tls.Trust, out var material, out problem)) return null;
        var roots = material!.Trust!;
        var own = material.Certificates[0].Context.TargetCertificate;
        if (Refusal(own, roots) is { } refusal)
        {
            problem = $"The other nodes would refuse {tls.Certificate.Certificate}: {refusal}.";
            return null;
        }

        return new DotNettySslSetup(
            own, suppressValidation: false, requireMutualAuthentication: true, validateCertificateHostname: false,
            customValidator: (certificate, _, peer, _, log) => Accepts(certificate, roots, peer, log));
    }

    /// <summary>Why a certificate is no node's; null: it is one's. The verdict of the platform does not count: it knows other roots and no purpose.</summary>
    public static string? Refusal(X509Certificate2 certificate, X509Certificate2Collection roots)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(roots);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.ApplicationPolicy.Add(ServerAuthentication);
        chain.ChainPolicy.ApplicationPolicy.Add(ClientAuthentication);
        if (chain.Build(certificate)) return HasPurpose(certificate) ? null : "it is not made for clients and servers (extended key usage)";
        return string.Join(", ", chain.ChainStatus.Select(s => s.Status switch
        {
            X509ChainStatusFlags.UntrustedRoot or X509ChainStatusFlags.PartialChain => "it does not lead to a root of the cluster",
            X509ChainStatusFlags.NotTimeValid => "it is not valid now",
            X509ChainStatusFlags.NotValidForUsage => "it is not made for clients and servers (extended key usage)",
            var other => other.ToString(),
        }).Distinct());
    }

    private static bool Accepts(X509Certificate2? certificate, X509Certificate2Collection roots, string peer, ILoggingAdapter log)
    {
        var refusal = certificate is null ? "it shows no certificate" : Refusal(certificate, roots);
        if (refusal is null) return true;
        log.Warning("{0} is no node of this cluster: {1}", peer, refusal);
        return false;
    }

    /// <summary>A certificate without the extension is good for everything, which is not what the cluster's root signs.</summary>
    private static bool HasPurpose(X509Certificate2 certificate) => certificate.Extensions.OfType<X509EnhancedKeyUsageExtension>().Any(e =>
        e.EnhancedKeyUsages.Cast<Oid>().Select(o => o.Value).Order(StringComparer.Ordinal).SequenceEqual(
            [ServerAuthentication.Value, ClientAuthentication.Value], StringComparer.Ordinal));
}
