using Akka.Actor;
using Akka.Configuration;
using ConfCluster.Actors;
using ConfCluster.Actors.Journal;
using ConfCluster.Actors.Media;
using ConfCluster.Actors.Settings;
using ConfCluster.Actors.Sip;

namespace ConfCluster.Host.Roles;

/// <summary>A running node: the web host with the actor system in it. Made of parts that decide nothing themselves.</summary>
internal sealed class Node : IAsyncDisposable
{
    private static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(30);
    private readonly WebApplication _app;
    private readonly ConfClusterSettings _settings;
    private readonly DataDirectory _data;
    private readonly long _journalBefore;
    private readonly CancellationTokenSource _stopping = new();
    private SipListening? _listening;

    private Node(WebApplication app, ConfClusterSettings settings, DataDirectory data)
    {
        (_app, _settings, _data) = (app, settings, data);
        _journalBefore = JournalReader.LastRow(settings.Journal.Database);
    }

    /// <summary>Why it could not start; null when it runs.</summary>
    public string? Refusal { get; private set; }

    public Task Ended => System.WhenTerminated;

    public IServiceProvider Services => _app.Services;

    /// <summary>Where it listens; there once it has started.</summary>
    public SipListening Listening => _listening ?? throw new InvalidOperationException("the node has not started");

    private IActorRef Endpoint => _app.Services.GetRequiredService<EntityRegions>().SipEndpoint;

    private ActorSystem System => _app.Services.GetRequiredService<ActorSystem>();

    /// <param name="isQuiet">Nothing but warnings is logged, to the error output.</param>
    /// <param name="stop">Gives up while the cluster has not taken the node in.</param>
    public static async Task<Node> StartAsync(Config config, ConfClusterSettings settings, DataDirectory data, bool isQuiet = false, CancellationToken stop = default)
    {
        var node = new Node(NodeParts.Compose(config, settings, isQuiet), settings, data);
        try
        {
            await node._app.StartAsync(CancellationToken.None);
            var cluster = node.Services.GetRequiredService<ClusterView>();
            node.Services.GetRequiredService<EntityRegions>().IdleShards = cluster.IdleShardsAsync;
            node.Refusal = await node.ListenAsync() ?? await node.JoinAsync(stop);
        }
        catch (IOException e)
        {
            node.Refusal = $"HTTP {settings.Http.Listen} cannot be bound: {e.Message}";
        }

        return node;
    }

    public IReadOnlyList<string> Welcome()
    {
        // Runs beside the node until it stops: conferences come back one by one.
        if (_data.LastRunWasCutOff && _settings.Cluster.IsAlone) _ = _app.Services.GetRequiredService<CutOffReport>().TellAsync(_journalBefore, _stopping.Token);
        var room = _settings.Cluster.Has(NodeRole.Media) ? _app.Services.GetRequiredService<MediaPlane>().Room() : null;
        return Roles.Welcome.Lines(_settings, _listening, room, _data);
    }

    /// <summary>An operator wants the node to be emptied and to stop, within that time.</summary>
    public Task<TimeSpan> DrainAsked => _app.Services.GetRequiredService<NodeState>().DrainAsked;

    /// <summary>Whether other nodes can go on with what is here.</summary>
    public bool HasOthers => !_settings.Cluster.IsAlone && _app.Services.GetRequiredService<ClusterView>().HasOthers;

    public async Task DrainAsync(TimeSpan deadline)
    {
        using var patience = new CancellationTokenSource(deadline);
        await _app.Services.GetRequiredService<Drain>().RunAsync(patience.Token);
    }

    public async Task StopAsync()
    {
        await _stopping.CancelAsync();
        using var patience = new CancellationTokenSource(_settings.ShutdownTimeout);
        Endpoint.Tell(StopAccepting.Instance);
        await _app.Services.GetRequiredService<Farewell>().SayAsync(patience.Token);

        // While it stops, Akka writes to the console on its own.
        System.EventStream.SetLogLevel(Akka.Event.LogLevel.WarningLevel);
        await _app.StopAsync();
    }

    public async ValueTask DisposeAsync()
    {
        _stopping.Dispose();
        await _app.DisposeAsync();
    }

    private Task<string?> JoinAsync(CancellationToken stop)
    {
        // Nobody waits for it: whoever comes sooner finds the journal as it would be without.
        if (_settings.Cluster.Has(NodeRole.Focus)) System.ActorOf(Props.Create(() => new FirstRecovery()), FirstRecovery.Name);
        return _app.Services.GetRequiredService<ClusterEntry>().JoinAsync(System, stop);
    }

    /// <summary>The endpoint binds when it starts, so one that answers without a refusal is listening.</summary>
    private async Task<string?> ListenAsync()
    {
        if (!_settings.Cluster.Has(NodeRole.Sip)) return null;
        _listening = await _app.Services.GetRequiredService<SipListeners>().AskAsync(StartPatience);
        return _listening is null ? $"The SIP endpoint did not start within {StartPatience.TotalSeconds:0} s; the log says why." : _listening.Refusal;
    }
}
