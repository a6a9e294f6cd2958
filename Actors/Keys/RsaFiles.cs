using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ConfCluster.Protocols.Mikey;
using ConfCluster.Protocols.Mikey.Certificates;

namespace ConfCluster.Actors.Keys;

/// <summary>Certificates and RSA keys for MIKEY in PEM files.</summary>
public static class RsaFiles
{
    private const UnixFileMode Others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;

    private const int MaxLength = 64 * 1024;

    /// <summary>Null, with a sentence. The caller owns the key.</summary>
    /// <param name="certificate">Our own first, then those that certify it.</param>
    /// <param name="key">For its owner's eyes only.</param>
    public static CertifiedKey? ReadKey(string certificate, string key, out string problem)
    {
        var chain = ReadCertificates(certificate, out problem);
        if (chain.IsEmpty || ReadRsa(key, out problem) is not { } rsa) return null;
        var read = CertifiedKey.Of(rsa, chain, out var wrong);
        problem = read is null ? $"{certificate} and {key}: {wrong}." : "";
        return read;
    }

    /// <summary>DER; empty with a sentence.</summary>
    public static ImmutableArray<Octets> ReadCertificates(string path, out string problem)
    {
        problem = "";
        var read = new X509Certificate2Collection();
        try
        {
            read.ImportFromPemFile(path);
            if (read.Count > 0) return [.. read.Select(c => Octets.CopyOf(c.RawData))];
            problem = $"{path} holds no certificate in PEM.";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
        {
            problem = $"The certificates in {path} cannot be read: {e.Message}";
        }
        finally
        {
            foreach (var certificate in read) certificate.Dispose();
        }

        return [];
    }

    private static RSA? ReadRsa(string path, out string problem)
    {
        problem = "";
        var text = new byte[MaxLength];
        var letters = new char[MaxLength];
        var rsa = RSA.Create();
        try
        {
            if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(path) & Others) != 0) problem = $"The key file {path} can be read by others; chmod 600 it.";
            else
            {
                using var stream = File.OpenRead(path);
                var length = System.Text.Encoding.ASCII.GetChars(text, 0, stream.ReadAtLeast(text, text.Length, throwOnEndOfStream: false), letters, 0);
                rsa.ImportFromPem(letters.AsSpan(0, length));
                return rsa;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException)
        {
            problem = $"The key file {path} cannot be read: {e.Message}";
        }
        finally
        {
            CryptographicOperations.ZeroMemory(text);
            CryptographicOperations.ZeroMemory(System.Runtime.InteropServices.MemoryMarshal.AsBytes(letters.AsSpan()));
        }

        rsa.Dispose();
        return null;
    }
}
