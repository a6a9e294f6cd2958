using System.Net;
using System.Text.Json;
using ConfCluster.Support;
using Xunit;

namespace ConfCluster.Interop.Tests;

/// <summary>
/// The built node as a process of its own, with a data directory of its own and ports that were free a moment ago. Started once for
/// a collection of tests; its log is in every failure message. A node with other settings is a class of its own.
/// </summary>
public class NodeUnderTest : IAsyncLifetime
{
    private static readonly HttpClient Http = new();
    private static int _nodes;
    private readonly string _directory = Directory.CreateTempSubdirectory("confcluster-interop-").FullName;
    private ChildProcess? _process;

    public int SipPort { get; private set; }

    /// <summary>Where it listens for SIP, as it stands in a URI.</summary>
    public virtual string SipAddress => "127.0.0.1";

    public int TlsPort { get; private set; }

    public int HttpPort { get; private set; }

    public string Log => _process?.Output ?? "";

    public string DataDirectory => Path.Combine(_directory, "data");

    /// <summary>The first of its 500 media ports: nodes that run side by side do not share any.</summary>
    public int FirstMediaPort { get; } = 10000 + 500 * Interlocked.Increment(ref _nodes);

    /// <summary>What is set beside ports and directory, as <c>path=value</c> below <c>confcluster.</c></summary>
    protected virtual IEnumerable<string> Settings => [];

    /// <summary>What the data directory must hold before the node starts.</summary>
    protected virtual Task PrepareAsync() => Task.CompletedTask;

    public async Task InitializeAsync()
    {
        Directory.CreateDirectory(DataDirectory);
        await PrepareAsync();
        (SipPort, TlsPort, HttpPort) = (FreePort(), FreePort(), FreePort());
        _process = ChildProcess.Start("dotnet",
        [
            HostAssembly, "run", "--set", $"confcluster.sip.udp.port={SipPort}", "--set", $"confcluster.sip.tcp.port={SipPort}",
            "--set", $"confcluster.sip.tls.port={TlsPort}", "--set", $"confcluster.http.port={HttpPort}", "--set", $"confcluster.data-dir={DataDirectory}",
            "--set", $"confcluster.media.port-min={FirstMediaPort}", "--set", $"confcluster.media.port-max={FirstMediaPort + 499}",
            .. Settings.SelectMany(s => new[] { "--set", $"confcluster.{s}" }),
        ], _directory);
        await Until(async () => (await Http.GetAsync($"http://127.0.0.1:{HttpPort}/readyz")).IsSuccessStatusCode, "the node to be ready");
    }

    public async Task DisposeAsync()
    {
        if (_process is not null)
        {
            _process.Signal(15);
            await _process.WaitAsync(TimeSpan.FromSeconds(30));
            _process.Dispose();
        }

        Directory.Delete(_directory, recursive: true);
    }

    /// <summary>The softphone of the same build, as a process.</summary>
    public static ChildProcess Call(IEnumerable<string> arguments, string directory) =>
        ChildProcess.Start("dotnet", [HostAssembly, "call", .. arguments], directory);

    /// <summary>Participants of a conference as the API shows them; empty when there is none.</summary>
    public async Task<int> ParticipantsAsync(string conference)
    {
        using var answer = await Http.GetAsync($"http://127.0.0.1:{HttpPort}/api/v1/conferences/{conference}");
        if (answer.StatusCode == HttpStatusCode.NotFound) return 0;
        using var json = JsonDocument.Parse(await answer.Content.ReadAsStringAsync());
        return json.RootElement.GetProperty("participants").GetArrayLength();
    }

    /// <summary>A conference that is on, as the API shows it.</summary>
    public async Task<JsonElement> ShowAsync(string conference)
    {
        using var json = JsonDocument.Parse(await Http.GetStringAsync($"http://127.0.0.1:{HttpPort}/api/v1/conferences/{conference}"));
        return json.RootElement.Clone();
    }

    /// <summary>What happened to a conference, as the API tells it: the names of its events in their order.</summary>
    public async Task<IReadOnlyList<string>> EventsAsync(string conference)
    {
        using var json = JsonDocument.Parse(await Http.GetStringAsync($"http://127.0.0.1:{HttpPort}/api/v1/conferences/{conference}/events"));
        return [.. json.RootElement.EnumerateArray().Select(e => e.GetProperty("event").GetString()!)];
    }

    /// <summary>Ends a conference as an operator does, with the verb of the command line.</summary>
    public Task EndAsync(string conference) => ConferenceAsync("end", conference);

    /// <summary>A verb of <c>confcluster conference</c>, which must succeed; what it printed.</summary>
    public async Task<string> ConferenceAsync(params string[] arguments)
    {
        using var verb = await ChildProcess.RunAsync(
            "dotnet", [HostAssembly, "conference", .. arguments, "--url", $"http://127.0.0.1:{HttpPort}"], TimeSpan.FromSeconds(60));
        Assert.True(verb.ExitCode == 0, $"conference {string.Join(' ', arguments)}: {verb.Output}\n{Log}");
        return verb.Output;
    }

    public Task UntilParticipants(string conference, int count) =>
        Until(async () => await ParticipantsAsync(conference) == count, $"{count} participants in {conference}");

    public async Task Until(Func<Task<bool>> condition, string what)
    {
        var deadline = DateTime.UtcNow.AddSeconds(30);
        while (true)
        {
            try
            {
                if (await condition()) return;
            }
            catch (HttpRequestException)
            {
                // Not listening yet.
            }

            if (_process is { HasExited: true }) throw new InvalidOperationException($"the node ended with {_process.ExitCode} while waiting for {what}:\n{Log}");
            if (DateTime.UtcNow > deadline) throw new TimeoutException($"waited 30 s for {what}:\n{Log}");
            await Task.Delay(100);
        }
    }

    protected static string HostAssembly => Path.Combine(AppContext.BaseDirectory, "confcluster.dll");

    /// <summary>A port that nobody has for TCP on this loopback address at this moment.</summary>
    public static int FreePort(string address = "127.0.0.1") => FreePorts.Next(address);
}

[CollectionDefinition("node")]
public sealed class SharedNode : ICollectionFixture<NodeUnderTest>;

/// <summary>Tests that judge a whole run, its sound or its messages: on two processors the others would be heard as gaps and seen as repeats.</summary>
[CollectionDefinition("alone", DisableParallelization = true)]
public sealed class Alone;
