using System.Collections.Immutable;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using ConfCluster.Actors.Keys;

namespace ConfCluster.Actors.Nodes;

/// <summary>
/// A small certificate authority in a directory, for the nodes of one cluster and nothing else (ECDSA P-256, X.509 by RFC 5280 §4): its root, a certificate
/// and a key for each node, and the secret that all nodes share. Nothing that is there is overwritten; a directory that has a root gets further nodes from it.
/// </summary>
public sealed class ClusterAuthority(string directory, TimeProvider clock)
{
    public const string RootFile = "cluster-ca.pem";

    public const string RootKeyFile = "cluster-ca.key";

    public const string ClusterKeyFile = "cluster.key";

    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const int SerialLength = 16;

    private static readonly TimeSpan RootLife = TimeSpan.FromDays(3650);
    private static readonly TimeSpan NodeLife = TimeSpan.FromDays(825);

    /// <summary>Clocks of machines are not always equal.</summary>
    private static readonly TimeSpan Backdate = TimeSpan.FromDays(1);

    private static readonly Oid ServerAuthentication = new("1.3.6.1.5.5.7.3.1");
    private static readonly Oid ClientAuthentication = new("1.3.6.1.5.5.7.3.2");

    /// <summary>Whether a text may name a node: an address, or a host name (it becomes the name of a file).</summary>
    public static bool IsName(string text) =>
        text is not null && (IPAddress.TryParse(text, out _) || (Uri.CheckHostName(text) == UriHostNameType.Dns && text.Length <= 64));

    public string CertificateOf(string node) => Path.Combine(directory, $"{FileName(node)}.pem");

    public string KeyOf(string node) => Path.Combine(directory, $"{FileName(node)}.key");

    public string PathOf(string file) => Path.Combine(directory, file);

    /// <summary>Makes what is missing; the files that were made.</summary>
    /// <param name="renews">Nodes get another certificate and key in place of those that they have; a node that runs takes them for new connections.</param>
    /// <exception cref="IOException">A file cannot be written, or a node has one already.</exception>
    /// <exception cref="CryptographicException">The root that is there cannot be read.</exception>
    public ImmutableArray<string> Make(IReadOnlyCollection<string> nodes, bool renews = false)
    {
        ArgumentNullException.ThrowIfNull(nodes);
        if (!renews && nodes.SelectMany(n => new[] { CertificateOf(n), KeyOf(n) }).FirstOrDefault(File.Exists) is { } taken)
            throw new IOException($"{taken} is there already; nothing was made.");
        if (OperatingSystem.IsWindows()) Directory.CreateDirectory(directory);
        else Directory.CreateDirectory(directory, OwnerOnly | UnixFileMode.UserExecute);
        var made = ImmutableArray.CreateBuilder<string>();
        using var root = Root(made, mayMake: !renews);
        if (!File.Exists(PathOf(ClusterKeyFile))) MakeClusterKey(made);
        foreach (var node in nodes) Issue(root, node, made);
        return made.DrainToImmutable();
    }

    private X509Certificate2 Root(ImmutableArray<string>.Builder made, bool mayMake)
    {
        if (File.Exists(PathOf(RootFile))) return X509Certificate2.CreateFromPemFile(PathOf(RootFile), PathOf(RootKeyFile));
        if (!mayMake) throw new IOException($"{PathOf(RootFile)} is not there, so there is nothing to renew certificates with.");
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=confcluster nodes", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, true, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        var now = clock.GetUtcNow();
        var root = request.CreateSelfSigned(now - Backdate, now + RootLife);
        Write(RootKeyFile, key, made);
        Write(RootFile, PemEncoding.WriteUtf8("CERTIFICATE"u8, root.RawData), isSecret: false, made);
        return root;
    }

    private void Issue(X509Certificate2 root, string node, ImmutableArray<string>.Builder made)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={node}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([ServerAuthentication, ClientAuthentication], false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(root, includeKeyIdentifier: true, includeIssuerAndSerial: false));
        var names = new SubjectAlternativeNameBuilder();
        if (IPAddress.TryParse(node, out var address)) names.AddIpAddress(address);
        else names.AddDnsName(node);
        request.CertificateExtensions.Add(names.Build());
        var now = clock.GetUtcNow();
        var until = now + NodeLife;
        if (until > root.NotAfter) until = root.NotAfter;
        using var certificate = request.Create(root, now - Backdate, until, RandomNumberGenerator.GetBytes(SerialLength));
        Write(Path.GetFileName(KeyOf(node)), key, made);
        Write(Path.GetFileName(CertificateOf(node)), PemEncoding.WriteUtf8("CERTIFICATE"u8, certificate.RawData), isSecret: false, made);
    }

    private void MakeClusterKey(ImmutableArray<string>.Builder made)
    {
        using var key = ClusterKey.Open(null, out _)!;
        if (SecretFile.Write(PathOf(ClusterKeyFile), key, overwrite: false) is { } problem) throw new IOException(problem);
        made.Add(PathOf(ClusterKeyFile));
    }

    private void Write(string name, ECDsa key, ImmutableArray<string>.Builder made)
    {
        var der = key.ExportPkcs8PrivateKey();
        Write(name, PemEncoding.WriteUtf8("PRIVATE KEY"u8, der), isSecret: true, made);
        CryptographicOperations.ZeroMemory(der);
    }

    /// <summary>A file that was there goes as a whole; who reads it has the old one or the new one.</summary>
    private void Write(string name, byte[] content, bool isSecret, ImmutableArray<string>.Builder made)
    {
        var fresh = PathOf($"{name}.new");
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = isSecret ? OwnerOnly : OwnerOnly | UnixFileMode.GroupRead | UnixFileMode.OtherRead;
        using (var file = new FileStream(fresh, options)) file.Write(content);
        if (isSecret) CryptographicOperations.ZeroMemory(content);
        File.Move(fresh, PathOf(name), overwrite: true);
        made.Add(PathOf(name));
    }

    /// <summary>Colons of an IPv6 address are not for every file system.</summary>
    private static string FileName(string node) => new StringBuilder(node).Replace(':', '_').ToString();
}
