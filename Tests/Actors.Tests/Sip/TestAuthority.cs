using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace ConfCluster.Actors.Tests.Sip;

/// <summary>A certificate authority that lives for one test.</summary>
internal sealed class TestAuthority : IDisposable
{
    private static readonly DateTimeOffset From = new(1990, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly X509Certificate2 _root;
    private byte _serial;

    public TestAuthority(string name)
    {
        var request = new CertificateRequest($"CN={name}", _key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        _root = request.CreateSelfSigned(From, From.AddYears(100));
    }

    public string Pem => _root.ExportCertificatePem();

    public X509Certificate2Collection Roots => [_root];

    /// <param name="years">Until when it is good, from 1990 on.</param>
    /// <param name="issuerAt">Where the certificate says that its issuer's is to be had.</param>
    public X509Certificate2 Issue(string subject, string[] dns, string[]? uris = null, int years = 99, string? issuerAt = null)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={subject}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        foreach (var name in dns)
        {
            if (IPAddress.TryParse(name, out var address)) names.AddIpAddress(address);
            else names.AddDnsName(name);
        }

        foreach (var uri in uris ?? []) names.AddUri(new Uri(uri));
        request.CertificateExtensions.Add(names.Build());
        if (issuerAt is not null) request.CertificateExtensions.Add(new X509AuthorityInformationAccessExtension(null, [issuerAt]));
        using var certificate = request.Create(_root, From, From.AddYears(years), [++_serial]);
        using var whole = certificate.CopyWithPrivateKey(key);
        // Only a key that came out of a file is taken by the handshake on every platform.
        return X509CertificateLoader.LoadPkcs12(whole.Export(X509ContentType.Pfx), null);
    }

    /// <summary>Certificate and key in one PEM file.</summary>
    public static string PemOf(X509Certificate2 certificate)
    {
        using var key = certificate.GetECDsaPrivateKey()!;
        return certificate.ExportCertificatePem() + "\n" + key.ExportPkcs8PrivateKeyPem() + "\n";
    }

    public void Dispose()
    {
        _key.Dispose();
        _root.Dispose();
    }
}
