using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ConfCluster.Protocols.Mikey;
using ConfCluster.Protocols.Mikey.Certificates;

namespace ConfCluster.Protocols.Tests.Mikey;

/// <summary>A root and the certificates that it gives.</summary>
internal sealed class Authority : IDisposable
{
    public static readonly DateTimeOffset From = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    public static readonly DateTimeOffset Until = new(2027, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private readonly RSA _key = RSA.Create(2048);
    private readonly X509Certificate2 _root;
    private byte _serial;

    public Authority(string name = "CN=root")
    {
        var request = new CertificateRequest(name, _key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        _root = request.CreateSelfSigned(From.AddYears(-1), Until.AddYears(5));
    }

    public Octets Root => Octets.CopyOf(_root.RawData);

    public CertificateTrust Trust => new([Root]);

    /// <param name="uri">In subjectAltName; null: none.</param>
    public CertifiedKey Issue(
        string? uri, X509KeyUsageFlags usage = X509KeyUsageFlags.DigitalSignature | X509KeyUsageFlags.KeyEncipherment, DateTimeOffset? until = null)
    {
        var own = RSA.Create(2048);
        var chain = Certificate(uri, own, usage, until);
        return CertifiedKey.Of(own, [chain, Root], out var problem) ?? throw new InvalidOperationException(problem);
    }

    private Octets Certificate(string? uri, RSA own, X509KeyUsageFlags usage, DateTimeOffset? until)
    {
        var request = new CertificateRequest("CN=user", own, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(usage, true));
        if (uri is not null)
        {
            var names = new SubjectAlternativeNameBuilder();
            names.AddDnsName("example.com");
            names.AddUri(new Uri(uri));
            request.CertificateExtensions.Add(names.Build());
        }

        using var certificate = request.Create(_root, From, until ?? Until, [++_serial, 7]);
        return Octets.CopyOf(certificate.RawData);
    }

    public void Dispose()
    {
        _root.Dispose();
        _key.Dispose();
    }
}
