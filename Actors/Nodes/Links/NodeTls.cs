using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ConfCluster.Actors.Keys;
using ConfCluster.Actors.Settings;
using ConfCluster.Actors.Sip.Tls;

namespace ConfCluster.Actors.Nodes.Links;

/// <summary>
/// Mutual TLS between nodes: who has a certificate of the cluster's own root, good for clients and servers alike, is a node, and nobody else is. TLS 1.2 or 1.3.
/// The files are looked at again at an interval: new ones count for new connections, so certificates are exchanged without a restart.
/// </summary>
public sealed class NodeTls : IDisposable
{
    private const SslProtocols Versions = SslProtocols.Tls12 | SslProtocols.Tls13;
    private static readonly Oid ServerAuthentication = new("1.3.6.1.5.5.7.3.1");
    private static readonly Oid ClientAuthentication = new("1.3.6.1.5.5.7.3.2");
    private readonly TlsCertificates _files;
    private readonly Action<string> _warn;
    private TlsMaterial _current;
    private TlsMaterial? _refused;

    private NodeTls(TlsCertificates files, Action<string> warn) => (_files, _current, _warn) = (files, files.Current, warn);

    /// <summary>Null, with a sentence, when a file is missing or wrong, or our own certificate would be refused by the others.</summary>
    /// <param name="warn">Hears of files that were exchanged and cannot be used; the ones before stay.</param>
    public static NodeTls? Open(ClusterTls tls, TimeProvider clock, Action<string> warn, out string problem)
    {
        ArgumentNullException.ThrowIfNull(tls);
        var settings = new TlsSettings(
            new IPEndPoint(IPAddress.Any, 0), [tls.Certificate], "", ClientCertificates.Require, tls.Trust, VerifyServer: true, TimeSpan.Zero, tls.ReloadInterval);
        var files = TlsCertificates.Open(settings, [], clock, warn, out problem);
        if (files is null) return null;
        if (SecretFile.Openness(tls.Certificate.Key ?? tls.Certificate.Certificate) is { } open)
        {
            problem = open;
            files.Dispose();
            return null;
        }

        if (RefusalOf(files.Current) is not { } refusal) return new NodeTls(files, warn);
        problem = $"The other nodes would refuse {tls.Certificate.Certificate}: {refusal}.";
        files.Dispose();
        return null;
    }

    /// <summary>Why a certificate is no node's; null: it is one's. The verdict of the platform does not count: it knows other roots and no purpose.</summary>
    /// <param name="between">Certificates that may stand between it and a root, as they were sent with it.</param>
    public static string? Refusal(X509Certificate2 certificate, X509Certificate2Collection roots, X509Certificate2Collection? between = null)
    {
        using var chain = new X509Chain { ChainPolicy = Policy(roots) };
        chain.ChainPolicy.ApplicationPolicy.Add(ServerAuthentication);
        chain.ChainPolicy.ApplicationPolicy.Add(ClientAuthentication);
        if (between is not null) chain.ChainPolicy.ExtraStore.AddRange(between);
        if (chain.Build(certificate)) return HasPurpose(certificate) ? null : "it is not made for clients and servers (extended key usage)";
        return string.Join(", ", chain.ChainStatus.Select(s => s.Status switch
        {
            X509ChainStatusFlags.UntrustedRoot or X509ChainStatusFlags.PartialChain => "it does not lead to a root of the cluster",
            X509ChainStatusFlags.NotTimeValid => "it is not valid now",
            X509ChainStatusFlags.NotValidForUsage => "it is not made for clients and servers (extended key usage)",
            var other => other.ToString(),
        }).Distinct());
    }

    public void Dispose() => _files.Dispose();

    /// <summary>For one handshake with a node that calls.</summary>
    /// <param name="refused">Is told why, when its certificate is no node's.</param>
    internal SslServerAuthenticationOptions ForCaller(Action<string> refused)
    {
        var current = Current();
        return new SslServerAuthenticationOptions
        {
            EnabledSslProtocols = Versions,
            ServerCertificateContext = current.Certificates[0].Context,
            ClientCertificateRequired = true,
            CertificateChainPolicy = Policy(current.Trust!),
            AllowRenegotiation = false,
            // A resumed session would stand on a verification under roots that may have changed since.
            AllowTlsResume = false,
            RemoteCertificateValidationCallback = (_, certificate, chain, _) => Accepts(certificate, chain, current, refused),
        };
    }

    /// <summary>For one handshake with a node that is called. Its name does not count: whoever has a node's certificate is one.</summary>
    /// <param name="refused">Is told why, when its certificate is no node's.</param>
    internal SslClientAuthenticationOptions ForCalled(Action<string> refused)
    {
        var current = Current();
        return new SslClientAuthenticationOptions
        {
            TargetHost = "",
            EnabledSslProtocols = Versions,
            ClientCertificateContext = current.Certificates[0].Context,
            CertificateChainPolicy = Policy(current.Trust!),
            AllowRenegotiation = false,
            AllowTlsResume = false,
            RemoteCertificateValidationCallback = (_, certificate, chain, _) => Accepts(certificate, chain, current, refused),
        };
    }

    private TlsMaterial Current()
    {
        var read = _files.Current;
        if (ReferenceEquals(read, _current) || ReferenceEquals(read, _refused)) return _current;
        if (RefusalOf(read) is not { } refusal) return _current = read;
        _refused = read;
        _warn($"The new certificate of this node is not used, the old one stays; the other nodes would refuse it: {refusal}.");
        return _current;
    }

    private static string? RefusalOf(TlsMaterial material)
    {
        var own = material.Certificates[0].Context;
        return Refusal(own.TargetCertificate, material.Trust!, [.. own.IntermediateCertificates]);
    }

    private static bool Accepts(X509Certificate? certificate, X509Chain? sent, TlsMaterial current, Action<string> refused)
    {
        var refusal = certificate is X509Certificate2 shown ? Refusal(shown, current.Trust!, sent?.ChainPolicy.ExtraStore) : "it shows no certificate";
        if (refusal is null) return true;
        refused(refusal);
        return false;
    }

    /// <summary>Nothing is fetched: a certificate may name addresses (RFC 5280 §4.2.2.1), and whoever shows it need not be a node.</summary>
    private static X509ChainPolicy Policy(X509Certificate2Collection roots)
    {
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
            DisableCertificateDownloads = true,
        };
        policy.CustomTrustStore.AddRange(roots);
        return policy;
    }

    /// <summary>A certificate without the extension is good for everything, which is not what the cluster's root signs.</summary>
    private static bool HasPurpose(X509Certificate2 certificate) => certificate.Extensions.OfType<X509EnhancedKeyUsageExtension>().Any(e =>
        e.EnhancedKeyUsages.Cast<Oid>().Select(o => o.Value).Order(StringComparer.Ordinal).SequenceEqual(
            [ServerAuthentication.Value, ClientAuthentication.Value], StringComparer.Ordinal));
}
