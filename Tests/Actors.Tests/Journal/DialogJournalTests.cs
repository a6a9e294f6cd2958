using System.Net;
using Akka.Actor;
using Akka.Actor.Setup;
using Akka.Configuration;
using Akka.TestKit.Xunit2;
using ConfCluster.Actors.Journal;
using ConfCluster.Actors.Participant;
using ConfCluster.Actors.Serialization;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.Sip.Dialogs;
using ConfCluster.Protocols.Sip.Messages;
using Microsoft.Data.Sqlite;
using Xunit;

namespace ConfCluster.Actors.Tests.Journal;

public sealed class DialogJournalTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private static readonly ConferenceId Room = new("room");
    private static readonly ParticipantId Alice = new("0123456789abcdef0123456789abcdef");
    private static readonly DialogFact.DialogConfirmed Confirmed = new(
        Room,
        new DialogFacts(
            "call-1", "<sip:room@192.0.2.1>;tag=l", "<sip:alice@example.com>;tag=r", null, 8, "sip:alice@192.0.2.9", [], IsSecure: false),
        new SipFlow(SipTransport.Udp, new IPEndPoint(IPAddress.Loopback, 5060), new IPEndPoint(IPAddress.Loopback, 5080), 0),
        Hidden: false, "v=0\r\n", "v=0\r\n");

    private static readonly DialogFact.DialogEnded Ended = new(LeaveReason.Bye);
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("confcluster-dialogs");

    private string Connection =>
        new SqliteConnectionStringBuilder { DataSource = Path.Combine(_directory.FullName, "journal.db") }.ToString();

    public void Dispose()
    {
        SqliteConnection.ClearAllPools();
        _directory.Delete(recursive: true);
    }

    [Fact]
    public async Task A_dialog_is_read_back_as_it_was_after_a_restart()
    {
        await InALifeAsync(kit =>
        {
            var writer = kit.ChildActorOf(DialogWriter.Journal(Patience, Patience)(Alice, null));
            Assert.Empty(kit.ExpectMsg<FactsRecovered>(Patience).Facts);
            writer.Tell(new StoreFact(Confirmed));
            Assert.Equal(Confirmed, kit.ExpectMsg<FactStored>(Patience).Fact);
            var next = kit.ChildActorOf(DialogWriter.Journal(Patience, Patience)(Alice, 1));
            next.Tell(new StoreFact(Ended));
            Assert.Equal(Ended, kit.ExpectMsg<FactStored>(Patience).Fact);
        });
        await InALifeAsync(kit =>
        {
            kit.ChildActorOf(DialogWriter.Journal(Patience, Patience)(Alice, null));
            var facts = kit.ExpectMsg<FactsRecovered>(Patience).Facts;
            Assert.Equal(("call-1", Ended), (Assert.IsType<DialogFact.DialogConfirmed>(facts[0]).Dialog.CallId, facts[1]));
        });
    }

    private async Task InALifeAsync(Action<TestKit> act)
    {
        Assert.Null(JournalBootstrap.Prepare(JournalDatabase.Sqlite(Connection)));
        var config = ConfigurationFactory.ParseString("akka.actor.serialization-settings.allow-unregistered-types = false")
            .WithFallback(JournalBootstrap.Configuration(JournalDatabase.Sqlite(Connection)));
        using var system = ActorSystem.Create(
            "life", ActorSystemSetup.Create(BootstrapSetup.Create().WithConfig(config), EngineDefaults.Serializers()));
        using var kit = new TestKit(system);
        act(kit);
        await system.Terminate().WaitAsync(Patience);
    }
}
