using System.Runtime.InteropServices;

namespace ConfCluster.Host.Platform;

/// <summary>
/// What the process asks of Linux: no core dump and no other process of the same user reading its memory (keys live there), and as many
/// open files as it may have. Elsewhere nothing is asked.
/// </summary>
internal static partial class ProcessLimits
{
    private const int SetDumpable = 4;
    private const int CoreSize = 4;
    private const int OpenFiles = 7;

    /// <summary>False when the system refused to switch core dumps off.</summary>
    public static bool ForbidCoreDumps()
    {
        if (!OperatingSystem.IsLinux()) return true;
        var none = default(Limit);
        var limited = SetLimit(CoreSize, none) == 0;
        return ProcessControl(SetDumpable, 0, 0, 0, 0) == 0 && limited;
    }

    public static void RaiseOpenFiles()
    {
        if (!OperatingSystem.IsLinux() || GetLimit(OpenFiles, out var limit) != 0 || limit.Current == limit.Maximum) return;
        _ = SetLimit(OpenFiles, limit with { Current = limit.Maximum });
    }

    [StructLayout(LayoutKind.Sequential)]
    private record struct Limit(nuint Current, nuint Maximum);

    [LibraryImport("libc", EntryPoint = "prctl")]
    private static partial int ProcessControl(int option, nuint a, nuint b, nuint c, nuint d);

    [LibraryImport("libc", EntryPoint = "setrlimit")]
    private static partial int SetLimit(int resource, in Limit limit);

    [LibraryImport("libc", EntryPoint = "getrlimit")]
    private static partial int GetLimit(int resource, out Limit limit);
}
