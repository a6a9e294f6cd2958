using System.Collections.Immutable;
using System.Globalization;
using System.Threading.Channels;
using Akka.Actor;
using Akka.Actor.Setup;
using Akka.Cluster;
using Akka.Cluster.Sharding;
using ConfCluster.Actors.Nodes;
using ConfCluster.Actors.Participant;
using ConfCluster.Actors.Serialization;
using ConfCluster.Protocols.Conference;
using Xunit;

namespace ConfCluster.Actors.Tests.Nodes;

/// <summary>The engine itself: a shard moves from one member to another, and a third one, which is busy, holds its going up.</summary>
public sealed class MovingShardTests : IAsyncLifetime, IDisposable
{
    private const string Config =
        """
        akka.actor { provider = cluster, serialization-settings.allow-unregistered-types = false }
        akka.loglevel = OFF
        akka.stdout-loglevel = OFF
        akka.remote.dot-netty.tcp { hostname = "127.0.0.1", port = 0 }
        akka.cluster { gossip-interval = 50ms, leader-actions-interval = 50ms, periodic-tasks-initial-delay = 50ms }
        akka.cluster.sharding { rebalance-interval = 100ms, retry-interval = 100ms }
        akka.coordinated-shutdown.run-by-actor-system-terminate = off
        akka.cluster.failure-detector.acceptable-heartbeat-pause = 120s
        """;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(3);

    private readonly ActorSystem[] _systems =
        [.. Enumerable.Range(0, 3).Select(_ => ActorSystem.Create("moves", BootstrapSetup.Create().WithConfig(Config).And(EngineDefaults.Serializers())))];

    private readonly EntityRegions[] _regions = [.. Enumerable.Range(0, 3).Select(_ => new EntityRegions())];
    private readonly Channel<(int Node, string Conference)> _heard = Channel.CreateUnbounded<(int Node, string Conference)>();
    private readonly ManualResetEventSlim _busy = new(initialState: true);
    private readonly Home _home = new();

    public async Task InitializeAsync()
    {
        foreach (var system in _systems) await Cluster.Get(system).JoinAsync(Cluster.Get(_systems[0]).SelfAddress).WaitAsync(Patience);
        for (var node = 0; node < _systems.Length; node++)
        {
            var (system, here, regions, heard) = (_systems[node], node, _regions[node], _heard.Writer);
            regions.Participants = ClusterSharding.Get(system).Start(
                ParticipantRegion.TypeName, _ => Props.Create(() => new Entity(here, heard)),
                ClusterShardingSettings.Create(system).WithStateStoreMode(StateStoreMode.DData), new Extractor(_busy), _home, PoisonPill.Instance);
            system.ActorOf(Props.Create(() => new HandOffDrops(regions)), HandOffDrops.Name);
        }
    }

    public async Task DisposeAsync()
    {
        _busy.Set();
        await Task.WhenAll(_systems.Select(s => s.Terminate()));
    }

    public void Dispose() => _busy.Dispose();

    [Fact]
    public async Task What_comes_while_a_shard_goes_is_heard_where_it_goes_to()
    {
        _home.Address = Cluster.Get(_systems[0]).SelfAddress;
        Say(0, 0);
        Assert.Equal((0, Name(0)), await HearAsync(Patience));
        Say(2, 1);
        Assert.Equal((0, Name(1)), await HearAsync(Patience));

        _busy.Reset();
        _regions[2].Participants.Tell(Extractor.Wait);
        _home.Address = Cluster.Get(_systems[1]).SelfAddress;
        var said = 2;
        do
        {
            Say(0, said);
        }
        while (await HearAsync(Silence) == (0, Name(said++)));

        // One was kept back: the shard is on its way, and cannot go before the third node has said that it knows.
        var kept = Enumerable.Range(said - 1, 6).ToList();
        foreach (var more in kept.Skip(1)) Say(0, more);
        _busy.Set();
        var heard = new List<(int Node, string Conference)>();
        while (heard.Count < kept.Count) heard.Add(await HearAsync(Patience) ?? throw new TimeoutException($"only {heard.Count} of {kept.Count} were heard"));
        Assert.Equal(kept.Select(k => (1, Name(k))), heard.Order());
    }

    private static string Name(int number) => number.ToString("D4", CultureInfo.InvariantCulture);

    private void Say(int node, int number) =>
        _regions[node].Participants.Tell(new LeaveAcknowledged(new ParticipantId("p"), new ConferenceId(Name(number))));

    /// <summary>Null: nothing in that time.</summary>
    private async Task<(int Node, string Conference)?> HearAsync(TimeSpan patience)
    {
        using var limit = new CancellationTokenSource(patience);
        try
        {
            return await _heard.Reader.ReadAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            return null;
        }
    }

    private sealed class Entity : ReceiveActor
    {
        public Entity(int node, ChannelWriter<(int Node, string Conference)> heard) => Receive<LeaveAcknowledged>(m => heard.TryWrite((node, m.Conference.Value)));
    }

    private sealed class Extractor(ManualResetEventSlim busy) : HashCodeMessageExtractor(1)
    {
        public static readonly object Wait = new();

        public override string? EntityId(object message)
        {
            if (message != Wait) return (message as IParticipantMessage)?.Participant.Value;
            busy.Wait();
            return null;
        }
    }

    /// <summary>The one shard is where it is told to be.</summary>
    private sealed class Home : IShardAllocationStrategy
    {
        public volatile Address Address = Address.AllSystems;

        public Task<IActorRef> AllocateShard(IActorRef requester, string shardId, IImmutableDictionary<IActorRef, IImmutableList<string>> currentShardAllocations) =>
            Task.FromResult(currentShardAllocations.Keys.First(IsThere));

        public Task<IImmutableSet<string>> Rebalance(
            IImmutableDictionary<IActorRef, IImmutableList<string>> currentShardAllocations, IImmutableSet<string> rebalanceInProgress) =>
            Task.FromResult<IImmutableSet<string>>([.. currentShardAllocations.Where(r => !IsThere(r.Key)).SelectMany(r => r.Value)]);

        private bool IsThere(IActorRef region) => Address == (region.Path.Address.HasLocalScope
            ? ((ExtendedActorSystem)((ActorRefWithCell)region).Underlying.System).Provider.DefaultAddress
            : region.Path.Address);
    }
}
