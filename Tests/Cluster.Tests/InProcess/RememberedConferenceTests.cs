using System.Threading.Channels;
using Akka.Actor;
using Akka.Configuration;
using Akka.Hosting;
using ConfCluster.Actors;
using ConfCluster.Actors.Conference;
using ConfCluster.Actors.Journal;
using ConfCluster.Actors.Media;
using ConfCluster.Actors.Participant;
using ConfCluster.Actors.Serialization;
using ConfCluster.Actors.Settings;
using ConfCluster.Protocols.Conference;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Xunit;

namespace ConfCluster.Cluster.Tests.InProcess;

/// <summary>Conferences with the real shards, serializers and journal of a node; only participants and mixers are played.</summary>
public sealed class RememberedConferenceTests : IDisposable
{
    private static readonly ConferenceId Room = new("room");
    private static readonly ParticipantId Alice = new("a");
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private const string Engine = """
        akka.actor.provider = cluster
        akka.actor.serialization-settings.allow-unregistered-types = false
        akka.remote.dot-netty.tcp.hostname = "127.0.0.1"
        akka.remote.dot-netty.tcp.port = 0
        akka.cluster.roles = ["focus"]
        akka.cluster.distributed-data.durable.keys = []
        akka.cluster.sharding.distributed-data.durable.keys = []
        akka.cluster.sharding.retry-interval = 200ms
        akka.cluster.sharding.remember-entities-store = eventsourced
        akka.coordinated-shutdown.run-by-actor-system-terminate = off
        """;

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("confcluster-shards");
    private readonly Channel<object> _heard = Channel.CreateUnbounded<object>();

    public void Dispose()
    {
        SqliteConnection.ClearAllPools();
        _directory.Delete(recursive: true);
    }

    [Fact]
    public async Task A_node_that_comes_back_after_a_kill_finds_its_conferences_by_itself_and_ends_their_calls()
    {
        await InALifeAsync(async regions =>
        {
            regions.Conferences.Tell(new JoinConference(Room, Alice, "sip:a@example.com", null));
            Assert.Equal(new Incarnation(1), (await HearAsync<Joined>()).Incarnation);
        });
        await InALifeAsync(async regions =>
        {
            Assert.Equal(new EndDialog(Alice, Room, LeaveReason.NodeLost), await HearAsync<EndDialog>());
            regions.Conferences.Tell(new LeaveConference(Room, Alice, LeaveReason.NodeLost));
            Assert.Equal(Alice, (await HearAsync<LeaveAcknowledged>()).Participant);

            regions.Conferences.Tell(new JoinConference(Room, Alice, "sip:a@example.com", null));
            var again = await HearAsync<Joined>();
            Assert.Equal((new Incarnation(2), new MixerId(Room, 0, 2)), (again.Incarnation, again.Mixer));
        });
    }

    private async Task<T> HearAsync<T>()
    {
        using var patience = new CancellationTokenSource(Patience);
        while (true)
        {
            if (await _heard.Reader.ReadAsync(patience.Token) is T wanted) return wanted;
        }
    }

    private async Task InALifeAsync(Func<EntityRegions, Task> act)
    {
        var settings = SettingsReader.Read(
            ConfigurationFactory.ParseString($"confcluster.data-dir = \"{_directory.FullName}\"")
                .WithFallback(SettingsReader.Reference())).Settings!;
        Assert.Null(JournalBootstrap.Prepare(settings.Journal.Database));
        var regions = new EntityRegions();
        using var host = new HostBuilder().ConfigureServices(services => services.AddAkka("life", (akka, _) =>
        {
            akka.AddHocon(ConfigurationFactory.ParseString(Engine), HoconAddMode.Prepend);
            akka.AddEngineDefaults(settings);
            var ear = Props.Create(() => new Ear(_heard.Writer));
            akka.WithActors((system, _) => regions.Participants = regions.Mixers = system.ActorOf(ear));
            akka.AddConferences(settings, regions, new ActiveConferences(settings.Conference.MaxConferences));
        })).Build();
        await host.StartAsync();
        var system = host.Services.GetRequiredService<ActorSystem>();
        var cluster = Akka.Cluster.Cluster.Get(system);
        await cluster.JoinAsync(cluster.SelfAddress);
        await act(regions);

        // Without a goodbye, as after a kill.
        await system.Terminate().WaitAsync(Patience);
        SqliteConnection.ClearAllPools();
    }

    private sealed class Ear : ReceiveActor
    {
        public Ear(ChannelWriter<object> heard) => ReceiveAny(m => heard.TryWrite(m));
    }
}
