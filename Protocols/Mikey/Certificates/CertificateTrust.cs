using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace ConfCluster.Protocols.Mikey.Certificates;

/// <summary>
/// Whose certificates are believed (RFC 3830 §4.3.2, "Trusted root"): those that lead to one of these roots. Left out: revocation lists, since whoever may
/// not be served any more is struck off the KMS's own list.
/// </summary>
/// <param name="roots">DER.</param>
public sealed class CertificateTrust(ImmutableArray<Octets> roots)
{
    private const int MaxChain = 8;

    /// <summary>
    /// The key of the first certificate of <paramref name="chain"/>. Null: no chain to a root at that time, another name, or not a key for signatures.
    /// The name is a URI in subjectAltName, as it is written.
    /// </summary>
    /// <param name="chain">As CERT payloads have it: DER, each certified by the next.</param>
    public PublicRsa? KeyOf(ImmutableArray<Octets> chain, Identity name, DateTimeOffset now)
    {
        if (chain.Length is 0 or > MaxChain || name.Type != IdentityType.Uri) return null;
        var read = new List<X509Certificate2>();
        try
        {
            foreach (var octets in chain) read.Add(X509CertificateLoader.LoadCertificate(octets.Span));
            var known = read.Count;
            foreach (var octets in roots) read.Add(X509CertificateLoader.LoadCertificate(octets.Span));
            return IsTrusted(read[0], read[1..known], read[known..], now) && PublicRsa.UrisOf(read[0]).Contains(name.ToString(), StringComparer.Ordinal) && Signs(read[0])
                ? PublicRsa.Of(chain[0])
                : null;
        }
        catch (CryptographicException)
        {
            return null;
        }
        finally
        {
            foreach (var certificate in read) certificate.Dispose();
        }
    }

    private static bool IsTrusted(X509Certificate2 certificate, List<X509Certificate2> more, List<X509Certificate2> trusted, DateTimeOffset now)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(trusted.ToArray());
        chain.ChainPolicy.ExtraStore.AddRange(more.ToArray());
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.VerificationTime = now.UtcDateTime;
        var isTrusted = chain.Build(certificate);
        foreach (var element in chain.ChainElements) element.Certificate.Dispose();
        return isTrusted;
    }

    private static bool Signs(X509Certificate2 certificate) =>
        certificate.Extensions.OfType<X509KeyUsageExtension>().FirstOrDefault() is not { } usage || usage.KeyUsages.HasFlag(X509KeyUsageFlags.DigitalSignature);
}
