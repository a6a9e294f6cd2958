using System.Collections.Immutable;

namespace ConfCluster.Protocols.Keys.Rekeying;

/// <summary>The keys of a conference at one moment.</summary>
/// <param name="Epochs">Those not destroyed, oldest first.</param>
/// <param name="Last">The newest that ever began.</param>
/// <param name="LastStart">When it was.</param>
/// <param name="Wanted">A rekeying that waits for the interval, and why.</param>
public sealed record RekeyState(
    ImmutableSortedDictionary<string, LegKeys> Legs, ImmutableArray<GroupKeyState> Epochs, KeyEpoch Last, TimeSpan? LastStart, RekeyReason? Wanted)
{
    /// <summary>Until when nobody may be under an older key than that epoch's. The deadline is the change's: it stays when the epoch is given up.</summary>
    public ImmutableArray<(KeyEpoch Epoch, TimeSpan At)> Deadlines { get; init; } = [];

    /// <summary>
    /// Where media is forwarded unopened: until when nobody's packets under an older key than that epoch's are forwarded, whatever becomes of the epoch.
    /// </summary>
    public ImmutableArray<(KeyEpoch Epoch, TimeSpan At)> Limits { get; init; } = [];

    /// <summary>Media is forwarded unopened: keys are put in use in two rounds.</summary>
    public bool IsSwitching => Index.Switched > 0;

    /// <summary>In a switching conference one rekeying at a time: this one is not over.</summary>
    internal bool IsBusy => IsSwitching && Epochs.Any(e => e is { Phase: EpochPhase.Prepared or EpochPhase.Distributing, IsSpoiled: false });

    /// <summary>The oldest epoch that anybody may be sending under; number 0: any.</summary>
    public KeyEpoch OldestUsed => Index.Of(LegKeys.Forgotten).InUse > 0 ? LegKeys.Forgotten : Epochs.FirstOrDefault(e => e.WasUsed)?.Epoch ?? LegKeys.Forgotten;

    /// <summary>Keys told in advance; null: none are, or somebody who was sent them has left.</summary>
    public KeyLadder? Ladder { get; init; }

    /// <summary>The highest number that ever stood for a key, begun or not: it names no other one.</summary>
    public KeyEpoch Given { get; init; }

    /// <summary>Where keys come from; null: the focus makes them, whenever one is needed.</summary>
    public KeyStock? Stock { get; init; }

    /// <summary>Since when a rekeying that may begin waits for a key; null: none does.</summary>
    public TimeSpan? LacksSince { get; init; }

    /// <summary>Destroyed here, and phones have not forgotten them yet; kept only where they are told to.</summary>
    public ImmutableArray<KeyEpoch> Unrevoked { get; init; } = [];

    public static readonly RekeyState Empty =
        new(ImmutableSortedDictionary.Create<string, LegKeys>(StringComparer.Ordinal), [], new KeyEpoch(0), null, null);

    /// <summary>The newest that was told to anybody and may be used.</summary>
    public GroupKeyState? Newest => Epochs.LastOrDefault(e => e.MayBeUsed);

    public GroupKeyState? Find(KeyEpoch epoch) => Epochs.FirstOrDefault(e => e.Epoch == epoch);

    public LegKeys? Find(string participant) => Legs.GetValueOrDefault(participant);

    internal LegIndex Index { get; init; } = LegIndex.Empty;

    /// <summary>Changes whenever what any leg is sent does.</summary>
    internal long Uses => Index.Uses;

    internal RekeyState With(LegKeys leg) => this with { Legs = Legs.SetItem(leg.Participant, leg), Index = Index.With(Find(leg.Participant), leg) };

    internal RekeyState Without(string participant) => this with { Legs = Legs.Remove(participant), Index = Index.With(Find(participant), null) };

    /// <summary>Nobody holds a key any more; numbers and the interval go on.</summary>
    internal RekeyState Cleared() => Empty with { Last = Last, Given = Given, LastStart = LastStart, Stock = Stock, Index = LegIndex.Empty with { Uses = Uses + 1 } };

    internal RekeyState With(GroupKeyState epoch) => this with { Epochs = [.. Epochs.Select(e => e.Epoch == epoch.Epoch ? epoch : e)] };

    /// <summary>
    /// After the loss of the focus: the journal knows who is in and the newest number, the keys are gone, and what the mixer sends is of a
    /// former life until each leg takes the next key.
    /// </summary>
    /// <param name="given">The highest number of a key that was stored, begun or told in advance.</param>
    /// <param name="sinceLastStart">By the journal's clock; clamped to what makes sense.</param>
    public static RekeyState Recovered(
        IEnumerable<(string Participant, LegKeying Keying, bool TakesLadder)> legs, KeyEpoch last, KeyEpoch given, TimeSpan sinceLastStart, RekeyPolicy policy,
        TimeSpan now)
    {
        ArgumentNullException.ThrowIfNull(legs);
        ArgumentNullException.ThrowIfNull(policy);
        var elapsed = sinceLastStart < TimeSpan.Zero ? TimeSpan.Zero : sinceLastStart > policy.MinInterval ? policy.MinInterval : sinceLastStart;
        var state = Empty with { Last = last, Given = given > last ? given : last, LastStart = last.Number == 0 ? null : now - elapsed };
        return legs.Aggregate(state, (s, l) => s.With(new LegKeys(l.Participant, l.Keying, last)
        {
            IsReady = true,
            IsPresumed = true,
            TakesLadder = l is { TakesLadder: true, Keying: LegKeying.GroupByMki },
            // It may have been told any.
            Held = l.Keying == LegKeying.Own || last.Number == 0 ? [] : [LegKeys.Forgotten],
            Knows = policy.Revoke == Revocation.Now && l.Keying is LegKeying.GroupByMki or LegKeying.GroupBothWays && last.Number > 0 ? [LegKeys.Forgotten] : [],
            InUse = l.Keying == LegKeying.Own || last.Number == 0 ? null : LegKeys.Forgotten,
            Since = l.Keying == LegKeying.Switched && last.Number > 0 ? LegKeys.Forgotten : null,
        }));
    }
}
