using System.Diagnostics;

namespace ConfCluster.Fuzz;

/// <summary>Runs one target for some time. A crash, or an input that takes more than a second, goes to a file and ends the run.</summary>
public static class FuzzRun
{
    private static readonly TimeSpan Slow = TimeSpan.FromSeconds(1);

    /// <summary>True when nothing was found.</summary>
    public static bool Of(IFuzzTarget target, TimeSpan duration, int seed, TextWriter log)
    {
        var seeds = target.Seeds.ToList();
        var mutator = new Mutator(seeds.Count > 0 ? seeds : [[]], [.. target.Dictionary], target.Structure, seed);
        var clock = Stopwatch.StartNew();
        var executions = 0L;
        if (!Replay(target, log)) return false;
        for (; clock.Elapsed < duration; executions++)
            if (!Try(target, mutator.Next(), log))
                return false;

        log.WriteLine($"{target.Name}: seed {seed}, {executions} executions, {executions / clock.Elapsed.TotalSeconds:F0}/s, nothing found");
        return true;
    }

    /// <summary>Every committed input once. True when nothing was found.</summary>
    public static bool Replay(IFuzzTarget target, TextWriter log) => target.Seeds.All(input => Try(target, input, log));

    private static bool Try(IFuzzTarget target, byte[] input, TextWriter log)
    {
        var start = Stopwatch.GetTimestamp();
        using var watch = new Timer(_ => Hang(target, input, log), null, Slow * 10, Timeout.InfiniteTimeSpan);
        try
        {
            target.Run(input);
        }
#pragma warning disable CA1031 // whatever a target throws is the finding
        catch (Exception e)
#pragma warning restore CA1031
        {
            log.WriteLine($"{target.Name}: crash, input in {Save(target, input, "crash")}\n{e}");
            return false;
        }

        var elapsed = Stopwatch.GetElapsedTime(start);
        if (elapsed < Slow) return true;
        log.WriteLine($"{target.Name}: {elapsed.TotalSeconds:F1} s for {input.Length} bytes, input in {Save(target, input, "slow")}");
        return false;
    }

    /// <summary>The run does not come back, so the process ends here.</summary>
    private static void Hang(IFuzzTarget target, byte[] input, TextWriter log)
    {
        log.WriteLine($"{target.Name}: hangs, input in {Save(target, input, "hang")}");
        log.Flush();
        Environment.Exit(1);
    }

    private static string Save(IFuzzTarget target, byte[] input, string kind)
    {
        var hash = Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(input))[..12];
        var path = Path.GetFullPath($"{kind}-{target.Name}-{hash}.bin");
        File.WriteAllBytes(path, input);
        return path;
    }
}
