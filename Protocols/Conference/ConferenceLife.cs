using System.Collections.Immutable;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Keys.Rekeying;

namespace ConfCluster.Protocols.Conference;

/// <summary>
/// One life of a conference in memory: what is stored (<see cref="State"/>) and what is under way. Only one batch is written at a time;
/// what comes meanwhile waits in order.
/// </summary>
public sealed record ConferenceLife
{
    private ConferenceLife(ConferenceState state) => State = state;

    /// <summary>Exactly the fold of what the journal holds.</summary>
    public ConferenceState State { get; internal init; }

    public bool IsRecovered { get; internal init; }

    /// <summary>This life has stored its incarnation; before, it tells no mixer anything.</summary>
    public bool IsTaken { get; internal init; }

    public bool IsJournalFailing { get; internal init; }

    /// <summary>The newest version told to any mixer; grows with each, for the whole life.</summary>
    public long Version { get; internal init; }

    /// <summary>The newest version that any mixer in charge was told; 0 without one.</summary>
    public long WantedVersion => Known.IsEmpty ? 0 : Known.Values.Max(m => m.Published.Version);

    /// <summary>What the mixers say they do: <see cref="WantedVersion"/> when each does what it was told last, else the version of one that lags.</summary>
    public long AppliedVersion => Known.IsEmpty
        ? 0
        : Known.Values.Where(m => m.AppliedVersion < m.Published.Version).Select(m => (long?)m.AppliedVersion).Min() ?? WantedVersion;

    /// <summary>Who was invited, in the order of asking.</summary>
    public ImmutableList<Callout> Callouts { get; internal init; } = [];

    /// <summary>Neither active nor about to be: nothing is lost when it goes.</summary>
    public bool IsQuiet => IsRecovered && !State.IsActive && Pending is null && Waiting.IsEmpty && !HasNotes;

    /// <summary>Nothing is being written, and the last write was done.</summary>
    public bool NeedsNoWriter => IsRecovered && Pending is null && !IsJournalFailing;

    internal bool HasNotes => !Steps.IsEmpty || !Notes.IsEmpty;

    internal Batch? Pending { get; init; }

    internal ImmutableList<ConferenceCommand> Waiting { get; init; } = [];

    /// <summary>Left, as far as media goes, and not stored yet.</summary>
    internal ImmutableHashSet<ParticipantId> Departed { get; init; } = [];

    /// <summary>Refused while their join was being written; it may be stored all the same.</summary>
    internal ImmutableHashSet<ParticipantId> Abandoned { get; init; } = [];

    /// <summary>The mixers in charge that were told a state, by number.</summary>
    internal ImmutableSortedDictionary<int, KnownMixer> Known { get; init; } = ImmutableSortedDictionary<int, KnownMixer>.Empty;

    /// <summary>The newest state told to the first of them.</summary>
    internal MixerState? Published => Known.TryGetValue(0, out var first) ? first.Published : null;

    /// <summary>When the next of them, or of those that leave, must have been heard of again.</summary>
    internal DateTimeOffset ReportDue => Known.IsEmpty ? default : Known.Values.Select(m => m.ReportDue).Concat(Leaving.Values.Select(m => m.ReportDue)).Min();

    /// <summary>Which mixers send to each other, and the generation of their keys.</summary>
    internal (ImmutableArray<MixerId> Mixers, long Generation) Trunk { get; init; } = ([], 0);

    /// <summary>What the mixers were last told of or needed not be told of: whoever is in is looked at once per change, not once per message.</summary>
    internal (ConferenceState? State, ImmutableHashSet<ParticipantId>? Departed, long Uses, ImmutableArray<KeyEpoch> Epochs) Looked { get; init; } = (null, null, 0, []);

    /// <summary>The last state told to each mixer that is in charge no more.</summary>
    internal ImmutableDictionary<MixerId, MixerState> Dismissed { get; init; } = ImmutableDictionary<MixerId, MixerState>.Empty;

    /// <summary>How far the participants' sources have come at their mixers, as those said last.</summary>
    internal ImmutableDictionary<ParticipantId, ImmutableArray<UplinkIndex>> Uplinks { get; init; } =
        ImmutableDictionary<ParticipantId, ImmutableArray<UplinkIndex>>.Empty;

    /// <summary>Which keys participants send with, where several mixers said so.</summary>
    internal ImmutableDictionary<ParticipantId, ImmutableArray<KeyMark>> UplinkKeys { get; init; } =
        ImmutableDictionary<ParticipantId, ImmutableArray<KeyMark>>.Empty;

