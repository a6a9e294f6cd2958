using System.CommandLine;
using System.Diagnostics;
using System.Runtime.InteropServices;
using ConfCluster.Actors.Journal;
using ConfCluster.Actors.Nodes;
using ConfCluster.Host.Roles;
using ConfCluster.Host.Trial;

namespace ConfCluster.Host.Commands;

/// <summary><c>up --nodes 3</c>: a whole cluster on this machine, for trying: a process for each node, certificates, and a PostgreSQL that is given or found.</summary>
internal static partial class UpCommand
{
    private const int Terminate = 15;

    public static Command Create()
    {
        var nodes = new Option<int>("--nodes") { Description = "How many, from 2 to 9.", HelpName = "N", DefaultValueFactory = _ => 3 };
        nodes.Validators.Add(r =>
        {
            if (r.GetValue(nodes) is < 2 or > 9) r.AddError("--nodes is from 2 to 9.");
        });
        var directory = new Option<string>("--dir")
        {
            Description = "For certificates and data; made when it is not there.",
            HelpName = "DIR",
            DefaultValueFactory = _ => "./data/up",
        };
        var database = new Option<string?>("--postgres")
        {
            Description = "Connection string of a database; without it a server of its own is started.",
            HelpName = "TEXT",
        };
        var password = new Option<string?>("--password-file") { Description = "File with the password for --postgres.", HelpName = "FILE" };
        var set = new Option<string[]>("--set", "-s") { Description = "One setting, for every node.", HelpName = "path=value" };
        var up = new Command("up", "Start a cluster on this machine, on 127.0.0.1, 127.0.0.2 and so on, for trying.") { nodes, directory, database, password, set };
        up.Validators.Add(r =>
        {
            if (r.GetValue(password) is not null && r.GetValue(database) is null) r.AddError("--password-file goes with --postgres.");
        });
        up.SetAction(async (result, _) => await UpAsync(
            result.GetValue(nodes), Path.GetFullPath(result.GetValue(directory)!), result.GetValue(database), result.GetValue(password) ?? "",
            result.GetValue(set) ?? []));
        return up;
    }

    private static async Task<int> UpAsync(int count, string directory, string? given, string passwordFile, string[] more)
    {
        using var signals = new StopSignals();
        using var stop = new CancellationTokenSource();
        _ = signals.Requested.ContinueWith(_ => stop.Cancel(), TaskScheduler.Default);
        LocalPostgres? server = null;
        try
        {
            if (given is null)
            {
                (server, var problem) = await LocalPostgres.StartAsync(stop.Token);
                if (server is null) return Output.Fail($"{problem} --postgres names a database of yours.");
                Console.WriteLine($"PostgreSQL on 127.0.0.1:{server.Port}; it and its data go with this command.");
            }

            var authority = new ClusterAuthority(Path.Combine(directory, "tls"), TimeProvider.System);
            var cluster = new TrialCluster(directory, count, TrialPorts.Usual, authority, given ?? server!.ConnectionString, server?.PasswordFile ?? passwordFile);
            authority.Make([.. cluster.Addresses.Where(a => !File.Exists(authority.CertificateOf(a)))]);
            if (Tables(cluster) is { } refusal) return Output.Fail(refusal);
            return await RunAsync(cluster, more, signals);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Output.Fail(e.Message);
        }
        catch (OperationCanceledException)
        {
            return ExitCode.Done;
        }
        finally
        {
            if (server is not null) await server.DisposeAsync();
        }
    }

    private static string? Tables(TrialCluster cluster)
    {
        var password = cluster.PasswordFile.Length > 0 ? File.ReadLines(cluster.PasswordFile).FirstOrDefault() : "";
        if (password is null) return $"{cluster.PasswordFile} is empty; its first line is the password for --postgres.";
        return JournalDatabase.PostgreSql(cluster.ConnectionString, password, out var problem) is { } database
            ? JournalSchema.Init(database, out _)
            : $"--postgres: {problem}.";
    }

    private static async Task<int> RunAsync(TrialCluster cluster, string[] more, StopSignals signals)
    {
        var nodes = Enumerable.Range(1, cluster.Nodes).Select(n => Start(["run", .. cluster.Arguments(n, []), .. more.SelectMany(s => new[] { "--set", s })])).ToList();
        try
        {
            Console.WriteLine($"""
                {cluster.Nodes} nodes begin; when they are up:
                  confcluster call sip:100@127.0.0.1 and sip:100@127.0.0.2     two phones at two nodes, one conference
                  confcluster status                                           what lives where
                  confcluster conference show 100 --url http://127.0.0.2:8080  any node answers
                  kill -9 {nodes[^1].Id}                                            and see the others go on
                Ctrl-C stops all.
                """);
            var last = Task.WhenAll(nodes.Select(n => n.WaitForExitAsync()));
            await Task.WhenAny(signals.Requested, last);
            if (!signals.Requested.IsCompleted) return Output.Fail("Every node has ended.");
            foreach (var node in nodes.Where(n => !n.HasExited)) _ = Signal(node.Id, Terminate);
            await last;
            return ExitCode.Done;
        }
        finally
        {
            foreach (var node in nodes)
            {
                if (!node.HasExited) node.Kill();
                node.Dispose();
            }
        }
    }

    /// <summary>This program once more, whether it is a program of its own or run by dotnet; what it says goes where ours goes.</summary>
    private static Process Start(IEnumerable<string> arguments)
    {
        var self = Environment.ProcessPath ?? throw new InvalidOperationException("the system does not say which program this is");
        var start = new ProcessStartInfo(self);
        if (Path.GetFileNameWithoutExtension(self) == "dotnet") start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "confcluster.dll"));
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        return Process.Start(start) ?? throw new InvalidOperationException($"{self} did not start");
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Signal(int process, int signal);
}
