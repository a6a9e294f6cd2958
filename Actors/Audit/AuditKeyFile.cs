using System.Security.Cryptography;
using ConfCluster.Protocols.Audit;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Actors.Audit;

/// <summary>
/// The audit key: an Ed25519 key as PKCS #8 in PEM (RFC 8410 §7), made at its first use, for its owner's eyes only, outside of the database.
/// Heads are kept beside it.
/// </summary>
public sealed class AuditKeyFile(string path)
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private const UnixFileMode Others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;

    private const int MaxLength = 4096;

    /// <summary>Before the seed in a PrivateKeyInfo.</summary>
    private static readonly byte[] Prefix = Convert.FromHexString("302e020100300506032b657004220420");

    public string Path => path;

    public string HeadDirectory => System.IO.Path.Combine(System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path))!, "heads");

    /// <returns>The seed, which the caller disposes of; null, with a sentence, when there is none and none can be made.</returns>
    public SecretBytes? Open(out string problem)
    {
        problem = "";
        try
        {
            if (!File.Exists(path)) Make();
            return Read(out problem);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            problem = $"The audit key {path} cannot be used: {e.Message}";
            return null;
        }
    }

    /// <summary>Two that begin at once agree: the file of the first stays.</summary>
    private void Make()
    {
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path))!);
        var beside = $"{path}.{Environment.ProcessId}.new";
        using var seed = SecretBytes.Create(AuditKey.SeedLength, RandomNumberGenerator.Fill);
        byte[] der = [.. Prefix, .. seed.Reveal()];
        var pem = PemEncoding.WriteUtf8("PRIVATE KEY"u8, der);
        CryptographicOperations.ZeroMemory(der);
        File.Delete(beside);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = OwnerOnly;
        using (var file = new FileStream(beside, options))
        {
            file.Write(pem);
            file.Flush(flushToDisk: true);
        }

        CryptographicOperations.ZeroMemory(pem);
        try
        {
            File.Move(beside, path, overwrite: false);
        }
        catch (IOException) when (File.Exists(path))
        {
            File.Delete(beside);
        }
    }

    private SecretBytes? Read(out string problem)
    {
        problem = "";
        if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(path) & Others) != 0) problem = $"The audit key {path} can be read by others; chmod 600 it.";
        else if (new FileInfo(path).Length > MaxLength) problem = $"The audit key {path} is no Ed25519 key in PEM.";
        if (problem.Length > 0) return null;
        var pem = File.ReadAllBytes(path);
        var der = new byte[MaxLength];
        try
        {
            if (PemEncoding.TryFindUtf8(pem, out var fields) && pem.AsSpan()[fields.Label].SequenceEqual("PRIVATE KEY"u8)
                && System.Buffers.Text.Base64.DecodeFromUtf8(pem.AsSpan()[fields.Base64Data], der, out _, out var length) == System.Buffers.OperationStatus.Done
                && length == Prefix.Length + AuditKey.SeedLength && der.AsSpan().StartsWith(Prefix))
                return SecretBytes.CopyOf(der.AsSpan(Prefix.Length, AuditKey.SeedLength));
            problem = $"The audit key {path} is no Ed25519 key in PEM.";
            return null;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(pem);
            CryptographicOperations.ZeroMemory(der);
        }
    }
}
