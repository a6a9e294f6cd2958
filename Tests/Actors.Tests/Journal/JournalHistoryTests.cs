using System.Net;
using Akka.Actor;
using Akka.Actor.Setup;
using Akka.Configuration;
using Akka.TestKit.Xunit2;
using ConfCluster.Actors.Conference;
using ConfCluster.Actors.Journal;
using ConfCluster.Actors.Participant;
using ConfCluster.Actors.Serialization;
using ConfCluster.Actors.Settings;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Sip.Dialogs;
using ConfCluster.Protocols.Sip.Messages;
using Microsoft.Data.Sqlite;
using Xunit;

namespace ConfCluster.Actors.Tests.Journal;

public sealed class JournalHistoryTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private static readonly ConferenceId Room = new("room");
    private static readonly ParticipantId Alice = new("0123456789abcdef0123456789abcdef");
    private static readonly DateTimeOffset Noon = new DateTimeOffset(2026, 1, 1, 12, 0, 0, TimeSpan.Zero).AddTicks(1);
    private static readonly DialogFact.DialogConfirmed Confirmed = new(
        Room,
        new DialogFacts(
            "call-1", "<sip:room@192.0.2.1>;tag=l", "<sip:alice@example.com>;tag=r", null, 8, "sip:alice@192.0.2.9", [], IsSecure: false),
        new SipFlow(SipTransport.Udp, new IPEndPoint(IPAddress.Loopback, 5060), new IPEndPoint(IPAddress.Loopback, 5080), 0),
        Hidden: false, "v=0\r\n", "v=0\r\n");

    private static readonly DialogFact.DialogEnded Ended = new(LeaveReason.Bye);
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("confcluster-history");

    private string Connection =>
        new SqliteConnectionStringBuilder { DataSource = Path.Combine(_directory.FullName, "journal.db") }.ToString();

    public void Dispose()
    {
        SqliteConnection.ClearAllPools();
        _directory.Delete(recursive: true);
    }

    [Fact]
    public async Task A_conference_tells_its_history_after_a_restart_with_its_own_times()
    {
        await InALifeAsync(kit =>
        {
            var writer = kit.ChildActorOf(ConferenceRegion.JournalOf(new JournalSettings("", "", Patience, Patience))(Room));
            kit.ExpectMsg<JournalRecovered<ConferenceEvent>>(Patience);
            writer.Tell(new Append<ConferenceEvent>(
                [
                    new ConferenceEvent.Taken(new Incarnation(1)) { At = Noon },
                    new ConferenceEvent.Created(Room) { At = Noon },
                    new ConferenceEvent.MixerPlaced(1) { At = Noon },
                    new ConferenceEvent.ParticipantJoined(Alice, "sip:a@example.com", null, new Ssrc(7)) { At = Noon.AddSeconds(1) },
                    new ConferenceEvent.ParticipantLeft(Alice, LeaveReason.Bye) { At = Noon.AddSeconds(2) },
                    new ConferenceEvent.Ended(EndReason.Operator) { At = Noon.AddSeconds(3) },
                ],
                0));
            kit.ExpectMsg<Appended>(Patience);
            return Task.CompletedTask;
        });
        await InALifeAsync(async kit => Assert.Equal(
            [
                new HistoryEntry(1, Noon, "taken by incarnation 1"),
                new HistoryEntry(2, Noon, "created"),
                new HistoryEntry(3, Noon, "mixer placed, its incarnation 1"),
                new HistoryEntry(4, Noon.AddSeconds(1), $"{Alice} joined as sip:a@example.com"),
                new HistoryEntry(5, Noon.AddSeconds(2), $"{Alice} left: Bye"),
                new HistoryEntry(6, Noon.AddSeconds(3), "ended: Operator"),
            ],
            (await HistoryOf(kit).OfAsync(Room, CancellationToken.None)).AsEnumerable()));
    }

    [Fact]
    public async Task A_dialog_is_read_back_as_it_was_and_tells_when_its_facts_were_stored()
    {
        var before = TimeProvider.System.GetUtcNow();
        await InALifeAsync(kit =>
        {
            var writer = kit.ChildActorOf(DialogWriter.Journal(Patience, Patience)(Alice));
            Assert.Empty(kit.ExpectMsg<FactsRecovered>(Patience).Facts);
            foreach (var fact in new DialogFact[] { Confirmed, Ended })
            {
                writer.Tell(new StoreFact(fact));
                Assert.Equal(fact, kit.ExpectMsg<FactStored>(Patience).Fact);
            }

            return Task.CompletedTask;
        });
        await InALifeAsync(async kit =>
        {
            kit.ChildActorOf(DialogWriter.Journal(Patience, Patience)(Alice));
            var facts = kit.ExpectMsg<FactsRecovered>(Patience).Facts;
            Assert.Equal(("call-1", Ended), (Assert.IsType<DialogFact.DialogConfirmed>(facts[0]).Dialog.CallId, facts[1]));
            var history = await HistoryOf(kit).OfAsync(Alice, CancellationToken.None);
            Assert.Equal(
                [(1L, "confirmed with <sip:alice@example.com>;tag=r in room, Call-ID call-1"), (2L, "ended: Bye")],
                history.Select(e => (e.Sequence, e.Text)));
            Assert.All(history, e => Assert.InRange(e.At, before.AddSeconds(-1), TimeProvider.System.GetUtcNow()));
        });
    }

    [Fact]
    public async Task Of_what_never_was_there_is_no_history() => await InALifeAsync(async kit =>
    {
        Assert.Empty(await HistoryOf(kit).OfAsync(new ConferenceId("nobody"), CancellationToken.None));
        Assert.Empty(await HistoryOf(kit).OfAsync(new ParticipantId("nobody"), CancellationToken.None));
    });

    private static JournalHistory HistoryOf(TestKit kit) => new(kit.Sys);

    private async Task InALifeAsync(Func<TestKit, Task> act)
    {
        Assert.Null(JournalBootstrap.Prepare(Connection));
        var config = ConfigurationFactory.ParseString("akka.actor.serialization-settings.allow-unregistered-types = false")
            .WithFallback(JournalBootstrap.Configuration(Connection, "SQLite.MS"));
        using var system = ActorSystem.Create(
            "life", ActorSystemSetup.Create(BootstrapSetup.Create().WithConfig(config), EngineDefaults.Serializers()));
        using var kit = new TestKit(system);
        await act(kit);
        await system.Terminate().WaitAsync(Patience);
    }
}
