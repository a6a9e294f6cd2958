using ConfCluster.Benchmarks;

// One verb per benchmark; each prints a table for RESULTS.md.
switch (args)
{
    case ["mixer", ..]:
        MixerBenchmark.Run(Console.Out);
        return 0;
    default:
        Console.Error.WriteLine("usage: benchmarks mixer");
        return 2;
}
