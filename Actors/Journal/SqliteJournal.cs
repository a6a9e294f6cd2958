using System.Collections.Immutable;
using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Configuration;
using Akka.Persistence;
using Akka.Persistence.Journal;

namespace ConfCluster.Actors.Journal;

/// <summary>
/// The engine's journal over <see cref="JournalFile"/>, for the SQLite file of a node. Keeps no tags.
/// </summary>
public sealed class SqliteJournal : AsyncWriteJournal
{
    private static readonly ImmutableList<Exception?> OneAccepted = [null];
    private readonly Akka.Serialization.Serialization _serialization = Context.System.Serialization;
    private readonly string _writer = Guid.NewGuid().ToString("N");
    private readonly JournalFile _file;

    public SqliteJournal(Config config)
    {
        ArgumentNullException.ThrowIfNull(config);
        _file = JournalFile.Start(config.GetString("connection-string"), config.GetTimeSpan("commit-distance"), TimeProvider.System);
    }

    public override Task ReplayMessagesAsync(
        IActorContext context, string persistenceId, long fromSequenceNr, long toSequenceNr, long max,
        Action<IPersistentRepresentation> recoveryCallback) =>
        _file.ReadAsync(persistenceId, fromSequenceNr, toSequenceNr, max, row => recoveryCallback(Read(row)));

    public override Task<long> ReadHighestSequenceNrAsync(string persistenceId, long fromSequenceNr, CancellationToken cancellationToken) =>
        _file.HighestAsync(persistenceId);

    protected override void PostStop()
    {
        _file.Dispose();
        base.PostStop();
    }

    protected override async Task<IImmutableList<Exception?>> WriteMessagesAsync(
        IEnumerable<AtomicWrite> messages, CancellationToken cancellationToken)
    {
        var rows = new List<JournalRow>();
        var rejected = messages.Select(Exception? (m) => Gather(m, rows)).ToImmutableList();
        if (rows.Count > 0) await _file.WriteAsync(rows).ConfigureAwait(false);
        return rejected.Count == 1 && rejected[0] is null ? OneAccepted : rejected;
    }

    protected override Task DeleteMessagesToAsync(string persistenceId, long toSequenceNr, CancellationToken cancellationToken) =>
        _file.DeleteAsync(persistenceId, toSequenceNr);

    /// <summary>What cannot be written as bytes is rejected before anything of it is stored.</summary>
    private SerializationException? Gather(AtomicWrite write, List<JournalRow> rows)
    {
        try
        {
            var events = (IEnumerable<IPersistentRepresentation>)write.Payload;
            rows.AddRange(events.Select(Row).ToList());
            return null;
        }
        catch (SerializationException e)
        {
            return e;
        }
    }

    private JournalRow Row(IPersistentRepresentation entry)
    {
        var serializer = _serialization.FindSerializerFor(entry.Payload);
        return new JournalRow(
            entry.PersistenceId, entry.SequenceNr, entry.Timestamp == 0 ? DateTime.UtcNow.Ticks : entry.Timestamp,
            Akka.Serialization.Serialization.WithTransport(_serialization.System, (serializer, entry.Payload), s => s.serializer.ToBinary(s.Payload)),
            Akka.Serialization.Serialization.ManifestFor(serializer, entry.Payload), serializer.Identifier, _writer);
    }

    private Persistent Read(JournalRow row) => new(
        _serialization.Deserialize(row.Message, row.Serializer, row.Manifest), row.Sequence, row.PersistenceId, row.Manifest, isDeleted: false,
        ActorRefs.NoSender, row.Writer, row.Created);
}
