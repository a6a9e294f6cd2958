using System.CommandLine;
using System.Globalization;
using ConfCluster.Actors.Phone;
using ConfCluster.Actors.Settings;
using ConfCluster.Host.Demo;
using ConfCluster.Host.Platform;
using ConfCluster.Host.Roles;
using ConfCluster.Protocols.Audit;
using Spectre.Console;

namespace ConfCluster.Host.Commands;

/// <summary><c>demo</c>: one node and four phones in this process for half a minute, and the proof of what happened to the keys.</summary>
internal static class DemoCommand
{
    private const string Root = SettingsReader.Root;

    public static Command Create()
    {
        var keep = new Option<string?>("--keep") { Description = "Keep what the node stores, in this directory, to look at it afterwards.", HelpName = "DIR" };
        var demo = new Command("demo", "One node, four phones, half a minute: a group key that changes with who is in, and the proof.") { keep };
        demo.SetAction((result, _) => RunAsync(result.GetValue(keep)));
        return demo;
    }

    private static async Task<int> RunAsync(string? keep)
    {
        if (keep is not null && Directory.Exists(keep) && Directory.EnumerateFileSystemEntries(keep).Any()) return Output.Fail($"{keep} is not empty.");
        ProcessLimits.ForbidCoreDumps();
        var directory = keep is null ? Directory.CreateTempSubdirectory("confcluster-demo-").FullName : Path.GetFullPath(keep);
        try
        {
            return await RunAsync(directory, keep is not null);
        }
        finally
        {
            if (keep is null)
            {
                Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
                Directory.Delete(directory, recursive: true);
            }
        }
    }

    private static async Task<int> RunAsync(string directory, bool keep)
    {
        string[] set =
        [
            $"{Root}.data-dir={directory}", $"{Root}.sip.udp.port=0", $"{Root}.sip.tcp.enabled=off", $"{Root}.sip.tls.enabled=off", $"{Root}.http.port=0",
            $"{Root}.conference.keys.rekey.min-interval={DemoScript.MinInterval.TotalSeconds.ToString(CultureInfo.InvariantCulture)}s",
        ];
        var config = SettingsSource.Load(null, set, out _)!;
        var settings = CodecChoice.Of(SettingsReader.Read(config).Settings!);
        if ((StartChecks.Ciphers() ?? StartChecks.Ports(settings)) is { } refusal) return Output.Fail(refusal);
        using var signals = new StopSignals();
        using var stop = new CancellationTokenSource();
        using var data = DataDirectory.Open(settings.DataDirectory, out var reason);
        if (data is null) return Output.Fail(reason);

        Console.Out.WriteLine($"""
            One node and four phones that share one group key. Whoever comes must not understand what was said before,
            whoever leaves not what is said after: so the key changes with who is in, but not more often than every {DemoScript.MinInterval.TotalSeconds:0} s.
            Half a minute; all times are the journal's.

            """);
        IReadOnlyList<(DemoCall Call, PhoneReport Report)> calls;
        DemoStory story;
        using var probe = new DemoProbe();
        await using (var node = await Node.StartAsync(config, settings, data, isQuiet: true))
        {
            if (node.Refusal is { } failed) return Output.Fail(failed);
            var play = PlayAsync(node, stop.Token);
            if (await Task.WhenAny(play, signals.Requested) != play) await stop.CancelAsync();
            try
            {
                (story, calls) = await play;
            }
            catch (OperationCanceledException)
            {
                return Output.Fail("Stopped before the end.");
            }

            probe.Dispose();
            await node.StopAsync();
            data.SayGoodbye();
        }

        var result = Judge(settings, story, calls, probe);
        foreach (var (call, _) in calls) call.Dispose();
        if (keep) Console.Out.WriteLine($"Look yourself: confcluster audit show {DemoScript.Conference} --set {Root}.data-dir={directory}");
        return result;
    }

    private static async Task<(DemoStory, IReadOnlyList<(DemoCall, PhoneReport)>)> PlayAsync(Node node, CancellationToken stop)
    {
        if (Console.IsOutputRedirected || !AnsiConsole.Profile.Capabilities.Ansi) return await PlayAsync(node, new DemoLines(Console.Out), stop);
        return await AnsiConsole.Live(DemoScreen.Picture(new DemoStory(), null)).StartAsync(screen => PlayAsync(node, new DemoScreen(screen), stop));
    }

    private static async Task<(DemoStory, IReadOnlyList<(DemoCall, PhoneReport)>)> PlayAsync(Node node, IDemoView view, CancellationToken stop)
    {
        var run = new DemoRun(node, view, TimeProvider.System);
        return (run.Story, await run.PlayAsync(stop));
    }

    private static int Judge(
        ConfClusterSettings settings, DemoStory story, IReadOnlyList<(DemoCall Call, PhoneReport Report)> calls, DemoProbe probe)
    {
        var audit = new AuditReading(settings);
        var view = audit.View(DemoScript.Conference);
        var exposure = view.Exposure();
        var key = audit.PublicKey(makeIt: false, out var problem);
        if (key is null) return Output.Fail($"The audit key cannot be read: {problem}");
        var violations = view.Verify([], key);

        Console.Out.WriteLine();
        Output.Table(
            ["Epoch", "Began", "Why", "All had it after", "Leaver could decrypt for"],
            story.Epochs.Select((e, i) => new[]
            {
                $"{e.Number.Number}", DemoStory.Seconds(e.At), e.Why,
                e.Settled is { } settled ? DemoStory.Seconds(settled) : i == story.Epochs.Count - 1 ? "the end" : "never", story.Exposure(e, exposure),
            }));
        Output.Table(
            ["Phone", "Packets", "Keys", "Undecryptable", "Lost", "Gap at a change", "Longest gap"],
            calls.Select(c => new[]
            {
                $"{c.Call.Name}{(c.Call.IsThrownOut ? ", thrown out" : "")}", $"{c.Report.PacketsReceived}", $"{c.Report.MkisHeard}", $"{c.Report.Undecryptable}",
                $"{c.Report.PacketsLost}", DemoVerdict.Milliseconds(DemoVerdict.Longest(story, c.Call, c.Report, probe)),
                DemoVerdict.Milliseconds(TimeSpan.FromMilliseconds(c.Report.LongestGapMilliseconds)),
            }));
        var bound = exposure.Bound is { } most ? DemoStory.Seconds(most) : "none";
        var (forward, backward) = (DemoStory.Seconds(exposure.LongestForward), DemoStory.Seconds(exposure.LongestBackward));
        Console.Out.WriteLine($"Exposure   {forward} at most after a leave (the rules allow {bound}), {backward} before a join");
        var waited = DemoVerdict.Milliseconds(probe.Longest);
        Console.Out.WriteLine($"Machine    made a thread that wants to run every 5 ms wait {waited} at most; gaps around long waits are its own");
        Console.Out.WriteLine(violations.IsEmpty
            ? $"Audit      verified: {view.Records.Length} records, their hash chain, {view.Heads.Length} signed heads, the rules K1 to K7"
            : $"Audit      {violations.Length} VIOLATIONS");

        var wrong = DemoVerdict.Of(story, calls, exposure, violations, probe);
        foreach (var sentence in wrong) Console.Out.WriteLine($"WRONG      {sentence}");
        if (wrong.IsEmpty) Console.Out.WriteLine("All is as it must be.");
        return wrong.IsEmpty ? ExitCode.Done : ExitCode.Failed;
    }
}
