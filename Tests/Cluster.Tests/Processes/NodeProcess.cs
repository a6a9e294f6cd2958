using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.InteropServices;
using ConfCluster.Support;

namespace ConfCluster.Cluster.Tests.Processes;

/// <summary>
/// A real node: the built program as a process, with ports that were free a moment ago. Several lives may share one
/// <see cref="TemporaryDirectory"/>. Every wait is bounded, and its failure shows the log.
/// </summary>
internal sealed partial class NodeProcess : IAsyncDisposable
{
    private const int Terminate = 15;
    private const int KillAtOnce = 9;
    private const int Pause = 19;
    private const int Continue = 18;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(40);
    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(50);
    private readonly Process _process;
    private readonly ConcurrentQueue<string> _log = new();

    private NodeProcess(Process process, string address, int sip, int http)
    {
        _process = process;
        (SipPort, HttpPort) = (sip, http);
        Http = new HttpClient { BaseAddress = new Uri($"http://{address}:{http}"), Timeout = TimeSpan.FromSeconds(10) };
        process.OutputDataReceived += (_, line) => Keep(line.Data);
        process.ErrorDataReceived += (_, line) => Keep(line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public int SipPort { get; }

    public int HttpPort { get; }

    public HttpClient Http { get; }

    public string Log => string.Join('\n', _log);

    public int ExitCode => _process.ExitCode;

    public static NodeProcess Start(TemporaryDirectory data, params string[] arguments) => Start(data, FreePort(), arguments);

    /// <summary>With a port for HTTP that is known before, for a node that is its own KMS.</summary>
    public static NodeProcess Start(TemporaryDirectory data, int http, params string[] arguments)
    {
        var sip = FreePort();
        string[] all =
        [
            "run", "--set", $"confcluster.sip.udp.port={sip}", "--set", $"confcluster.sip.tcp.port={sip}",
            "--set", "confcluster.sip.tls.port=0",
            // The machine is not what is tested: a node that compiles itself beside other tests is late for longer than a second, and would refuse calls.
            "--set", "confcluster.sip.admission.overload.max-lag=10s",
            "--set", $"confcluster.http.port={http}", "--set", $"confcluster.data-dir={data.Path}",
            .. MediaRange.Next().Arguments(), .. arguments,
        ];
        return new NodeProcess(Launch(all), "127.0.0.1", sip, http);
    }

    /// <summary>A node that is said whole by its arguments.</summary>
    public static NodeProcess StartAt(string address, int sip, int http, string[] arguments) => new(Launch(arguments), address, sip, http);

    /// <summary>Any verb of the program, to its end.</summary>
    public static Task<(int ExitCode, string Output)> RunAsync(params string[] arguments) => RunAsync(Patience, arguments);

    public static async Task<(int ExitCode, string Output)> RunAsync(TimeSpan patience, params string[] arguments)
    {
        using var process = Launch(arguments);
        using var limit = new CancellationTokenSource(patience);
        var output = process.StandardOutput.ReadToEndAsync(limit.Token);
        var errors = process.StandardError.ReadToEndAsync(limit.Token);
        await process.WaitForExitAsync(limit.Token);
        return (process.ExitCode, await output + await errors);
    }

    public static Process Launch(params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "confcluster.dll"));
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        return Leftovers.Of(Process.Start(start) ?? throw new InvalidOperationException("dotnet did not start"));
    }

    public Task UntilReadyAsync() => UntilAsync(async () => (await Http.GetAsync(new Uri("/readyz", UriKind.Relative))).IsSuccessStatusCode, "the node to be ready");

    public Task UntilLoggedAsync(string text) => UntilAsync(() => Task.FromResult(Log.Contains(text, StringComparison.Ordinal)), $"the log to say \"{text}\"");

    public async Task UntilAsync(Func<Task<bool>> condition, string what)
    {
        var until = Stopwatch.StartNew();
        while (!await HoldsAsync(condition))
        {
            if (_process.HasExited) throw new InvalidOperationException($"the node ended with {ExitCode} before {what}:\n{Log}");
            if (until.Elapsed > Patience) throw new TimeoutException($"waited {Patience.TotalSeconds} s for {what}:\n{Log}");
            await Task.Delay(LookAgain);
        }
    }

    /// <summary>SIGTERM, and what the process ended with.</summary>
    public async Task<int> StopAsync()
    {
        _ = Signal(_process.Id, Terminate);
        return await EndAsync();
    }

    public async Task KillAsync()
    {
        _ = Signal(_process.Id, KillAtOnce);
        await EndAsync();
    }

    /// <summary>SIGSTOP: it stands still and does not know it.</summary>
    public void Freeze() => Freeze(Id);

    public void Thaw() => Thaw(Id);

    /// <summary>SIGSTOP to any process of a test.</summary>
    public static void Freeze(int process) => _ = Signal(process, Pause);

    /// <summary>SIGCONT to any process of a test.</summary>
    public static void Thaw(int process) => _ = Signal(process, Continue);

    /// <summary>SIGTERM to any process of a test.</summary>
    public static void End(int process) => _ = Signal(process, Terminate);

    /// <summary>Of the process.</summary>
    public int Id => _process.Id;

    public bool HasEnded => _process.HasExited;

    public async Task<int> EndAsync()
    {
        using var limit = new CancellationTokenSource(Patience);
        try
        {
            await _process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException($"the node still runs after {Patience.TotalSeconds} s:\n{Log}");
        }

        return ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited) await KillAsync();
        Http.Dispose();
        _process.Dispose();
    }

    private static async Task<bool> HoldsAsync(Func<Task<bool>> condition)
    {
        try
        {
            return await condition();
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private void Keep(string? line)
    {
        if (line is not null) _log.Enqueue(line);
    }

    internal static int FreePort() => FreePorts.Next();

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Signal(int process, int signal);
}

internal sealed class TemporaryDirectory : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("confcluster-test-").FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
