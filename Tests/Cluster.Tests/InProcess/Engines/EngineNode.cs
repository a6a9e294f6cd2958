using System.Collections.Concurrent;
using System.Collections.Immutable;
using Akka.Actor;
using ConfCluster.Actors;
using ConfCluster.Actors.Audit;
using ConfCluster.Actors.Conference;
using ConfCluster.Actors.Journal;
using ConfCluster.Actors.Media;
using ConfCluster.Actors.Nodes;
using ConfCluster.Actors.Settings;
using ConfCluster.Actors.Sip;
using ConfCluster.Host;
using ConfCluster.Host.Roles;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Focus;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Xunit;

namespace ConfCluster.Cluster.Tests.InProcess.Engines;

/// <summary>
/// One node of an <see cref="EngineCluster"/>: everything that a process has, put together by the same code, but for its pages, its SIP sockets and its media sockets.
/// </summary>
internal sealed class EngineNode : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private readonly ConcurrentQueue<string> _log = new();
    private readonly ConfClusterSettings _settings;
    private readonly IHost _host;

    private EngineNode(int number, IHost host, ConfClusterSettings settings) => (Number, _host, _settings) = (number, host, settings);

    public int Number { get; }

    /// <summary>What it sends to conferences, participants and mixers.</summary>
    public MessageSieve Sends { get; } = new();

    public ActorSystem System => _host.Services.GetRequiredService<ActorSystem>();

    public EntityRegions Regions => _host.Services.GetRequiredService<EntityRegions>();

    public MediaPlane Media => _host.Services.GetRequiredService<MediaPlane>();

    public LocalTag Tags => _host.Services.GetRequiredService<LocalTag>();

    public ClusterView View => _host.Services.GetRequiredService<ClusterView>();

    public Akka.Cluster.Cluster Cluster => Akka.Cluster.Cluster.Get(System);

    public Address Address => Cluster.SelfAddress;

    /// <summary>As other nodes call it.</summary>
    public string Name => SipWay.NameOf(Address);

    /// <summary>Its endpoint for the phones.</summary>
    public IActorRef Wire { get; private set; } = ActorRefs.Nobody;

    public string Log => string.Join('\n', _log);

    public bool Has(NodeRole role) => _settings.Cluster.Has(role);

    /// <summary>It runs, and is in no cluster yet.</summary>
    /// <param name="roles">With spaces; empty: focus and media.</param>
    public static async Task<EngineNode> StartAsync(int number, string roles, EngineEdge edge, string directory, ClusterAuthority authority, IEnumerable<string> set)
    {
        var address = $"127.0.0.{number}";
        string[] own =
        [
            $"confcluster.node-name=n{number}", $"confcluster.data-dir={Path.Combine(directory, $"n{number}")}", $"confcluster.cluster.address={address}",
            $"confcluster.media.address={address}",
        ];
        var config = SettingsSource.Load(null, [.. own, .. set], out var unreadable) ?? throw new InvalidOperationException($"{unreadable[0]}");
        var read = SettingsReader.Read(config);
        var settings = read.Settings ?? throw new InvalidOperationException($"{read.Problems[0]}");
        // What the program refuses and this needs: a node without sockets for SIP, and one file as the journal of all (here all writers are one process).
        settings = settings with
        {
            Journal = settings.Journal with { Database = JournalDatabase.InDirectory(directory) },
            Cluster = settings.Cluster with
            {
                Roles = [.. roles.Length == 0 ? [NodeRole.Focus, NodeRole.Media] : roles.Split(' ').Select(r => Enum.Parse<NodeRole>(r, ignoreCase: true))],
                Seeds = [new SeedAddress("127.0.0.1", 1)],
                KeyFile = authority.PathOf(ClusterAuthority.ClusterKeyFile),
                Tls = new ClusterTls(
                    new CertificateFiles(authority.CertificateOf(address), authority.KeyOf(address), null), authority.PathOf(ClusterAuthority.RootFile),
                    TimeSpan.FromMinutes(1)),
            },
        };
        Directory.CreateDirectory(settings.DataDirectory);
        Assert.Null(AuditParts.Prepare(settings.Audit));
        var lanes = new LaneOptions(
            settings.Media, MediaHome.Of(settings.Media, TimeProvider.System), new SocketBudget(int.MaxValue), TimeProvider.System, () => new EdgeSockets(edge),
            LaneClock.ForThisSystem);
        EngineNode? node = null;
        var host = new HostBuilder().ConfigureServices(services =>
        {
            services.AddLogging(log => log.ClearProviders().AddProvider(new Diary(line => node?._log.Enqueue(line))).AddFilter("Microsoft", LogLevel.Warning));
            NodeParts.AddEngine(services, config, settings);
            services.AddSingleton(_ => new MediaPlane(lanes));
        }).Build();
        node = new EngineNode(number, host, settings);
        await host.StartAsync();
        node.PutEdge(edge);
        return node;
    }

    /// <summary>The node's own audit of a conference: what it finds wrong.</summary>
    public ImmutableArray<string> Violations(string conference)
    {
        var key = new AuditReading(_settings).PublicKey(makeIt: false, out _) ?? throw new InvalidOperationException("there is no audit key");
        return [.. new AuditReading(_settings).View(conference).Verify([], key).Select(v => v.ToString()!)];
    }

    /// <summary>Its mixers go to other nodes; nothing new begins here.</summary>
    public async Task DrainAsync()
    {
        using var patience = new CancellationTokenSource(Patience);
        await _host.Services.GetRequiredService<Drain>().RunAsync(patience.Token);
    }

    /// <summary>A life of a conference that nobody routes anything to, as a node that is taken for dead and is not has one.</summary>
    public IActorRef BeginAnotherLife(ConferenceId conference)
    {
        var parts = new ConferenceParts(
            _settings.Conference, Regions, new ActiveConferences(_settings.Conference.MaxConferences), ConferenceRegion.JournalOf(_settings.Journal), TimeProvider.System)
        {
            IsAlone = false,
        };
        return System.ActorOf(ConferenceRegion.PropsOf(conference, parts));
    }

    /// <summary>Without a goodbye, as after a kill: who has connections to it sees them end.</summary>
    public async Task KillAsync()
    {
        await System.Terminate().WaitAsync(Patience);
        Media.Dispose();
    }

    public async ValueTask DisposeAsync()
    {
        if (!System.WhenTerminated.IsCompleted) await KillAsync();
        await _host.StopAsync();
        _host.Dispose();
    }

    private void PutEdge(EngineEdge edge)
    {
        Wire = Regions.SipWay = System.ActorOf(Props.Create(() => new EdgeWire(edge, this)), "edge");
        Regions.SipLocator = ActorRefs.Nobody;
        Regions.Conferences = Sends.Before(System, Regions.Conferences);
        Regions.Participants = Sends.Before(System, Regions.Participants);
        Regions.Mixers = Sends.Before(System, Regions.Mixers);
        Regions.IdleShards = View.IdleShardsAsync;
    }

    /// <summary>Takes to the phones what participants on its node, or whose requests came by it, want sent.</summary>
    private sealed class EdgeWire(EngineEdge edge, EngineNode node) : UntypedActor
    {
        protected override void OnReceive(object message)
        {
            switch (message)
            {
                case Respond m: edge.Find(m.Response.Headers.CallId)?.Take(m.Response); break;
                case SendRequest m: edge.Find(m.Request.Headers.CallId)?.Take(m, node); break;
                case SendAck m: edge.Find(m.Request.Headers.CallId)?.Take(new SendRequest(default, m.Request, m.Flow), node); break;
            }
        }
    }

    private sealed class Diary(Action<string> write) : ILoggerProvider, ILogger
    {
        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            write($"{TimeProvider.System.GetUtcNow():HH:mm:ss.fff} {logLevel} {formatter(state, exception)} {exception}");

        public void Dispose()
        {
        }
    }
}
