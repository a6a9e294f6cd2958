using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Akka.Actor;
using Akka.Actor.Setup;
using Akka.Cluster;
using Akka.Remote;
using ConfCluster.Actors.Nodes.Losses;
using ConfCluster.Actors.Serialization;
using ConfCluster.Protocols.Nodes;
using Xunit;

namespace ConfCluster.Actors.Tests.Nodes;

/// <summary>Three members in this process, none of which is ever taken for lost by its silence.</summary>
public sealed class EndedNodeWatchTests : IAsyncLifetime
{
    private const string Config =
        """
        akka.actor { provider = cluster, serialization-settings.allow-unregistered-types = false }
        akka.loglevel = OFF
        akka.stdout-loglevel = OFF
        akka.remote.dot-netty.tcp { hostname = "127.0.0.1", port = 0 }
        akka.cluster { gossip-interval = 50ms, leader-actions-interval = 50ms, periodic-tasks-initial-delay = 50ms }
        akka.coordinated-shutdown.run-by-actor-system-terminate = off
        akka.cluster.failure-detector.acceptable-heartbeat-pause = 120s
        """;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(20);

    private readonly ActorSystem[] _systems =
        [.. Enumerable.Range(0, 3).Select(_ => ActorSystem.Create("three", BootstrapSetup.Create().WithConfig(Config).And(EngineDefaults.Serializers())))];

    private readonly ConcurrentDictionary<int, int> _rung = new();

    public async Task InitializeAsync()
    {
        foreach (var system in _systems) await Cluster.Get(system).JoinAsync(Cluster.Get(_systems[0]).SelfAddress).WaitAsync(Patience);
        await UntilAsync(() => Array.TrueForAll(_systems, s => Up(s).Count == 3));
    }

    public Task DisposeAsync() => Task.WhenAll(_systems.Select(s => s.Terminate()));

    [Fact]
    public async Task Who_refuses_more_than_half_is_let_go_at_once()
    {
        await WatchAsync(0, Door.Refuses);
        await WatchAsync(1, Door.Refuses);
        Break(0);
        await UntilAsync(() => Up(_systems[0]).Count == 2 && Up(_systems[1]).Count == 2);
        Assert.DoesNotContain(Third, Up(_systems[0]));
        Assert.True(_rung[1] > 1, "the other one has tried itself");
    }

    [Theory]
    [InlineData(Door.Open)]
    [InlineData(Door.Silent)]
    public async Task Who_refuses_one_node_only_stays(Door other)
    {
        await WatchAsync(0, Door.Refuses);
        await WatchAsync(1, other);
        Break(0);
        await UntilAsync(() => _rung.GetValueOrDefault(1) >= 15);
        Assert.All(_systems, s => Assert.Equal(3, Up(s).Count));
    }

    /// <summary>It may be between an end and a beginning, or let its connections go before its port.</summary>
    [Fact]
    public async Task One_refusal_does_not_count_and_a_late_one_does()
    {
        await WatchAsync(0, Door.Open, Door.Refuses, Door.Open, Door.Refuses, Door.Refuses);
        await WatchAsync(1, Door.Refuses, Door.Open, Door.Open, Door.Open, Door.Open, Door.Refuses);
        Break(0);
        await UntilAsync(() => Up(_systems[0]).Count == 2 && Up(_systems[1]).Count == 2);
        Assert.True(_rung[0] >= 5 && _rung[1] >= 7, $"tried {_rung[0]} and {_rung[1]} times");
    }

    [Fact]
    public async Task Who_was_never_a_member_is_not_tried()
    {
        await WatchAsync(0, Door.Refuses);
        var stranger = Address.Parse("akka.tcp://three@127.0.0.1:1");
        _systems[0].EventStream.Publish(new DisassociatedEvent(Cluster.Get(_systems[0]).SelfAddress, stranger, false));
        Break(0);
        await UntilAsync(() => _rung.GetValueOrDefault(0) >= 2);
        Assert.Equal(Third.Port, _port);
    }

    [Fact]
    public async Task A_port_is_open_while_somebody_listens_and_refuses_after()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        var node = new Address("akka.ssl.tcp", "three", "127.0.0.1", ((IPEndPoint)listener.LocalEndPoint!).Port);
        Assert.Equal(Door.Open, await Doorbell.RingAsync(node, Patience));
        listener.Close();
        Assert.Equal(Door.Refuses, await Doorbell.RingAsync(node, Patience));
        Assert.Equal(Door.Refuses, await Doorbell.RingAsync(node.WithHost("localhost"), Patience));
        Assert.Equal(Door.Silent, await Doorbell.RingAsync(node.WithHost("no-such-name.invalid"), Patience));
    }

    private Address Third => Cluster.Get(_systems[2]).SelfAddress;

    private int? _port;

    private static List<Address> Up(ActorSystem system) => [.. Cluster.Get(system).State.Members.Where(m => m.Status == MemberStatus.Up).Select(m => m.Address)];

    /// <param name="doors">What it finds, one after the other, and the last for ever.</param>
    private async Task WatchAsync(int number, params Door[] doors)
    {
        var watch = _systems[number].ActorOf(
            Props.Create(() => new EndedNodeWatch((node, _) => Task.FromResult(Next(number, node, doors)), TimeProvider.System)), EndedNodeWatch.Name);
        await watch.Ask<ActorIdentity>(new Identify(null), Patience);
    }

    private Door Next(int number, Address node, Door[] doors)
    {
        _port = node.Port;
        return doors[Math.Min(_rung.AddOrUpdate(number, 1, (_, n) => n + 1), doors.Length) - 1];
    }

    /// <summary>A connection to the third one breaks, as this member sees it.</summary>
    private void Break(int number) => _systems[number].EventStream.Publish(new DisassociatedEvent(Cluster.Get(_systems[number]).SelfAddress, Third, false));

    private static async Task UntilAsync(Func<bool> isSo)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (!isSo()) await Task.Delay(LookAgain, patience.Token);
    }
}
