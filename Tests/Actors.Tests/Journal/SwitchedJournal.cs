using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using Akka.Actor;
using Akka.Persistence;
using Akka.Persistence.Journal;

namespace ConfCluster.Actors.Tests.Journal;

public enum JournalHealth
{
    Works,

    /// <summary>Nothing gets in.</summary>
    Fails,

    /// <summary>The next batch gets in, but nobody hears of it; the ones after it fail.</summary>
    LosesAnswer,
}

/// <summary>A journal in memory that fails on command.</summary>
public sealed class SwitchedJournal : MemoryJournal
{
    public const string Config = """
        akka.persistence.journal.plugin = "switched"
        switched.class = "ConfCluster.Actors.Tests.Journal.SwitchedJournal, ConfCluster.Actors.Tests"
        switched.circuit-breaker.max-failures = 1000
        """;

    private static readonly ConditionalWeakTable<ActorSystem, StrongBox<JournalHealth>> Switches = [];

    public static StrongBox<JournalHealth> SwitchOf(ActorSystem system) => Switches.GetValue(system, _ => new StrongBox<JournalHealth>());

    protected override async Task<IImmutableList<Exception>> WriteMessagesAsync(
        IEnumerable<AtomicWrite> messages, CancellationToken cancellationToken)
    {
        var health = SwitchOf(Context.System);
        var now = health.Value;
        if (now == JournalHealth.Fails) throw new IOException("the disk is away");
        var written = await base.WriteMessagesAsync(messages, cancellationToken);
        if (now == JournalHealth.Works) return written;
        health.Value = JournalHealth.Fails;
        throw new IOException("the disk went away");
    }

    public override Task<long> ReadHighestSequenceNrAsync(string persistenceId, long fromSequenceNr, CancellationToken cancellationToken) =>
        SwitchOf(Context.System).Value == JournalHealth.Fails
            ? Task.FromException<long>(new IOException("the disk is away"))
            : base.ReadHighestSequenceNrAsync(persistenceId, fromSequenceNr, cancellationToken);
}
