using System.Collections.Immutable;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Keys.Rekeying;

namespace ConfCluster.Protocols.Conference;

/// <summary>
/// Which joins and leaves still wait for a key that is younger than they are, and how long others waited (K4 of the architecture): a fold of the facts and
/// nothing else, so a conference that comes back knows what it knew. It counts from the fact of the change to the fact that ends the older keys.
/// </summary>
public sealed record KeyLedger
{
    public static readonly KeyLedger Empty = new();

    private KeyLedger()
    {
    }

    /// <summary>Changes that are not covered, oldest first.</summary>
    public ImmutableList<KeyChange> Open { get; private init; } = [];

    /// <summary>The newest change that was covered; null: none was.</summary>
    public CoveredChange? LastCovered { get; private init; }

    /// <summary>Epochs under which something may be sent.</summary>
    private ImmutableSortedDictionary<KeyEpoch, Spread> Alive { get; init; } = ImmutableSortedDictionary<KeyEpoch, Spread>.Empty;

    /// <summary>Who is in and was sent a group key.</summary>
    private ImmutableHashSet<ParticipantId> Holders { get; init; } = [];

    /// <summary>Who is in and whose peer has acknowledged its call, or took a group key, which nobody is asked to do before that.</summary>
    private ImmutableHashSet<ParticipantId> Ready { get; init; } = [];

    /// <summary>Holders who may be under a key of a former life of the focus, whose epochs nobody will say the end of; those are up to <see cref="Former"/>.</summary>
    private ImmutableHashSet<ParticipantId> Stale { get; init; } = [];

    private KeyEpoch Former { get; init; }

    private RekeyPolicy? Policy { get; init; }

    private KeyEpoch Last { get; init; }

    /// <summary>Changes since the newest epoch began.</summary>
    private int Waiting { get; init; }

    /// <summary>It is stored that its peer has acknowledged its call.</summary>
    public bool IsReady(ParticipantId participant) => Ready.Contains(participant);

    public (KeyLedger Next, ImmutableArray<KeyObservation> Seen) Take(IEnumerable<ConferenceEvent> happened)
    {
        ArgumentNullException.ThrowIfNull(happened);
        var seen = ImmutableArray.CreateBuilder<KeyObservation>();
        var next = happened.Aggregate(this, (ledger, e) => ledger.Take(e, seen));
        return (next, seen.DrainToImmutable());
    }

    private KeyLedger Take(ConferenceEvent happened, ImmutableArray<KeyObservation>.Builder seen) => happened switch
    {
        ConferenceEvent.KeyPolicySet e => this with { Policy = e.Policy },
        ConferenceEvent.Taken e => (this with { Stale = Holders, Former = Last }).Freed(e.At, seen),
        ConferenceEvent.ParticipantJoined e => Joined(e, seen),
        ConferenceEvent.ParticipantLeft e => (this with { Ready = Ready.Remove(e.Participant) }).Left(e, seen).Freed(e.Participant, e.At, seen),
        ConferenceEvent.KeyEpochBegan e => Began(e, seen),
        ConferenceEvent.RekeyDeferred { ForKey: true } e => Awaits(e, seen),
        ConferenceEvent.LegsProgressed e => e.Steps.Aggregate(this, (ledger, step) => ledger.Progressed(step, seen)),
        ConferenceEvent.KeyEpochPassed { Passage: EpochPassage.Settled } e => Settled(e, seen),
        ConferenceEvent.KeyEpochPassed { Passage: EpochPassage.Retired or EpochPassage.Destroyed } e =>
            (this with { Alive = Alive.Remove(e.Epoch) }).Covered(e.At, seen),
        // Nothing was sent while the node was down, so how long that was says nothing.
        ConferenceEvent.Ended { Reason: EndReason.NodeLost } => Closed(),
        // What changed in the moment of the end was never exposed to anybody.
        ConferenceEvent.Ended e => Cover(c => c.At < e.At, e.At, seen).Closed(),
        _ => this,
    };

    private KeyLedger Joined(ConferenceEvent.ParticipantJoined e, ImmutableArray<KeyObservation>.Builder seen)
    {
        if (e.Keying == LegKeying.Own || Policy is { OnJoin: false } && !Alive.IsEmpty) return this;
        return Changed(new KeyChange(KeyChangeKind.Join, e.Participant, e.At, Last), seen);
    }

    /// <summary>Who was never sent a key takes none along.</summary>
    private KeyLedger Left(ConferenceEvent.ParticipantLeft e, ImmutableArray<KeyObservation>.Builder seen)
    {
        if (!Holders.Contains(e.Participant)) return this;
        var next = this with { Holders = Holders.Remove(e.Participant) };
        return Policy is { OnLeave: false } ? next : next.Changed(new KeyChange(KeyChangeKind.Leave, e.Participant, e.At, Last), seen);
    }