    /// <summary>The mixers that were in charge when this life began.</summary>
    internal ImmutableHashSet<MixerId> FoundMixers { get; init; } = [];

    /// <summary>A mixer waits for its successor.</summary>
    public bool HasLeaving => !Leaving.IsEmpty;

    /// <summary>Mixers that have a successor and go on until their legs are there, by number.</summary>
    internal ImmutableSortedDictionary<int, LeavingMixer> Leaving { get; init; } = ImmutableSortedDictionary<int, LeavingMixer>.Empty;

    /// <summary>Mixers in a row that were lost before they said anything, by number.</summary>
    internal ImmutableDictionary<int, int> Misplaced { get; init; } = ImmutableDictionary<int, int>.Empty;

    /// <summary>Mixers that had no room for a leg, and when they last said so.</summary>
    internal ImmutableDictionary<MixerId, DateTimeOffset> Full { get; init; } = ImmutableDictionary<MixerId, DateTimeOffset>.Empty;

    /// <summary>Legs that may not be at the mixer in charge yet, or whose peers do not know it.</summary>
    public ImmutableSortedDictionary<string, LegMove> Moves { get; internal init; } = LegMoves.None;

    /// <summary>When they were told to move, and how many they were.</summary>
    internal (DateTimeOffset Since, int Legs) Moving { get; init; }

    /// <summary>The group keys, but for their secrets.</summary>
    public RekeyState Keys { get; internal init; } = RekeyState.Empty;

    /// <summary>Which changes wait for a younger key, as far as the journal knows.</summary>
    public KeyLedger Ledger { get; internal init; } = KeyLedger.Empty;

    /// <summary>Epochs whose beginning is being stored, or waits for it.</summary>
    public ImmutableHashSet<KeyEpoch> Storing { get; internal init; } = [];

    /// <summary>Thrown out for not taking keys; silent until their leave.</summary>
    internal ImmutableHashSet<ParticipantId> KeyDropped { get; init; } = [];

    /// <summary>What is to be done about keys once the batch that is being written is stored.</summary>
    internal ImmutableArray<RekeyEffect> KeyEffects { get; init; } = [];

    /// <summary>Steps of legs that are not facts yet, and facts that wait to be written with the next batch.</summary>
    internal ImmutableArray<LegStep> Steps { get; init; } = [];

    internal ImmutableList<ConferenceEvent> Notes { get; init; } = [];

    /// <summary>The newest time that the keys were told of.</summary>
    internal TimeSpan KeyClock { get; init; }

    internal TimeSpan? KeysWakeAt { get; init; }

    internal bool IsCollecting { get; init; }

    /// <summary>The KMS was asked for group keys.</summary>
    internal bool IsFetching { get; init; }

    /// <summary>It gave none, and is asked again after a pause.</summary>
    internal bool IsFetchLater { get; init; }

    internal bool HasKmsFailed { get; init; }

    /// <summary>The operator knows that a rekeying waits for it.</summary>
    internal bool HasToldLack { get; init; }

    internal bool IsLingering { get; init; }

    internal bool IsStopping { get; init; }

    /// <summary>
    /// The plan by which whatever waits is decided once <paramref name="input"/> has been taken: what is read or stored with it counts already, or
    /// the first to come would be let in by the rules of nobody.
    /// </summary>
    public ConferencePlan? PlanFor(ConferenceInput input) => input switch
    {
        ConferenceInput.Recovered recovered => State.Apply(recovered.Events).Plan,
        ConferenceInput.Stored when Pending is { } batch => State.Apply(batch.Events).Plan,
        _ => State.Plan,
    };

    public static ConferenceLife New(ConferenceId conference) => new(ConferenceState.New(conference));

    /// <summary>What is being written and what is said once it is.</summary>
    internal sealed record Batch(ImmutableArray<ConferenceEvent> Events, ImmutableArray<ConferenceEffect> Answers);
}

/// <summary>A leg on its way to another mixer.</summary>
/// <param name="ToldAt">When its participant was last told.</param>
/// <param name="OfferedAt">When it was first allowed to tell its peer; null: it waits for its turn.</param>
public readonly record struct LegMove(DateTimeOffset ToldAt, DateTimeOffset? OfferedAt)
{
    /// <summary>How often it was told the same again.</summary>
    public int Repeats { get; init; }
}

/// <summary>Everything the machine may depend on besides the life.</summary>
/// <param name="MixerSilence">Silence of a mixer after which another is placed.</param>
public sealed record ConferenceContext(DecisionContext Decision, TimeSpan MixerSilence);
