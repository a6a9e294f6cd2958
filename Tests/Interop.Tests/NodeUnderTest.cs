using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Xunit;

namespace ConfCluster.Interop.Tests;

/// <summary>
/// The built node as a process of its own, with a data directory of its own and ports that were free a moment ago. Started once for
/// all interop tests; its log is in every failure message.
/// </summary>
public sealed class NodeUnderTest : IAsyncLifetime
{
    private static readonly HttpClient Http = new();
    private readonly string _directory = Directory.CreateTempSubdirectory("confcluster-interop-").FullName;
    private ChildProcess? _process;

    public int SipPort { get; private set; }

    public int HttpPort { get; private set; }

    public string Log => _process?.Output ?? "";

    public string DataDirectory => Path.Combine(_directory, "data");

    public async Task InitializeAsync()
    {
        (SipPort, HttpPort) = (FreePort(), FreePort());
        _process = ChildProcess.Start("dotnet",
        [
            HostAssembly, "run", "--set", $"confcluster.sip.udp.port={SipPort}", "--set", $"confcluster.sip.tcp.port={SipPort}",
            "--set", $"confcluster.http.port={HttpPort}", "--set", $"confcluster.data-dir={DataDirectory}",
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

    private static string HostAssembly => Path.Combine(AppContext.BaseDirectory, "confcluster.dll");

    private static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }
}

[CollectionDefinition("node")]
public sealed class SharedNode : ICollectionFixture<NodeUnderTest>;