    private KeyLedger Changed(KeyChange change, ImmutableArray<KeyObservation>.Builder seen) =>
        (this with { Open = Open.Add(change), Waiting = Waiting + 1 }).Covered(change.At, seen);

    private KeyLedger Began(ConferenceEvent.KeyEpochBegan e, ImmutableArray<KeyObservation>.Builder seen)
    {
        var isOfAChange = e.Reason is RekeyReason.Begun or RekeyReason.Joined or RekeyReason.Left or RekeyReason.Evicted;
        seen.Add(new KeyObservation.Rekeyed(e.Reason, isOfAChange && Waiting > 0 ? Waiting - 1 : Waiting));
        return this with { Waiting = 0, Last = e.Epoch, Alive = Alive.SetItem(e.Epoch, new Spread(e.At, null)) };
    }

    private KeyLedger Awaits(ConferenceEvent.RekeyDeferred e, ImmutableArray<KeyObservation>.Builder seen)
    {
        seen.Add(new KeyObservation.AwaitsKey(e.Reason));
        return this;
    }

    private KeyLedger Progressed(LegStep step, ImmutableArray<KeyObservation>.Builder seen)
    {
        switch (step.Kind)
        {
            case LegStepKind.Sent: return this with { Holders = Holders.Add(step.Participant) };
            case LegStepKind.Ready: return this with { Ready = Ready.Add(step.Participant) };
            case LegStepKind.Confirmed:
                var next = this with { Ready = Ready.Add(step.Participant) };
                return Alive.TryGetValue(step.Epoch, out var spread) ? next with { Alive = Alive.SetItem(step.Epoch, spread with { LastTaken = step.At }) } : next;
            case LegStepKind.Moved: return Freed(step.Participant, step.At, seen);
            case LegStepKind.OwnKey or LegStepKind.Silenced or LegStepKind.Dropped or LegStepKind.Deaf:
                seen.Add(new KeyObservation.FellBehind(step.Kind));
                return Freed(step.Participant, step.At, seen);
            default: return this;
        }
    }

    private KeyLedger Freed(ParticipantId participant, DateTimeOffset at, ImmutableArray<KeyObservation>.Builder seen) =>
        Stale.Contains(participant) ? (this with { Stale = Stale.Remove(participant) }).Freed(at, seen) : this;

    /// <summary>Nobody is left under a key of a former life.</summary>
    private KeyLedger Freed(DateTimeOffset at, ImmutableArray<KeyObservation>.Builder seen) =>
        Stale.IsEmpty ? (this with { Alive = Alive.RemoveRange(Alive.Keys.Where(k => k <= Former)) }).Covered(at, seen) : this;

    /// <summary>Nobody is under an older epoch.</summary>
    private KeyLedger Settled(ConferenceEvent.KeyEpochPassed e, ImmutableArray<KeyObservation>.Builder seen)
    {
        if (Alive.TryGetValue(e.Epoch, out var spread) && spread.LastTaken is { } taken)
            seen.Add(new KeyObservation.Distributed(e.Epoch, taken - spread.Began));
        return (this with { Alive = Alive.RemoveRange(Alive.Keys.Where(k => k < e.Epoch)) }).Covered(e.At, seen);
    }

    private KeyLedger Covered(DateTimeOffset at, ImmutableArray<KeyObservation>.Builder seen)
    {
        var oldest = Alive.IsEmpty ? (KeyEpoch?)null : Alive.Keys.First();
        return Open.IsEmpty ? this : Cover(c => !(c.After >= oldest), at, seen);
    }

    private KeyLedger Cover(Predicate<KeyChange> isCovered, DateTimeOffset at, ImmutableArray<KeyObservation>.Builder seen)
    {
        var last = LastCovered;
        foreach (var change in Open.FindAll(isCovered))
        {
            last = new CoveredChange(change, at > change.At ? at - change.At : TimeSpan.Zero);
            seen.Add(new KeyObservation.Covered(last));
        }

        return ReferenceEquals(last, LastCovered) ? this : this with { Open = Open.RemoveAll(isCovered), LastCovered = last };
    }

    private KeyLedger Closed() => this with { Open = [], Alive = Alive.Clear(), Holders = [], Ready = [], Stale = [], Waiting = 0 };

    /// <param name="LastTaken">When the last leg so far took it.</param>
    private readonly record struct Spread(DateTimeOffset Began, DateTimeOffset? LastTaken);
}
