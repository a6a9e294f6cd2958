using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.RegularExpressions;
using ConfCluster.Host.Trial;
using ConfCluster.Support;
using Xunit;
using Xunit.Abstractions;

namespace ConfCluster.Cluster.Tests.Processes;

/// <summary><c>confcluster up</c>: a cluster of processes by one command, and nothing is left of it.</summary>
[Collection("clusters")]
public sealed partial class UpTests(ITestOutputHelper output) : IDisposable
{
    private const int Interrupt = 2;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(100);
    private readonly TemporaryDirectory _directory = new();
    private readonly ConcurrentQueue<string> _said = new();
    private readonly (int Sip, int Tls, int Http, int Cluster) _ports = (FreePorts.Next(), FreePorts.Next(), FreePorts.Next(), FreePorts.Next());

    public void Dispose() => _directory.Dispose();

    [SkippableFact]
    public async Task Three_nodes_and_their_PostgreSQL_begin_take_a_call_each_and_end_with_Ctrl_C()
    {
        var there = LocalPostgres.FindPrograms() is not null;
        if (Environment.GetEnvironmentVariable("CI") == "true") Assert.True(there, "PostgreSQL is not installed (package postgresql)");
        Skip.IfNot(there, "PostgreSQL is not installed (package postgresql)");
        using var up = Start();
        var isOver = false;
        try
        {
            for (var n = 1; n <= 3; n++) await UntilReadyAsync(up, n);
            var calls = await Task.WhenAll(Enumerable.Range(1, 3).Select(n => NodeProcess.RunAsync("call", Uri(n), "--mki", "--for", "2s", "--json")));
            foreach (var (exit, report) in calls)
            {
                Assert.True(exit == 0, $"{report}\n{Said}");
                Assert.True(JsonDocument.Parse(report).RootElement.GetProperty("packetsReceived").GetInt32() > 0, report);
            }

            var started = Descendants(up.Id);
            var server = int.Parse(ServerPort().Match(Said).Groups[1].Value, CultureInfo.InvariantCulture);
            Assert.True(started.Count >= 4, $"three nodes and a server, and there are {started.Count}:\n{Said}");
            // A terminal tells every process of the command, and this one passes it on to its nodes.
            Assert.Equal(0, Signal(-up.Id, Interrupt));
            await UntilAsync(() => up.HasExited, "the end");
            isOver = true;
            Assert.Equal(0, up.ExitCode);
            Assert.Equal(3, _said.Count(l => l.Contains("Goodbye.", StringComparison.Ordinal)));
            Assert.DoesNotContain(started, IsThere);
            Assert.False(await AnswersAsync(server), "PostgreSQL still takes connections");
            Assert.DoesNotContain(Directory.EnumerateDirectories(Path.GetTempPath(), "confcluster-postgres-*"), d => Said.Contains(d, StringComparison.Ordinal));
        }
        catch (Exception) when (Told())
        {
            throw;
        }
        finally
        {
            if (!isOver) foreach (var process in Descendants(up.Id).Append(up.Id)) _ = Signal(process, 9);
        }
    }

    private string Said => string.Join('\n', _said);

    private string Uri(int node) => $"sip:up@{TrialCluster.AddressOf(node)}:{_ports.Sip}";

    /// <summary>In a session of its own, as a shell starts it; on other ports than the usual ones, which may be somebody's.</summary>
    private Process Start()
    {
        var seeds = string.Join(", ", Enumerable.Range(1, 3).Select(n => $"\"{TrialCluster.AddressOf(n)}:{_ports.Cluster}\""));
        string[] settings =
        [
            $"sip.udp.port={_ports.Sip}", $"sip.tcp.port={_ports.Sip}", $"sip.tls.port={_ports.Tls}", $"http.port={_ports.Http}",
            $"cluster.port={_ports.Cluster}", $"cluster.seeds=[{seeds}]", "sip.admission.overload.max-lag=10s",
        ];
        var start = new ProcessStartInfo("setsid") { RedirectStandardOutput = true, RedirectStandardError = true };
        string[] sets = [.. settings.SelectMany(s => new[] { "--set", $"confcluster.{s}" }), .. MediaRange.Next().Arguments()];
        string[] arguments = ["dotnet", Path.Combine(AppContext.BaseDirectory, "confcluster.dll"), "up", "--nodes", "3", "--dir", _directory.Path];
        foreach (var argument in arguments.Concat(sets)) start.ArgumentList.Add(argument);
        var process = Process.Start(start) ?? throw new InvalidOperationException("setsid did not start");
        process.OutputDataReceived += (_, line) => Keep(line.Data);
        process.ErrorDataReceived += (_, line) => Keep(line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    private void Keep(string? line)
    {
        if (line is not null) _said.Enqueue(line);
    }

    private async Task UntilReadyAsync(Process up, int node)
    {
        using var http = new HttpClient { BaseAddress = new Uri($"http://{TrialCluster.AddressOf(node)}:{_ports.Http}"), Timeout = TimeSpan.FromSeconds(5) };
        var since = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                if ((await http.GetAsync(new Uri("/readyz", UriKind.Relative))).IsSuccessStatusCode) return;
            }
            catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
            {
                Assert.True(since.Elapsed < Patience && !up.HasExited, $"node {node} is not ready: {e.Message}");
            }

            Assert.True(since.Elapsed < Patience, $"node {node} is not ready");
            await Task.Delay(LookAgain);
        }
    }

    private static async Task UntilAsync(Func<bool> isSo, string what)
    {
        for (var since = Stopwatch.StartNew(); !isSo(); await Task.Delay(LookAgain))
            Assert.True(since.Elapsed < Patience, $"waited {Patience.TotalSeconds} s for {what}");
    }

    private static async Task<bool> AnswersAsync(int port)
    {
        using var client = new System.Net.Sockets.TcpClient();
        try
        {
            await client.ConnectAsync("127.0.0.1", port);
            return true;
        }
        catch (System.Net.Sockets.SocketException)
        {
            return false;
        }
    }

    /// <summary>All processes that it started, and they.</summary>
    private static List<int> Descendants(int process)
    {
        var parents = Directory.EnumerateDirectories("/proc").Select(d => int.TryParse(Path.GetFileName(d), out var id) ? id : 0).Where(id => id > 0)
            .Select(id => (Id: id, Parent: ParentOf(id))).ToLookup(p => p.Parent, p => p.Id);
        var found = new List<int>(parents[process]);
        for (var i = 0; i < found.Count; i++) found.AddRange(parents[found[i]]);
        return found;
    }

    /// <summary>0: it is gone. The name, which may have anything in it, is in brackets.</summary>
    private static int ParentOf(int process)
    {
        try
        {
            return int.Parse(File.ReadAllText($"/proc/{process}/stat").Split(')')[^1].Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
        }
        catch (IOException)
        {
            return 0;
        }
    }

    private static bool IsThere(int process) => ParentOf(process) != 0;

    /// <summary>Always false: the exception goes on.</summary>
    private bool Told()
    {
        output.WriteLine(Said);
        return false;
    }

    [GeneratedRegex(@"PostgreSQL on 127\.0\.0\.1:(\d+)")]
    private static partial Regex ServerPort();

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Signal(int process, int signal);
}
