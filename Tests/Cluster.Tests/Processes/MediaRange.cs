using ConfCluster.Support;

namespace ConfCluster.Cluster.Tests.Processes;

/// <summary>
/// UDP ports for the media of a node, or of all nodes of a cluster, each on its own address. Two that run side by side share none, so what is captured for one
/// holds nothing of the other. They lie below those of <see cref="FreePorts"/>, and of those that the system gives to whoever asks for any: to a phone of another
/// test, too.
/// </summary>
internal static class MediaRange
{
    private const int Lowest = 10_000;
    private const int Size = 500;
    private const int Count = 20;
    private static int _next;

    /// <summary>First and last port.</summary>
    public static (int First, int Last) Next()
    {
        var first = Lowest + Size * (int)((uint)Interlocked.Increment(ref _next) % Count);
        return (first, first + Size - 1);
    }

    /// <summary>As arguments of the program.</summary>
    public static string[] Arguments(this (int First, int Last) range) =>
        ["--set", $"confcluster.media.port-min={range.First}", "--set", $"confcluster.media.port-max={range.Last}"];
}
