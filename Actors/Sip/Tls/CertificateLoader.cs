using System.Collections.Immutable;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using ConfCluster.Actors.Settings;
using ConfCluster.Protocols.Sip.Authentication;

namespace ConfCluster.Actors.Sip.Tls;

/// <summary>A certificate of ours with its chain, ready for handshakes, and the names in it.</summary>
internal sealed class ServerCertificate(SslStreamCertificateContext context, CertificateNames names, DateTimeOffset notAfter)
{
    public SslStreamCertificateContext Context => context;

    public CertificateNames Names => names;

    public DateTimeOffset NotAfter => notAfter;
}

/// <summary>All that handshakes are made with; replaced as a whole when a file has changed.</summary>
/// <param name="trust">Roots for peers' certificates; null: those of the system.</param>
internal sealed class TlsMaterial(ImmutableArray<ServerCertificate> certificates, X509Certificate2Collection? trust)
{
    public ImmutableArray<ServerCertificate> Certificates => certificates;

    public X509Certificate2Collection? Trust => trust;

    /// <summary>RFC 6066 §3: the certificate for the name that the client asked for; the first for a name that none has.</summary>
    public SslStreamCertificateContext ChooseFor(string serverName) =>
        (Certificates.FirstOrDefault(c => c.Names.DnsNames.Contains(serverName, StringComparer.OrdinalIgnoreCase)
            || DomainIdentity.Authenticates(c.Names, serverName)) ?? Certificates[0]).Context;
}

/// <summary>Reads certificate files: PEM (chain, and key in the same or another file) or PKCS #12. Keys and passwords never become strings.</summary>
internal static class CertificateLoader
{
    private const string SubjectAltName = "2.5.29.17";

    /// <summary>False, with a sentence, when a file is missing or wrong.</summary>
    public static bool TryLoad(ImmutableArray<CertificateFiles> files, string? trust, out TlsMaterial? material, out string problem)
    {
        (material, problem) = (null, "");
        var path = "";
        try
        {
            var certificates = ImmutableArray.CreateBuilder<ServerCertificate>(files.Length);
            foreach (var file in files)
            {
                path = file.Certificate;
                certificates.Add(Load(file));
            }

            path = trust ?? "";
            material = new TlsMaterial(certificates.DrainToImmutable(), trust is null ? null : LoadTrust(trust));
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException)
        {
            problem = $"{path}: {e.Message}";
            return false;
        }
    }

    public static CertificateNames NamesOf(X509Certificate2 certificate)
    {
        var extension = certificate.Extensions.FirstOrDefault(e => e.Oid?.Value == SubjectAltName);
        return extension is not null && CertificateNames.TryRead(extension.RawData, out var names) ? names : CertificateNames.None;
    }

    private static ServerCertificate Load(CertificateFiles files)
    {
        var password = files.Password is null ? [] : ReadPassword(files.Password);
        try
        {
            var chain = new X509Certificate2Collection();
            var certificate = IsPem(files.Certificate) ? FromPem(files, password, chain) : FromPkcs12(files, password, chain);
            // Offline: no certificate of ours makes the node fetch something from elsewhere.
            var context = SslStreamCertificateContext.Create(certificate, chain, offline: true);
            return new ServerCertificate(context, NamesOf(certificate), certificate.NotAfter);
        }
        finally
        {
            Array.Clear(password);
        }
    }

    private static X509Certificate2 FromPem(CertificateFiles files, char[] password, X509Certificate2Collection chain)
    {
        chain.ImportFromPemFile(files.Certificate);
        return files.Password is null
            ? X509Certificate2.CreateFromPemFile(files.Certificate, files.Key ?? files.Certificate)
            : X509Certificate2.CreateFromEncryptedPemFile(files.Certificate, password, files.Key ?? files.Certificate);
    }

    private static X509Certificate2 FromPkcs12(CertificateFiles files, char[] password, X509Certificate2Collection chain)
    {
        chain.AddRange(X509CertificateLoader.LoadPkcs12CollectionFromFile(files.Certificate, password.AsSpan()));
        return chain.FirstOrDefault(c => c.HasPrivateKey) ?? throw new CryptographicException("no certificate in it has a private key");
    }

    private static X509Certificate2Collection LoadTrust(string path)
    {
        var trust = new X509Certificate2Collection();
        trust.ImportFromPemFile(path);
        return trust.Count > 0 ? trust : throw new CryptographicException("no certificate is in it");
    }

    private static bool IsPem(string path)
    {
        Span<byte> start = stackalloc byte[4096];
        using var file = File.OpenRead(path);
        return start[..file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false)].IndexOf("-----BEGIN "u8) >= 0;
    }

    /// <summary>The first line.</summary>
    private static char[] ReadPassword(string path)
    {
        var bytes = File.ReadAllBytes(path);
        try
        {
            var line = bytes.AsSpan();
            if (line.IndexOfAny((byte)'\r', (byte)'\n') is >= 0 and var end) line = line[..end];
            var password = new char[Encoding.UTF8.GetCharCount(line)];
            Encoding.UTF8.GetChars(line, password);
            return password;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(bytes);
        }
    }
}
