using System.Threading.Channels;
using Akka.Actor;
using Akka.Actor.Setup;
using Akka.Configuration;
using ConfCluster.Actors.Audit;
using ConfCluster.Actors.Conference;
using ConfCluster.Actors.Journal;
using ConfCluster.Actors.Serialization;
using ConfCluster.Actors.Settings;
using ConfCluster.Host.Trial;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Rtp;
using Npgsql;
using Xunit;

namespace ConfCluster.Cluster.Tests.InProcess;

/// <summary>The journal in a real PostgreSQL.</summary>
public sealed class PostgresJournalTests : IAsyncLifetime
{
    private static readonly ConferenceId Room = new("room");
    private static readonly DateTimeOffset Noon = new DateTimeOffset(2026, 1, 1, 12, 0, 0, TimeSpan.Zero).AddTicks(1);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private static readonly ConferenceEvent[] Facts =
    [
        new ConferenceEvent.Taken(new Incarnation(1)) { At = Noon }, new ConferenceEvent.Created(Room) { At = Noon },
        new ConferenceEvent.MixerPlaced(1) { At = Noon },
        new ConferenceEvent.ParticipantJoined(new ParticipantId("a"), "sip:a@example.com", "Ä", new Ssrc(7)) { At = Noon },
    ];

    private LocalPostgres? _server;

    private JournalDatabase Database => JournalDatabase.PostgreSql(_server!.ConnectionString, File.ReadLines(_server.PasswordFile).First(), out _)!;

    public async Task InitializeAsync()
    {
        if (LocalPostgres.FindPrograms() is null) return;
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        (_server, var problem) = await LocalPostgres.StartAsync(patience.Token);
        Assert.True(_server is not null, problem);
    }

    public async Task DisposeAsync()
    {
        NpgsqlConnection.ClearAllPools();
        if (_server is not null) await _server.DisposeAsync();
    }

    [SkippableFact]
    public void Tables_are_made_when_they_are_asked_for_and_once()
    {
        Require();
        Assert.Contains("db init", JournalBootstrap.Prepare(Database), StringComparison.Ordinal);
        Assert.Null(JournalSchema.Init(Database, out var made));
        Assert.True(made);
        Assert.Null(JournalSchema.Init(Database, out made));
        Assert.False(made);
        Assert.Null(JournalBootstrap.Prepare(Database));
    }

