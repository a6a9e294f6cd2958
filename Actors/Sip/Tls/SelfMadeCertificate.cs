using System.Collections.Immutable;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ConfCluster.Actors.Settings;
using ConfCluster.Protocols.Sip.Authentication;

namespace ConfCluster.Actors.Sip.Tls;

/// <summary>
/// The certificate of a node that was given none: self-signed, ECDSA P-256, for localhost, the loopback and the listening address and the
/// advertised host. Kept over restarts, made anew 30 days before it expires or when a name is missing. The key's file is the owner's alone.
/// </summary>
internal sealed class SelfMadeCertificate(string directory, IPAddress listen, ImmutableArray<string> more)
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private static readonly TimeSpan Life = TimeSpan.FromDays(397);
    private static readonly TimeSpan RenewBefore = TimeSpan.FromDays(30);

    /// <summary>Clocks of phones are not always right.</summary>
    private static readonly TimeSpan Backdate = TimeSpan.FromDays(1);

    private static readonly Oid ServerAuthentication = new("1.3.6.1.5.5.7.3.1");
    private static readonly Oid ClientAuthentication = new("1.3.6.1.5.5.7.3.2");

    public CertificateFiles Files { get; } = new(Path.Combine(directory, "certificate.pem"), Path.Combine(directory, "key.pem"), null);

    /// <summary>Makes it if there is none that will do; false when it cannot be written.</summary>
    public bool TryKeep(DateTimeOffset now, out string problem)
    {
        problem = "";
        if (CertificateLoader.TryLoad([Files], null, out var material, out _) && IsGood(material!.Certificates[0], now)) return true;
        try
        {
            Make(now);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            problem = $"{directory}: {e.Message}";
            return false;
        }
    }

    private bool IsGood(ServerCertificate certificate, DateTimeOffset now) =>
        certificate.NotAfter - now > RenewBefore && Hosts().All(h => Holds(certificate.Names, h));

    private static bool Holds(CertificateNames names, string host) =>
        DomainIdentity.Authenticates(names, host) || names.DnsNames.Contains(host, StringComparer.OrdinalIgnoreCase);

    private IEnumerable<string> Hosts()
    {
        List<string> hosts = ["localhost", "127.0.0.1"];
        if (!listen.Equals(IPAddress.Any) && !listen.Equals(IPAddress.IPv6Any)) hosts.Add(listen.ToString());
        hosts.AddRange(more.Select(m => m.Trim('[', ']')));
        return hosts.Distinct(StringComparer.OrdinalIgnoreCase);
    }

    private void Make(DateTimeOffset now)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=confcluster", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        // No keyUsage: without keyCertSign, OpenSSL would not take it as a root, and a phone that pins it does just that.
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([ServerAuthentication, ClientAuthentication], false));
        var names = new SubjectAlternativeNameBuilder();
        foreach (var host in Hosts())
        {
            if (IPAddress.TryParse(host, out var address)) names.AddIpAddress(address);
            else names.AddDnsName(host);
        }

        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.CreateSelfSigned(now - Backdate, now + Life);
        Directory.CreateDirectory(directory);
        // The key first: a certificate with the key of another is found out when it is loaded, and both are made anew.
        Span<byte> der = key.ExportPkcs8PrivateKey();
        var pem = PemEncoding.WriteUtf8("PRIVATE KEY"u8, der);
        CryptographicOperations.ZeroMemory(der);
        Replace(Files.Key!, pem, OwnerOnly);
        CryptographicOperations.ZeroMemory(pem);
        Replace(Files.Certificate, PemEncoding.WriteUtf8("CERTIFICATE"u8, certificate.RawData), OwnerOnly | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
    }

    private static void Replace(string path, ReadOnlySpan<byte> content, UnixFileMode mode)
    {
        var fresh = path + ".new";
        File.Delete(fresh);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = mode;
        using (var file = new FileStream(fresh, options)) file.Write(content);
        File.Move(fresh, path, overwrite: true);
    }
}
