using System.Collections.Immutable;
using ConfCluster.Actors.Audit;
using ConfCluster.Actors.Conference;
using ConfCluster.Actors.Journal;
using ConfCluster.Actors.Serialization;
using ConfCluster.Protocols.Audit;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Keys.Rekeying;
using ConfCluster.Protocols.Rtp;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Time.Testing;

namespace ConfCluster.Actors.Tests.Audit;

/// <summary>A data directory with a real journal file, an audit key and its heads.</summary>
internal sealed class AuditScene : IDisposable
{
    public const string Room = "room";
    public static readonly DateTimeOffset Noon = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("confcluster-audit");
    private readonly Dictionary<string, long> _numbers = [];

    public AuditScene()
    {
        Connection = new SqliteConnectionStringBuilder { DataSource = Path.Combine(_directory.FullName, "journal.db"), Pooling = false }.ToString();
        using var tables = new JournalTables(Connection);
        KeyFile = new AuditKeyFile(Path.Combine(_directory.FullName, "audit", "key.pem"));
    }

    public string Connection { get; }

    public AuditKeyFile KeyFile { get; }

    public AuditJournal Journal => new(JournalDatabase.Sqlite(Connection));

    public FakeTimeProvider Clock { get; } = new(Noon);

    public AuditPublicKey PublicKey
    {
        get
        {
            using var seed = KeyFile.Open(out _)!;
            return AuditKey.PublicOf(seed);
        }
    }

    public void Dispose()
    {
        SqliteConnection.ClearAllPools();
        _directory.Delete(recursive: true);
    }

    public AuditSigner Signer(long after = 0) => new(Journal, KeyFile.HeadDirectory, KeyFile.Open(out _)!, after, Clock);

    public ImmutableArray<AuditHead> Heads(string room = Room) => AuditHeadFile.Of(KeyFile.HeadDirectory, room)!.Read();

    public ImmutableArray<AuditViolation> Verify() => AuditChain.Verify(Room, AuditChain.Link(Room, Journal.Of(Room)), Heads(), PublicKey);

    /// <summary>As the journal of a node would.</summary>
    public void Store(string room, params ConferenceEvent[] events)
    {
        using var tables = new JournalTables(Connection);
        tables.InOneWrite(() =>
        {
            foreach (var happened in events)
            {
                var entry = WireTable.Of(happened.GetType());
                _numbers[room] = _numbers.GetValueOrDefault(room) + 1;
                tables.Insert(new JournalRow(ConferenceRegion.PersistenceId(new ConferenceId(room)), _numbers[room], 0, entry.Write(happened), entry.Manifest, 7001, "w"));
            }
        });
    }

    public int Change(string sql)
    {
        using var connection = new SqliteConnection(Connection);
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteNonQuery();
    }

    public static ConferenceEvent[] Beginning() =>
    [
        new ConferenceEvent.Taken(new Incarnation(1)) { At = Noon },
        new ConferenceEvent.Created(new ConferenceId(Room)) { At = Noon },
        new ConferenceEvent.KeyPolicySet(RekeyPolicy.Default) { At = Noon },
        Join("a"), Join("b"), Epoch(1, Noon),
        new ConferenceEvent.LegsProgressed([new LegStep(new ParticipantId("a"), LegStepKind.Sent, new KeyEpoch(1), Noon)]) { At = Noon },
    ];

    public static ConferenceEvent.ParticipantJoined Join(string name) =>
        new(new ParticipantId(name), $"sip:{name}@example.com", null, new Ssrc(name[0])) { At = Noon, Keying = LegKeying.GroupByMki };

    public static ConferenceEvent.KeyEpochBegan Epoch(uint number, DateTimeOffset at) => new(new KeyEpoch(number), RekeyReason.Asked, []) { At = at };

    public static ConferenceEvent.Ended End() => new(EndReason.Operator) { At = Noon.AddMinutes(1) };
}