    [SkippableTheory]
    [InlineData("ALTER TABLE journal DROP CONSTRAINT journal_uq", "unique constraint")]
    [InlineData("ALTER TABLE journal DROP COLUMN manifest", "not as")]
    [InlineData("UPDATE confcluster_schema SET version = 9", "version 9")]
    public void Tables_that_are_not_ours_are_refused(string change, string said)
    {
        Require();
        Assert.Null(JournalSchema.Init(Database, out _));
        Run(change);
        Assert.Contains(said, JournalBootstrap.Prepare(Database), StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task A_database_that_is_not_there_is_told_in_a_sentence_without_its_password()
    {
        Require();
        var database = Database;
        await _server!.CutAsync();
        var problem = JournalBootstrap.Prepare(database)!;
        Assert.StartsWith("The database confcluster at 127.0.0.1", problem, StringComparison.Ordinal);
        Assert.DoesNotContain(File.ReadLines(_server.PasswordFile).First(), problem, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task What_one_life_writes_the_next_one_reads_and_the_audit_as_well_and_of_two_writers_the_second_is_told()
    {
        Require();
        Assert.Null(JournalSchema.Init(Database, out _));
        var (first, second) = (Life("one"), Life("two"));
        var stale = await OpenAsync(second, []);
        var writer = await OpenAsync(first, []);
        Assert.Equal(4L, ((Appended)await writer.AskAsync(new Append<ConferenceEvent>([.. Facts], 0))).Sequence);
        Assert.IsType<JournalOvertaken>(await stale.AskAsync(new Append<ConferenceEvent>([Facts[0]], 0), ignore: typeof(JournalFailing)));
        await first.Terminate();
        await second.Terminate();

        var third = Life("three");
        await OpenAsync(third, Facts);
        var stored = await new JournalReader(third, Database).OfAsync(ConferenceRegion.PersistenceId(Room), CancellationToken.None);
        Assert.Equal(Facts, stored.Select(s => (ConferenceEvent)s.Event));
        Assert.Equal(4, stored[^1].Number);
        await third.Terminate();

        var audit = new AuditJournal(Database);
        Assert.Equal<string>(["room"], audit.Conferences());
        Assert.Equal([1L, 2, 3, 4], audit.Of("room").Select(r => r.Number));
        var (events, row) = audit.After(0);
        Assert.Equal(4, events.Length);
        Assert.Equal(JournalReader.LastRow(Database), row);
        Assert.Empty(audit.After(row).Events);
    }

    [SkippableFact]
    public async Task A_row_that_is_committed_after_a_later_one_is_audited_with_the_next_look()
    {
        Require();
        Assert.Null(JournalSchema.Init(Database, out _));
        var audit = new AuditJournal(Database);
        await using var slow = (NpgsqlConnection)Database.Open();
        await using var transaction = await slow.BeginTransactionAsync();
        Insert(slow, "conference-slow");
        using (var quick = (NpgsqlConnection)Database.Open()) Insert(quick, "conference-quick");
        var (events, row) = audit.After(0);
        Assert.Equal<string>(["quick"], events.Select(e => e.Conference));
        await transaction.CommitAsync();
        Assert.Equal<string>(["slow"], audit.After(row).Events.Select(e => e.Conference));
        Assert.Empty(audit.After(row).Events);
    }

    [SkippableFact]
    public void Who_only_reads_cannot_write()
    {
        Require();
        Assert.Null(JournalSchema.Init(Database, out _));
        using var connection = Database.Open(readOnly: true);
        using var command = connection.CreateCommand();
        command.CommandText = "DELETE FROM journal";
        Assert.Equal("25006", Assert.Throws<PostgresException>(() => command.ExecuteNonQuery()).SqlState);
    }

    private void Require()
    {
        if (Environment.GetEnvironmentVariable("CI") == "true") Assert.True(_server is not null, "PostgreSQL is not installed (package postgresql)");
        Skip.If(_server is null, "PostgreSQL is not installed (package postgresql)");
    }

    private void Run(string sql)
    {
        using var connection = Database.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    private static void Insert(NpgsqlConnection connection, string id)
    {
        using var command = connection.CreateCommand();
        command.CommandText = "INSERT INTO journal (created, deleted, persistence_id, sequence_number, message, manifest, identifier) VALUES (0, false, @id, 1, @m, 'c.created.1', 7001)";
        command.Parameters.AddWithValue("@id", id);
        command.Parameters.AddWithValue("@m", WireTable.Of(typeof(ConferenceEvent.Created)).Write(Facts[1]));
        command.ExecuteNonQuery();
    }

    private ActorSystem Life(string name) => ActorSystem.Create(name, ActorSystemSetup.Create(
        BootstrapSetup.Create().WithConfig(ConfigurationFactory.ParseString("akka.actor.serialization-settings.allow-unregistered-types = false")
            .WithFallback(JournalBootstrap.Configuration(Database))), EngineDefaults.Serializers()));

    private static async Task<Owner> OpenAsync(ActorSystem system, ConferenceEvent[] held)
    {
        var settings = new JournalSettings(JournalDatabase.Sqlite(""), TimeSpan.FromMilliseconds(50), TimeSpan.FromSeconds(1));
        var owner = new Owner(system, ConferenceRegion.JournalOf(settings)(Room, null));
        Assert.Equal<ConferenceEvent>(held, ((JournalRecovered<ConferenceEvent>)await owner.HearAsync()).Events);
        return owner;
    }

    /// <summary>The parent that a writer tells everything.</summary>
    private sealed class Owner
    {
        private readonly Channel<object> _heard = Channel.CreateUnbounded<object>();
        private readonly IActorRef _parent;

        public Owner(ActorSystem system, Props writer) => _parent = system.ActorOf(Props.Create(() => new Parent(writer, _heard.Writer)));

        public async Task<object> HearAsync(Type? ignore = null)
        {
            using var patience = new CancellationTokenSource(Patience);
            while (true)
            {
                var heard = await _heard.Reader.ReadAsync(patience.Token);
                if (heard.GetType() != ignore) return heard;
            }
        }

        public Task<object> AskAsync(object message, Type? ignore = null)
        {
            _parent.Tell(message);
            return HearAsync(ignore);
        }
    }

    private sealed class Parent : ReceiveActor
    {
        public Parent(Props writer, ChannelWriter<object> heard)
        {
            var child = Context.ActorOf(writer);
            ReceiveAny(m =>
            {
                if (m is Append<ConferenceEvent>) child.Tell(m);
                else heard.TryWrite(m);
            });
        }
    }
}
