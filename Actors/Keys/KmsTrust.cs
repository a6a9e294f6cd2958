using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using ConfCluster.Actors.Sip.Tls;

namespace ConfCluster.Actors.Keys;

/// <summary>What a user of a KMS believes over HTTPS: a certificate that leads to these roots and has the host of the URL as a whole name (RFC 5922 §7.2).</summary>
public sealed class KmsTrust
{
    /// <summary>The roots of the system.</summary>
    public static readonly KmsTrust OfSystem = new(null);

    private readonly X509Certificate2Collection? _roots;

    private KmsTrust(X509Certificate2Collection? roots) => _roots = roots;

    /// <summary>Null, with a sentence.</summary>
    /// <param name="file">PEM; null or empty: the roots of the system.</param>
    public static KmsTrust? Read(string? file, out string problem)
    {
        problem = "";
        if (string.IsNullOrEmpty(file)) return OfSystem;
        if (CertificateLoader.TryLoad([], file, out var material, out var why)) return new KmsTrust(material!.Trust);
        problem = $"The roots for the KMS cannot be read: {why}";
        return null;
    }

    /// <param name="refused">Told why a certificate is not believed.</param>
    internal SslClientAuthenticationOptions OptionsFor(string host, Action<HandshakeFailure> refused)
    {
        var policy = new X509ChainPolicy { RevocationMode = X509RevocationMode.NoCheck };
        if (_roots is not null)
        {
            policy.TrustMode = X509ChainTrustMode.CustomRootTrust;
            policy.CustomTrustStore.AddRange(_roots);
        }

        return new SslClientAuthenticationOptions
        {
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
            CertificateChainPolicy = policy,
            RemoteCertificateValidationCallback = (_, certificate, _, errors) =>
            {
                var verdict = new PeerVerdict();
                if (verdict.OfServer(certificate, errors, host, verify: true)) return true;
                refused(verdict.Failure!.Value);
                return false;
            },
        };
    }
}
