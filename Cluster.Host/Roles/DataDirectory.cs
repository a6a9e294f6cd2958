namespace ConfCluster.Host.Roles;

/// <summary>
/// The directory of what outlives the process, held by one process at a time. A marker tells whether the last run said goodbye.
/// </summary>
internal sealed class DataDirectory : IDisposable
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private readonly FileStream _lock;
    private readonly string _marker;

    private DataDirectory(string path, FileStream held, string marker, bool lastRunWasCutOff) =>
        (Path, _lock, _marker, LastRunWasCutOff) = (path, held, marker, lastRunWasCutOff);

    public string Path { get; }

    public bool LastRunWasCutOff { get; }

    /// <summary>Null, with a sentence, when it cannot be used.</summary>
    public static DataDirectory? Open(string path, out string refusal)
    {
        var full = System.IO.Path.GetFullPath(path);
        refusal = "";
        var (held, marker) = (System.IO.Path.Combine(full, "lock"), System.IO.Path.Combine(full, "running"));
        FileStream? hold = null;
        try
        {
            if (OperatingSystem.IsWindows()) Directory.CreateDirectory(full);
            else Directory.CreateDirectory(full, OwnerOnly);
            hold = new FileStream(held, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            var wasCutOff = File.Exists(marker);
            File.WriteAllText(marker, $"{Environment.ProcessId}\n");
            return new DataDirectory(full, hold, marker, wasCutOff);
        }
        catch (UnauthorizedAccessException)
        {
            refusal = $"The data directory {full} cannot be written; confcluster.data-dir names another.";
        }
        catch (IOException e) when (hold is null && File.Exists(held))
        {
            refusal = $"The data directory {full} is in use by another confcluster ({e.Message}); confcluster.data-dir names another.";
        }
        catch (IOException e)
        {
            refusal = $"The data directory {full} cannot be made or written: {e.Message}.";
        }

        hold?.Dispose();
        return null;
    }

    /// <summary>Another process holds it. Only one that did not say goodbye can, so that looking is in nobody's way.</summary>
    public static bool IsHeld(string path)
    {
        if (!File.Exists(System.IO.Path.Combine(path, "running"))) return false;
        try
        {
            using var probe = new FileStream(System.IO.Path.Combine(path, "lock"), FileMode.Open, FileAccess.Read, FileShare.Read);
            return false;
        }
        catch (FileNotFoundException)
        {
            return false;
        }
        catch (IOException)
        {
            return true;
        }
    }

    public void SayGoodbye() => File.Delete(_marker);

    public void Dispose() => _lock.Dispose();
}
