using System.Collections.Immutable;
using ConfCluster.Protocols.Conference;

namespace ConfCluster.Protocols.Mixing;

/// <summary>What a mixer does about a state that its conference sent.</summary>
public enum StateOutcome : byte
{
    /// <summary>Apply it, and report when that is done.</summary>
    Apply,

    /// <summary>It is what the mixer has, or an older version of it: nothing.</summary>
    Repeated,

    /// <summary>A lower incarnation: its sender is told which one the mixer obeys.</summary>
    Refused,

    /// <summary>It is meant for a mixer that bore this name before: its SSRCs have been used. Its sender is told that this one knows nothing.</summary>
    OfAnother,
}

/// <summary>
/// The rules of a mixer entity: which state counts, which legs were opened for somebody who never got in, and when the mixer is over. It is
/// over when its conference says so: a mixer id is never used again.
/// </summary>
public sealed record MixerPlan(MixerState? State, bool HadLegs, ImmutableDictionary<ParticipantId, TimeSpan> OpenedAt)
{
    public static readonly MixerPlan Empty = new(null, false, ImmutableDictionary<ParticipantId, TimeSpan>.Empty);

    /// <summary>The number of this life of the mixer.</summary>
    public long Born { get; init; }

    /// <summary>It forwards packets unopened, and takes no key.</summary>
    public bool IsSwitching => State is { ForwardsFrom: not null };

    public bool IsOver => State is { IsLast: true };

    /// <summary>Over, and the lane has applied the state that says so.</summary>
    public bool IsOverAt(Incarnation incarnation, long version) => IsOver && State!.Incarnation == incarnation && State.Version == version;

    public StateOutcome Judge(MixerState state)
    {
        ArgumentNullException.ThrowIfNull(state);
        if (state.Born != 0 && state.Born != Born || state.IsFound && State is null) return StateOutcome.OfAnother;
        if (state.IsNewerThan(State)) return StateOutcome.Apply;
        return state.Incarnation < State!.Incarnation ? StateOutcome.Refused : StateOutcome.Repeated;
    }

    /// <summary>Whether it may be told that it is in charge by that life of its conference.</summary>
    public bool Obeys(Incarnation incarnation) => !(incarnation < State?.Incarnation);

    public MixerPlan With(MixerState state)
    {
        ArgumentNullException.ThrowIfNull(state);
        return this with { State = state, HadLegs = HadLegs || !state.Legs.IsEmpty };
    }

    /// <summary>Asking again does not prolong the wait.</summary>
    public MixerPlan Opened(ParticipantId participant, TimeSpan now) =>
        OpenedAt.ContainsKey(participant) ? this : this with { OpenedAt = OpenedAt.Add(participant, now) };

    public MixerPlan Closed(ParticipantId participant) => this with { OpenedAt = OpenedAt.Remove(participant) };

    /// <summary>
    /// Legs that were opened at least <paramref name="timeout"/> ago and are not in the newest state: never admitted, or expelled by a
    /// conference whose participant did not close its leg.
    /// </summary>
    public ImmutableArray<ParticipantId> Unadmitted(TimeSpan now, TimeSpan timeout)
    {
        var admitted = State?.Legs.Select(l => l.Participant).ToHashSet() ?? [];
        return [.. OpenedAt.Where(o => now - o.Value >= timeout && !admitted.Contains(o.Key)).Select(o => o.Key)];
    }

    /// <summary>Time alone may bring <see cref="Unadmitted"/> or <see cref="IsIdle"/> about. False: not before something changes.</summary>
    public bool IsWaiting
    {
        get
        {
            if (OpenedAt.IsEmpty) return !HadLegs;
            var admitted = State?.Legs.Select(l => l.Participant).ToHashSet() ?? [];
            return OpenedAt.Keys.Any(p => !admitted.Contains(p));
        }
    }

    /// <summary>Nobody is in and nobody knocks: a mixer that only a stray message woke.</summary>
    public bool IsIdle(TimeSpan now, TimeSpan timeout) => !HadLegs && OpenedAt.IsEmpty && now >= timeout;
}
