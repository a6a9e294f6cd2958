using System.Security.Cryptography;
using ConfCluster.Protocols.Sip.Authentication;

namespace ConfCluster.Actors.Sip;

/// <summary>
/// The file of <see cref="UserTable"/>: for its owner only, replaced as a whole, read again when it has changed. A file that cannot be read
/// leaves the table as it was.
/// </summary>
/// <param name="configured">Users of the settings, who count where the file does not name them. Not owned.</param>
public sealed class UserFile(string path, UserTable configured)
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const int MaxLength = 64 * 1024 * 1024;

    private (DateTime Written, long Length) _seen;

    public UserTable Users { get; private set; } = UserTable.Empty.Over(configured);

    /// <summary>What to tell the operator, or null; the same thing is told once.</summary>
    public string? Refresh()
    {
        if (path.Length == 0) return null;
        var file = new FileInfo(path);
        var now = file.Exists ? (file.LastWriteTimeUtc, file.Length) : default;
        if (now == _seen) return null;
        _seen = now;
        if (!TryRead(path, out var users, out var problem)) return $"{problem} The users stay as they were.";
        Users.Dispose();
        using (users) Users = users!.Over(configured);
        return null;
    }

    /// <summary>A file that is not there holds nobody.</summary>
    public static bool TryRead(string path, out UserTable? users, out string problem)
    {
        (users, problem) = (null, "");
        byte[] text = [];
        try
        {
            if (new FileInfo(path) is { Exists: true, Length: var length })
            {
                if (length > MaxLength) problem = $"The user file {path} is too large.";
                else text = File.ReadAllBytes(path);
            }

            if (problem.Length > 0) return false;
            if (UserTable.TryRead(text, out users, out var line)) return true;
            problem = $"The user file {path} cannot be read: line {line} is not name:realm:algorithm:hash.";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            problem = $"The user file {path} cannot be read: {e.Message}.";
        }
        finally
        {
            CryptographicOperations.ZeroMemory(text);
        }

        return false;
    }

    /// <summary>Null, or why not. Written beside it and moved over it, so that nobody ever reads half of it.</summary>
    public static string? Save(string path, UserTable users)
    {
        ArgumentNullException.ThrowIfNull(users);
        var beside = $"{path}.{Environment.ProcessId}.new";
        try
        {
            if (Path.GetDirectoryName(Path.GetFullPath(path)) is { } folder) Directory.CreateDirectory(folder);
            var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
            if (!OperatingSystem.IsWindows()) options.UnixCreateMode = OwnerOnly;
            using (var file = new FileStream(beside, options))
            {
                using var text = users.Write();
                file.Write(text.Reveal());
                file.Flush(flushToDisk: true);
            }

            File.Move(beside, path, overwrite: true);
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return $"The user file {path} cannot be written: {e.Message}.";
        }
    }

    public void Close() => Users.Dispose();
}
