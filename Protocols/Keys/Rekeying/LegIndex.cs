using System.Collections.Immutable;

namespace ConfCluster.Protocols.Keys.Rekeying;

/// <summary>What of an epoch is left to be done: legs that are sent media under it, and legs that took it and move soon.</summary>
/// <param name="Known">Phones that have its key, where they are told to forget.</param>
internal readonly record struct EpochTally(int InUse, int Moving, int Known)
{
    public static EpochTally operator +(EpochTally a, EpochTally b) => new(a.InUse + b.InUse, a.Moving + b.Moving, a.Known + b.Known);
}

/// <summary>
/// The legs of a <see cref="RekeyState"/> by what they wait for, kept with every change of one of them: a step of the machine looks at the legs that it
/// concerns and not at all of a thousand. Everything in it follows from the legs.
/// </summary>
internal sealed record LegIndex
{
    private static readonly ImmutableSortedSet<(TimeSpan At, string Participant)> NoTimes =
        ImmutableSortedSet<(TimeSpan At, string Participant)>.Empty.WithComparer(Comparer<(TimeSpan At, string Participant)>.Create(
            (a, b) => a.At != b.At ? a.At.CompareTo(b.At) : string.CompareOrdinal(a.Participant, b.Participant)));

    public static readonly LegIndex Empty = new();

    private LegIndex()
    {
    }

    /// <summary>Legs that took a key and are moved then.</summary>
    public ImmutableSortedSet<(TimeSpan At, string Participant)> Moves { get; private init; } = NoTimes;

    /// <summary>Legs that are offered the same again, not before.</summary>
    public ImmutableSortedSet<(TimeSpan At, string Participant)> Retries { get; private init; } = NoTimes;

    /// <summary>Legs whose offer is out and counts as that until then.</summary>
    public ImmutableSortedSet<(TimeSpan At, string Participant)> Out { get; private init; } = NoTimes;

    /// <summary>Legs whose offer is open until then at most.</summary>
    public ImmutableSortedSet<(TimeSpan At, string Participant)> Lapses { get; private init; } = NoTimes;

    /// <summary>Legs with nothing open that are told to forget keys, not before.</summary>
    public ImmutableSortedSet<(TimeSpan At, string Participant)> Sheds { get; private init; } = NoTimes;

    /// <summary>Legs with nothing open, the furthest behind first: they can be offered epochs younger than the one they have reached.</summary>
    public ImmutableSortedSet<(KeyEpoch Reached, string Participant)> Free { get; private init; } =
        ImmutableSortedSet<(KeyEpoch Reached, string Participant)>.Empty.WithComparer(Comparer<(KeyEpoch Reached, string Participant)>.Create(
            (a, b) => a.Reached != b.Reached ? a.Reached.CompareTo(b.Reached) : string.CompareOrdinal(a.Participant, b.Participant)));

    public ImmutableSortedDictionary<KeyEpoch, EpochTally> Tallies { get; private init; } = ImmutableSortedDictionary<KeyEpoch, EpochTally>.Empty;

    /// <summary>Legs whose media is forwarded unopened.</summary>
    public int Switched { get; private init; }

    /// <summary>Changes whenever what any leg is sent does, and never comes back.</summary>
    public long Uses { get; init; }

    public EpochTally Of(KeyEpoch epoch) => Tallies.GetValueOrDefault(epoch);

    /// <param name="old">As it was; null: it is new.</param>
    /// <param name="leg">As it is now; null: it is gone.</param>
    public LegIndex With(LegKeys? old, LegKeys? leg)
    {
        var who = (old ?? leg)!.Participant;
        return this with
        {
            Moves = Moved(Moves, old?.MovesAt, leg?.MovesAt, who),
            Retries = Moved(Retries, old?.RetryAt, leg?.RetryAt, who),
            Out = Moved(Out, old?.CountsUntil, leg?.CountsUntil, who),
            Lapses = Moved(Lapses, old?.OpenUntil, leg?.OpenUntil, who),
            Sheds = Moved(Sheds, Shedding(old), Shedding(leg), who),
            Free = Moved(Free, Reached(old), Reached(leg), who),
            Tallies = Count(Count(Tallies, old, -1), leg, 1),
            Switched = Switched + (leg?.Keying == LegKeying.Switched ? 1 : 0) - (old?.Keying == LegKeying.Switched ? 1 : 0),
            Uses = old?.InUse != leg?.InUse || old?.KnowsOwnKey != leg?.KnowsOwnKey || old?.Keying != leg?.Keying
                || old?.Since != leg?.Since ? Uses + 1 : Uses,
        };
    }

    private static TimeSpan? Shedding(LegKeys? leg) => leg is { IsFree: true } ? leg.ShedsAt : null;

    private static KeyEpoch? Reached(LegKeys? leg)
    {
        if (leg is not { IsFree: true }) return null;
        return leg.Confirmed is { } confirmed && confirmed > leg.JoinedAfter ? confirmed : leg.JoinedAfter;
    }

    private static ImmutableSortedSet<(T At, string Participant)> Moved<T>(
        ImmutableSortedSet<(T At, string Participant)> set, T? from, T? to, string who)
        where T : struct, IEquatable<T>
    {
        if (from is { } a && to is { } b && a.Equals(b) || from is null && to is null) return set;
        if (from is { } gone) set = set.Remove((gone, who));
        return to is { } come ? set.Add((come, who)) : set;
    }

    private static ImmutableSortedDictionary<KeyEpoch, EpochTally> Count(ImmutableSortedDictionary<KeyEpoch, EpochTally> tallies, LegKeys? leg, int by)
    {
        if (leg is null) return tallies;
        if (leg.InUse is { } used) tallies = Add(tallies, used, new EpochTally(by, 0, 0));
        foreach (var known in leg.Knows) tallies = Add(tallies, known, new EpochTally(0, 0, by));
        return leg is { MovesAt: not null, Confirmed: { } taken } ? Add(tallies, taken, new EpochTally(0, by, 0)) : tallies;
    }

    private static ImmutableSortedDictionary<KeyEpoch, EpochTally> Add(ImmutableSortedDictionary<KeyEpoch, EpochTally> tallies, KeyEpoch epoch, EpochTally by)
    {
        var sum = tallies.GetValueOrDefault(epoch) + by;
        return sum == default ? tallies.Remove(epoch) : tallies.SetItem(epoch, sum);
    }
}
