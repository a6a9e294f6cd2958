using System.Diagnostics;
using System.Globalization;

namespace ConfCluster.Cluster.Tests.Processes;

/// <summary>
/// Programs that end with the tests, also when those are killed (Ctrl-C, a time limit): a shell reads their numbers from us, and at the end of its input kills
/// those that are left. A number that some other program has by then is left alone.
/// </summary>
internal static class Leftovers
{
    private const string Script =
        """
        all=
        while read -r one; do all="$all $one"; done
        for one in $all; do if tr '\0' ' ' < "/proc/$one/cmdline" 2>/dev/null | grep -qE 'confcluster\.dll|dumpcap'; then kill -9 "$one"; fi; done
        """;

    private static readonly Lazy<Process> Shell = new(Begin);

    /// <summary>From now on it does not outlive us.</summary>
    public static Process Of(Process process)
    {
        lock (Shell) Shell.Value.StandardInput.WriteLine(process.Id.ToString(CultureInfo.InvariantCulture));
        return process;
    }

    /// <summary>In a session of its own, so that what a terminal says to us is not said to it.</summary>
    private static Process Begin()
    {
        var start = new ProcessStartInfo("setsid", ["sh", "-c", Script]) { RedirectStandardInput = true };
        var shell = Process.Start(start) ?? throw new InvalidOperationException("setsid did not start");
        shell.StandardInput.AutoFlush = true;
        return shell;
    }
}
