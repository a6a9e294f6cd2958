using System.CommandLine;
using ConfCluster.Actors.Settings;
using ConfCluster.Host.Platform;
using ConfCluster.Host.Roles;

namespace ConfCluster.Host.Commands;

/// <summary><c>run</c>: a node, until it is told to stop.</summary>
internal static class RunCommand
{
    public static Command Create(SettingsOptions settings)
    {
        var run = new Command("run", "Start a node (the default verb).");
        settings.AddTo(run);
        run.SetAction((result, _) => RunAsync(settings.Of(result)));
        return run;
    }

    public static async Task<int> RunAsync(ConfiguredSettings configured)
    {
        if (configured.Settings is not { } settings)
        {
            foreach (var problem in configured.Problems) await Console.Error.WriteLineAsync(problem.ToString());
            return Output.Fail("The configuration is not sound; nothing was started.");
        }

        settings = CodecChoice.Of(settings);
        using var signals = new StopSignals();
        if (!ProcessLimits.ForbidCoreDumps()) Console.WriteLine("Core dumps could not be switched off; keys may reach the disk if the process crashes.");
        ProcessLimits.RaiseOpenFiles();
        if ((StartChecks.Ciphers() ?? StartChecks.Ports(settings)
            ?? CodecChoice.Refusal(settings) ?? EngineConfig.Refusal(configured.Config!, settings.Cluster)) is { } refusal) return Output.Fail(refusal);
        using var data = DataDirectory.Open(settings.DataDirectory, out var reason);
        if (data is null) return Output.Fail(reason);
        if ((StartChecks.Cluster(settings)
            ?? StartChecks.Journal(settings) ?? StartChecks.Audit(settings) ?? StartChecks.Kms(settings)) is { } damage) return Output.Fail(damage);
        return await RunAsync(configured, settings, data, signals);
    }

    private static async Task<int> RunAsync(ConfiguredSettings configured, ConfClusterSettings settings, DataDirectory data, StopSignals signals)
    {
        using var stop = new CancellationTokenSource();
        _ = signals.Requested.ContinueWith(_ => stop.Cancel(), TaskScheduler.Default);
        await using var node = await Node.StartAsync(configured.Config!, settings, data, stop: stop.Token);
        if (node.Refusal is { } refusal) return Output.Fail(refusal);
        foreach (var line in node.Welcome()) Console.WriteLine(line);
        await Task.WhenAny(signals.Requested, node.DrainAsked, node.Ended);
        if (!signals.Requested.IsCompleted && !node.DrainAsked.IsCompleted) return Output.Fail("The node left the cluster and ends; its log says why.");
        if (node.DrainAsked.IsCompleted || node.HasOthers)
        {
            Console.WriteLine("Emptying the node: no new calls; those that are here go on elsewhere. Ctrl-C again ends at once.");
            await node.DrainAsync(node.DrainAsked.IsCompleted ? await node.DrainAsked : settings.DrainTimeout);
        }

        Console.WriteLine("Stopping: no new calls; every caller whose conference ends is sent BYE. Ctrl-C again ends at once.");
        await node.StopAsync();
        data.SayGoodbye();
        Console.WriteLine("Goodbye.");
        return ExitCode.Done;
    }
}
