using System.Security.Cryptography;
using System.Text;
using ConfCluster.Protocols.Mikey.Kms;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Actors.Keys;

/// <summary>
/// The file of <see cref="KmsUserTable"/>, read again when it has changed. One that cannot be read leaves the table as it was: whoever was
/// revoked stays so.
/// </summary>
/// <param name="key">Wraps the users' keys; borrowed, for as long as the file is read.</param>
public sealed class KmsUserFile(string path, SecretBytes key) : IDisposable
{
    private const int MaxLength = 64 * 1024 * 1024;
    private (DateTime Written, long Length) _seen;

    public KmsUserTable Users { get; private set; } = KmsUserTable.Empty;

    /// <summary>What to tell the operator, or null; the same thing is told once.</summary>
    public string? Refresh()
    {
        var file = new FileInfo(path);
        var now = file.Exists ? (file.LastWriteTimeUtc, file.Length) : default;
        if (now == _seen) return null;
        _seen = now;
        if (!TryRead(path, key, out var users, out var problem)) return $"{problem} The users stay as they were.";
        Users.Dispose();
        Users = users!;
        return null;
    }

    /// <summary>A file that is not there holds nobody.</summary>
    public static bool TryRead(string path, SecretBytes key, out KmsUserTable? users, out string problem)
    {
        (users, problem) = (null, "");
        try
        {
            var file = new FileInfo(path);
            if (file is { Exists: true, Length: > MaxLength }) problem = $"The KMS's user file {path} is too large.";
            else if (KmsUserTable.TryRead(file.Exists ? File.ReadAllText(path) : "", key, out users, out var line)) return true;
            else problem = $"The KMS's user file {path} cannot be read: line {line} is not a user, or not wrapped with this KMS's key.";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            problem = $"The KMS's user file {path} cannot be read: {e.Message}";
        }

        return false;
    }

    public static string? Save(string path, KmsUserTable users, SecretBytes key)
    {
        ArgumentNullException.ThrowIfNull(users);
        return SecretFile.Save(path, Encoding.ASCII.GetBytes(users.Write(key, RandomNumberGenerator.Fill)), overwrite: true);
    }

    public void Dispose() => Users.Dispose();
}
