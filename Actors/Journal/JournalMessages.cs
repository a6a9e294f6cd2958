using System.Collections.Immutable;

namespace ConfCluster.Actors.Journal;

/// <summary>Owner to <see cref="JournalWriter{T}"/>: one atomic write after the sequence number that the owner was last told.</summary>
public sealed record Append<T>(ImmutableArray<T> Events, long ExpectedSequence);

/// <summary>The first thing that the writer tells its owner.</summary>
public sealed record JournalRecovered<T>(ImmutableArray<T> Events, long Sequence);

/// <summary>The batch is stored, however long that took.</summary>
public sealed record Appended(long Sequence);

/// <summary>Reading or writing failed; it is tried again, and nothing is lost.</summary>
public sealed record JournalFailing
{
    public static readonly JournalFailing Instance = new();
}

/// <summary>Somebody else has written under this id: the owner is the duplicate.</summary>
public sealed record JournalOvertaken
{
    public static readonly JournalOvertaken Instance = new();
}
