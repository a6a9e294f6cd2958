using System.Buffers;
using System.Security.Cryptography;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Actors.Keys;

/// <summary>A key in a file of its own: hexadecimal digits, for its owner's eyes only.</summary>
public static class SecretFile
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private const UnixFileMode Others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;

    private const int MaxLength = 1024;

    /// <summary>Null, with a sentence, when there is none of that length, or others can read it. The caller owns the key.</summary>
    /// <param name="length">Octets; 0: 16 or more.</param>
    public static SecretBytes? Read(string path, int length, out string problem)
    {
        problem = "";
        var text = new byte[MaxLength];
        var octets = new byte[MaxLength / 2];
        try
        {
            if (Openness(path) is { } refusal)
            {
                problem = refusal;
                return null;
            }

            using var stream = File.OpenRead(path);
            var digits = text.AsSpan(0, stream.ReadAtLeast(text, text.Length, throwOnEndOfStream: false)).Trim(" \r\n\t"u8);
            if (Convert.FromHexString(digits, octets, out _, out var written) == OperationStatus.Done && (length == 0 ? written >= 16 : written == length))
                return SecretBytes.CopyOf(octets.AsSpan(0, written));
            problem = $"The key file {path} does not hold {(length == 0 ? "at least 32" : $"{2 * length}")} hexadecimal digits.";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            problem = $"The key file {path} cannot be read: {e.Message}";
        }
        finally
        {
            CryptographicOperations.ZeroMemory(text);
            CryptographicOperations.ZeroMemory(octets);
        }

        return null;
    }

    /// <summary>Null, or a sentence about a key file that others than its owner can read or write.</summary>
    /// <exception cref="IOException">It is not there.</exception>
    public static string? Openness(string path) => !OperatingSystem.IsWindows() && (File.GetUnixFileMode(path) & Others) != 0
        ? $"The key file {path} can be read by others; chmod 600 it."
        : null;

    /// <summary>As <see cref="Read"/>; one is made when there is no file yet. Two that begin at once agree on the first one's.</summary>
    public static SecretBytes? Open(string path, int length, out string problem)
    {
        if (!File.Exists(path))
        {
            using var fresh = SecretBytes.Create(length, RandomNumberGenerator.Fill);
            if (Write(path, fresh, overwrite: false) is { } wrong && !File.Exists(path))
            {
                problem = wrong;
                return null;
            }
        }

        return Read(path, length, out problem);
    }

    /// <summary>Null, or why not. Written beside it and moved over it, so that nobody ever reads half of it.</summary>
    public static string? Write(string path, SecretBytes key, bool overwrite)
    {
        ArgumentNullException.ThrowIfNull(key);
        var digits = new byte[2 * key.Length + 1];
        try
        {
            Convert.TryToHexStringLower(key.Reveal(), digits, out var length);
            digits[length] = (byte)'\n';
            return Save(path, digits, overwrite);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(digits);
        }
    }

    /// <summary>Null, or why not.</summary>
    public static string? Save(string path, ReadOnlySpan<byte> contents, bool overwrite)
    {
        var beside = $"{path}.{Environment.ProcessId}.new";
        try
        {
            if (Path.GetDirectoryName(Path.GetFullPath(path)) is { } folder) Directory.CreateDirectory(folder);
            var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
            if (!OperatingSystem.IsWindows()) options.UnixCreateMode = OwnerOnly;
            using (var file = new FileStream(beside, options))
            {
                file.Write(contents);
                file.Flush(flushToDisk: true);
            }

            File.Move(beside, path, overwrite);
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return $"{path} cannot be written: {e.Message}";
        }
    }
}
