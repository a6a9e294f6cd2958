using Akka.Actor;
using Akka.Actor.Setup;
using Akka.Configuration;
using Akka.TestKit.Xunit2;
using ConfCluster.Actors.Conference;
using ConfCluster.Actors.Journal;
using ConfCluster.Actors.Serialization;
using ConfCluster.Actors.Settings;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Rtp;
using Microsoft.Data.Sqlite;
using Xunit;

namespace ConfCluster.Actors.Tests.Journal;

public sealed class SqliteJournalTests : IDisposable
{
    private static readonly ConferenceId Room = new("room");
    private static readonly DateTimeOffset Noon = new DateTimeOffset(2026, 1, 1, 12, 0, 0, TimeSpan.Zero).AddTicks(1);
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("confcluster-journal");

    private JournalDatabase Database => JournalDatabase.InDirectory(_directory.FullName);

    public void Dispose()
    {
        SqliteConnection.ClearAllPools();
        _directory.Delete(recursive: true);
    }

    [Fact]
    public void Facts_outlive_the_process_in_the_file_exactly_as_they_were()
    {
        ConferenceEvent[] facts =
        [
            new ConferenceEvent.Taken(new Incarnation(1)) { At = Noon },
            new ConferenceEvent.Created(Room) { At = Noon },
            new ConferenceEvent.MixerPlaced(1) { At = Noon },
            new ConferenceEvent.ParticipantJoined(new ParticipantId("a"), "sip:a@example.com", "A", new Ssrc(7)) { At = Noon },
        ];
        Assert.Null(JournalBootstrap.Prepare(Database));
        InALife(kit =>
        {
            var (owner, writer) = Open(kit, []);
            writer.Tell(new Append<ConferenceEvent>([.. facts], 0), owner);
            Assert.Equal(4, kit.ExpectMsg<Appended>(TimeSpan.FromSeconds(20)).Sequence);
        });
        Assert.Null(JournalBootstrap.Prepare(Database));
        InALife(kit => Open(kit, facts));
    }

    [Fact]
    public void The_journal_is_written_ahead_and_lies_in_the_data_directory()
    {
        Assert.Null(JournalBootstrap.Prepare(Database));
        using var connection = new SqliteConnection(Database.ConnectionString);
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "PRAGMA journal_mode";
        Assert.Equal("wal", command.ExecuteScalar());
        Assert.True(File.Exists(Path.Combine(_directory.FullName, "journal.db")));
    }

    [Fact]
    public void A_file_that_is_no_journal_is_refused_with_a_sentence()
    {
        File.WriteAllText(Path.Combine(_directory.FullName, "journal.db"), new string('x', 5000));
        Assert.StartsWith("The journal ", JournalBootstrap.Prepare(Database), StringComparison.Ordinal);
    }

    [Fact]
    public void A_damaged_journal_is_refused_with_a_sentence()
    {
        Assert.Null(JournalBootstrap.Prepare(Database));
        using (var connection = new SqliteConnection(Database.ConnectionString))
        {
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = "CREATE TABLE t(a TEXT); CREATE INDEX i ON t(a); " +
                "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM n WHERE x<2000) " +
                "INSERT INTO t SELECT hex(randomblob(50)) FROM n; " +
                "PRAGMA wal_checkpoint(TRUNCATE)";
            command.ExecuteNonQuery();
        }

        SqliteConnection.ClearAllPools();
        using (var file = File.OpenWrite(Path.Combine(_directory.FullName, "journal.db")))
        {
            file.Position = 3 * 4096;
            file.Write(new byte[4096]);
        }

        Assert.Contains("is damaged", JournalBootstrap.Prepare(Database), StringComparison.Ordinal);
    }

    private void InALife(Action<TestKit> act)
    {
        var config = ConfigurationFactory.ParseString("akka.actor.serialization-settings.allow-unregistered-types = false")
            .WithFallback(JournalBootstrap.Configuration(Database));
        using var system = ActorSystem.Create(
            "life", ActorSystemSetup.Create(BootstrapSetup.Create().WithConfig(config), EngineDefaults.Serializers()));
        using var kit = new TestKit(system);
        act(kit);
        Assert.True(system.Terminate().Wait(TimeSpan.FromSeconds(20)));
    }

    private static (IActorRef Owner, IActorRef Writer) Open(TestKit kit, ConferenceEvent[] held)
    {
        var settings = new JournalSettings(JournalDatabase.Sqlite(""), TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(1));
        var journal = ConferenceRegion.JournalOf(settings);
        var writer = kit.ChildActorOf(journal(Room, null));
        Assert.Equal<ConferenceEvent>(held, kit.ExpectMsg<JournalRecovered<ConferenceEvent>>(TimeSpan.FromSeconds(20)).Events);
        return (kit.TestActor, writer);
    }
}
