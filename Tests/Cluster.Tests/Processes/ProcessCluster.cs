using System.Text.Json;
using ConfCluster.Actors.Journal;
using ConfCluster.Actors.Nodes;
using ConfCluster.Host.Trial;
using ConfCluster.Support;
using Xunit;
using Xunit.Abstractions;

namespace ConfCluster.Cluster.Tests.Processes;

/// <summary>
/// A cluster of real nodes, each a process on a loopback address of its own (127.0.0.1, .2 and so on), with TLS between them and a PostgreSQL server that goes
/// with it. Said by the roles of each node: <c>StartAsync(output, "sip kms", "focus", "media")</c>; an empty text is all roles. Nodes are counted from 1.
/// When a test fails, the logs of all nodes are in its output.
/// </summary>
internal sealed class ProcessCluster : IAsyncDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly Dictionary<int, NodeProcess> _nodes = [];
    private readonly List<(int Number, NodeProcess Node)> _ended = [];
    private readonly ITestOutputHelper _output;
    private readonly string[] _roles;
    private readonly LocalPostgres _postgres;
    private int[] _realPorts = [];

    private ProcessCluster(ITestOutputHelper output, string[] roles, LocalPostgres postgres)
    {
        (_output, _roles, _postgres) = (output, roles, postgres);
        var authority = new ClusterAuthority(Path.Combine(_directory.Path, "tls"), TimeProvider.System);
        var ports = new TrialPorts(FreePorts.Next(), FreePorts.Next(), FreePorts.Next(), FreePorts.Next());
        Plan = new TrialCluster(_directory.Path, roles.Length, ports, authority, postgres.ConnectionString, postgres.PasswordFile);
        authority.Make(Plan.Addresses);
    }

    public TrialCluster Plan { get; }

    /// <summary>UDP ports of every node's media, each on its own address; another cluster beside this one has others.</summary>
    public (int First, int Last) MediaPorts { get; } = MediaRange.Next();

    public LocalPostgres Postgres => _postgres;

    public string Directory => _directory.Path;

    /// <summary>What stands between the nodes; null: nothing does.</summary>
    public NodeLinks? Links { get; private set; }

    /// <summary>From now on nodes reach each other through something that can part them; before the first of them starts.</summary>
    public NodeLinks PutLinksBetween()
    {
        _realPorts = [.. _roles.Select(_ => FreePorts.Next())];
        return Links = new NodeLinks(Plan.Ports.Cluster, _realPorts);
    }

    public NodeProcess this[int number] => _nodes[number];

    /// <summary>All nodes begin at once; returns when every one is ready.</summary>
    public static async Task<ProcessCluster> StartAsync(ITestOutputHelper output, params string[] roles)
    {
        var cluster = await MakeAsync(output, roles);
        var isReady = false;
        try
        {
            await cluster.WatchAsync(async () =>
            {
                for (var i = 1; i <= roles.Length; i++) cluster.Start(i);
                for (var i = 1; i <= roles.Length; i++) await cluster[i].UntilReadyAsync();
            });
            isReady = true;
            return cluster;
        }
        finally
        {
            if (!isReady) await cluster.DisposeAsync();
        }
    }

    /// <summary>Everything is there, but no node runs.</summary>
    public static async Task<ProcessCluster> MakeAsync(ITestOutputHelper output, params string[] roles)
    {
        var there = LocalPostgres.FindPrograms() is not null;
        if (Environment.GetEnvironmentVariable("CI") == "true") Assert.True(there, "PostgreSQL is not installed (package postgresql)");
        Skip.IfNot(there, "PostgreSQL is not installed (package postgresql)");
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        var (server, problem) = await LocalPostgres.StartAsync(patience.Token);
        Assert.True(server is not null, problem);
        var cluster = new ProcessCluster(output, roles, server);
        Assert.Null(JournalSchema.Init(cluster.Database, out _));
        return cluster;
    }

    public JournalDatabase Database => JournalDatabase.PostgreSql(Plan.ConnectionString, File.ReadLines(Plan.PasswordFile).First(), out _)!;

    /// <summary>Also a second time, after an end.</summary>
    /// <param name="authority">Whose certificate it shows; null: the cluster's.</param>
    public NodeProcess Start(int number, ClusterAuthority? authority = null, params string[] more)
    {
        var roles = _roles[number - 1].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        // The machine is not what is tested, so its lag refuses nobody and is not taken for a death so soon.
        var node = NodeProcess.StartAt(
            TrialCluster.AddressOf(number), Plan.Ports.Sip, Plan.Ports.Http,
            ["run", .. Plan.Arguments(number, roles, authority), "--set", "confcluster.sip.admission.overload.max-lag=10s",
                "--set", "akka.cluster.failure-detector.acceptable-heartbeat-pause=4s",
                .. MediaPorts.Arguments(), .. Behind(number), .. more]);
        Links?.Learn(number, node.Id);
        if (_nodes.Remove(number, out var before)) _ended.Add((number, before));
        _nodes.Add(number, node);
        return node;
    }

    private string[] Behind(int number) => Links is null
        ? []
        : ["--set", $"confcluster.cluster.port={_realPorts[number - 1]}", "--set", $"akka.remote.dot-netty.tcp.public-port={Plan.Ports.Cluster}"];

    /// <summary>What is dialled to get a conference at a node.</summary>
    public string Uri(string conference, int number) => $"sip:{conference}@{TrialCluster.AddressOf(number)}:{Plan.Ports.Sip}";

    /// <summary>The node on which a conference lives; null: on none that is known.</summary>
    /// <param name="asked">The node that is asked.</param>
    public async Task<int?> HomeAsync(string kind, int asked)
    {
        using var status = JsonDocument.Parse(await this[asked].Http.GetStringAsync(new Uri("/api/v1/cluster", UriKind.Relative)));
        foreach (var node in status.RootElement.GetProperty("nodes").EnumerateArray())
        {
            if (node.GetProperty("shards").TryGetProperty(kind, out var place) && place.GetProperty("entities").GetInt32() > 0)
                return int.Parse(node.GetProperty("node").GetString()!.Split(':')[0].Split('.')[3], System.Globalization.CultureInfo.InvariantCulture);
        }

        return null;
    }

    /// <summary>Runs a part of a test; whatever it throws comes with the logs of all nodes.</summary>
    public async Task WatchAsync(Func<Task> part)
    {
        try
        {
            await part();
        }
        catch (Exception e) when (Told(e))
        {
            throw;
        }
    }

    /// <summary>What all nodes have said so far goes to the test's output.</summary>
    public void TellLogs()
    {
        foreach (var (number, node) in _ended.Concat(_nodes.Select(n => (n.Key, n.Value))).OrderBy(n => n.Item1))
            _output.WriteLine($"--- n{number}\n{node.Log}");
    }

    /// <summary>A verb of the program with the settings of a node.</summary>
    public Task<(int ExitCode, string Output)> VerbAsync(int number, params string[] verb) =>
        NodeProcess.RunAsync([.. verb, .. Plan.Arguments(number, [])]);

    public async ValueTask DisposeAsync()
    {
        foreach (var node in _nodes.Values.Concat(_ended.Select(e => e.Node))) await node.DisposeAsync();
        if (Links is not null) await Links.DisposeAsync();
        await _postgres.DisposeAsync();
        _directory.Dispose();
    }

    /// <summary>Always false: the exception goes on.</summary>
    private bool Told(Exception e)
    {
        _output.WriteLine($"{e.GetType().Name}: {e.Message}");
        TellLogs();
        return false;
    }
}
