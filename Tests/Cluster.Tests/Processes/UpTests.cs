using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.RegularExpressions;
using ConfCluster.Actors.Audit;
using ConfCluster.Actors.Journal;
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
        Require();
        var started = await TryAsync();
        var server = int.Parse(ServerPort().Match(Said).Groups[1].Value, CultureInfo.InvariantCulture);
        Assert.True(started >= 4, $"three nodes and a server, and there are {started}:\n{Said}");
        Assert.False(await AnswersAsync(server), "PostgreSQL still takes connections");
        Assert.DoesNotContain(Directory.EnumerateDirectories(Path.GetTempPath(), "confcluster-postgres-*"), d => Said.Contains(d, StringComparison.Ordinal));
    }

    [SkippableFact]
    public async Task A_PostgreSQL_that_is_given_gets_the_journal_and_outlives_the_command()
    {
        Require();
        using var patience = new CancellationTokenSource(Patience);
        var (server, problem) = await LocalPostgres.StartAsync(patience.Token);
        Assert.True(server is not null, problem);
        await using (server)
        {
            var wrong = Path.Combine(_directory.Path, "wrong");
            await File.WriteAllTextAsync(wrong, "not the password");
            var (exit, said) = await UpAsync("--postgres", server.ConnectionString, "--password-file", wrong);
            Assert.True(exit == 1, said);
            Assert.Contains($"The database confcluster at 127.0.0.1:{server.Port} cannot be used: ", said, StringComparison.Ordinal);
            Assert.Contains("password authentication failed", said, StringComparison.Ordinal);

            await TryAsync("--postgres", server.ConnectionString, "--password-file", server.PasswordFile);
            Assert.DoesNotContain("PostgreSQL on", Said, StringComparison.Ordinal);
            var database = JournalDatabase.PostgreSql(server.ConnectionString, File.ReadLines(server.PasswordFile).First(), out _)!;
            Assert.Null(JournalSchema.Check(database));
            Assert.Equal<string>(["up"], new AuditJournal(database).Conferences());
        }
    }

    [Theory]
    [InlineData("Host=127.0.0.1;Port=1;Database=mine;Username=me", "The database mine at 127.0.0.1:1 cannot be used: Failed to connect to 127.0.0.1:1")]
    [InlineData("Host=no.such.host.invalid;Database=mine;Username=me;SSL Mode=VerifyFull", "The database mine at no.such.host.invalid:5432 cannot be used: ")]
    [InlineData("Host=db.example;Database=mine", "--postgres: SSL Mode=VerifyFull must stand in it, since the database is not on this machine.")]
    [InlineData("a database", "--postgres: a connection string such as Host=")]
    [InlineData("Host=127.0.0.1", "--postgres: Host and Database must stand in it.")]
    public async Task A_PostgreSQL_that_cannot_be_used_is_told_in_a_sentence(string given, string sentence)
    {
        var (exit, said) = await UpAsync("--postgres", given);
        Assert.True(exit == 1, said);
        Assert.Contains(sentence, said, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_password_that_is_not_there_or_belongs_to_nothing_is_told_in_a_sentence()
    {
        var empty = Path.Combine(_directory.Path, "empty");
        await File.WriteAllTextAsync(empty, "");
        var (exit, said) = await UpAsync("--postgres", "Host=127.0.0.1;Port=1;Database=mine", "--password-file", empty);
        Assert.True(exit == 1 && said.Contains($"{empty} is empty; its first line is the password for --postgres.", StringComparison.Ordinal), said);
        (exit, said) = await UpAsync("--postgres", "Host=127.0.0.1;Port=1;Database=mine", "--password-file", $"{empty}.not");
        Assert.True(exit == 1 && said.Contains($"{empty}.not", StringComparison.Ordinal), said);
        (exit, said) = await UpAsync("--password-file", empty);
        Assert.True(exit == 2 && said.Contains("--password-file goes with --postgres.", StringComparison.Ordinal), said);
    }

    private static void Require()
    {
        var there = LocalPostgres.FindPrograms() is not null;
        if (Environment.GetEnvironmentVariable("CI") == "true") Assert.True(there, "PostgreSQL is not installed (package postgresql)");
        Skip.IfNot(there, "PostgreSQL is not installed (package postgresql)");
    }

    /// <summary>The command, which refuses.</summary>
    private Task<(int ExitCode, string Output)> UpAsync(params string[] more) => NodeProcess.RunAsync(["up", "--nodes", "3", "--dir", _directory.Path, .. more]);

    /// <summary>Begins, a call at each node, Ctrl-C, and nothing is left.</summary>
    /// <returns>How many processes there were.</returns>
    private async Task<int> TryAsync(params string[] more)
    {
        using var up = Start(more);
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
            // A terminal tells every process of the command, and this one passes it on to its nodes.
            Assert.Equal(0, Signal(-up.Id, Interrupt));
            await UntilAsync(() => up.HasExited, "the end");
            isOver = true;
            Assert.Equal(0, up.ExitCode);
            Assert.Equal(3, _said.Count(l => l.Contains("Goodbye.", StringComparison.Ordinal)));
            Assert.DoesNotContain(started, IsThere);
            return started.Count;
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
    private Process Start(string[] more)
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
        foreach (var argument in arguments.Concat(sets).Concat(more)) start.ArgumentList.Add(argument);
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
