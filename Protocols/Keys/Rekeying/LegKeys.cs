using System.Collections.Immutable;

namespace ConfCluster.Protocols.Keys.Rekeying;

/// <summary>How media to a leg is keyed. Values are stored: never renumber.</summary>
public enum LegKeying : byte
{
    /// <summary>Its own key for the whole call.</summary>
    Own = 0,

    /// <summary>The group key, named by its MKI; beside it a key of its own, so that it can be isolated without a word.</summary>
    GroupByMki = 1,

    /// <summary>The group key without MKI: it moves with its answer, and only signalling can isolate it.</summary>
    GroupPlain = 2,

    /// <summary>As <see cref="GroupByMki"/>, and what it sends is under the group key too, under an SSRC that was registered before.</summary>
    GroupBothWays = 3,

    /// <summary>Forwarded unopened: the group key both ways, put in use in a second round, and no key of its own that anybody would open.</summary>
    Switched = 4,
}

/// <summary>What a leg knows and what it is sent.</summary>
/// <param name="JoinedAfter">The newest epoch at its join: it is told younger ones only (K2).</param>
public sealed record LegKeys(string Participant, LegKeying Keying, KeyEpoch JoinedAfter)
{
    /// <summary>Stands for an epoch of a life of the focus that is over.</summary>
    public static readonly KeyEpoch Forgotten = new(0);

    /// <summary>Epochs whose key it was sent, answered or not.</summary>
    public ImmutableHashSet<KeyEpoch> Held { get; init; } = [];

    /// <summary>The epoch under which it is sent media; null: its own key.</summary>
    public KeyEpoch? InUse { get; init; }

    /// <summary>A key that was sent and neither taken nor refused yet; one at a time.</summary>
    public KeyEpoch? Offered { get; init; }

    /// <summary>The last of the rungs that went with what is offered; the same epoch without any.</summary>
    public KeyEpoch? OfferedTo { get; init; }

    /// <summary>It can be told keys in advance: the list is long, and a datagram short.</summary>
    public bool TakesLadder { get; init; }

    /// <summary>The last of the rungs that it took; it can be moved to each of them without a word.</summary>
    public KeyEpoch? LadderTo { get; init; }

    /// <summary>What its phone may still decrypt with, as far as the SDP goes; empty unless phones are told to forget (<see cref="RekeyPolicy.Revoke"/>).</summary>
    public ImmutableSortedSet<KeyEpoch> Knows { get; init; } = [];

    /// <summary>What remains of it when it takes what is offered.</summary>
    public ImmutableSortedSet<KeyEpoch> Listed { get; init; } = [];

    /// <summary>Then it is told to forget what it needs no more.</summary>
    public TimeSpan? ShedsAt { get; init; }

    /// <summary>The newest that it took (K7).</summary>
    public KeyEpoch? Confirmed { get; init; }

    /// <summary>The first that it took: it can be forwarded what others send under that one and later ones. Number 0: whatever there is.</summary>
    public KeyEpoch? Since { get; init; }

    /// <summary>What is offered is not new to it: it is to send under it from now on.</summary>
    public bool IsSwitching { get; init; }

    public TimeSpan? MovesAt { get; init; }

    /// <summary>After glare: not before.</summary>
    public TimeSpan? RetryAt { get; init; }

    /// <summary>Its join waits for the epoch that it began.</summary>
    public KeyEpoch? AnswerWaitsFor { get; init; }

    /// <summary>It can be sent media under its own key: beside a group key without MKI it has none.</summary>
    public bool KnowsOwnKey { get; init; } = true;

    /// <summary>It took a key and heard nothing under it.</summary>
    public bool IsDeaf { get; init; }

    /// <summary>Its dialog is confirmed, so that it can be sent offers.</summary>
    public bool IsReady { get; init; }

    /// <summary>Nobody has said so in this life of the conference.</summary>
    public bool IsPresumed { get; init; }

    /// <summary>Until when its offer, while that is not answered, counts against those that may be out at once.</summary>
    public TimeSpan? SlotUntil { get; init; }

    /// <summary>Until when an offer may be open: later, it or its answer was lost on the way.</summary>
    public TimeSpan? LapsesAt { get; init; }

    /// <summary>It was offered a key within its dialog, and is not offered another before it has answered or cannot any more.</summary>
    public TimeSpan? OpenUntil => IsReady && Offered is not null ? LapsesAt : null;

    /// <summary>It was offered a key within its dialog and may still answer soon.</summary>
    public TimeSpan? CountsUntil => IsReady && Offered is not null ? SlotUntil : null;

    public bool IsInGroup => Keying != LegKeying.Own;

    public bool MayHold(KeyEpoch epoch) => IsInGroup && epoch > JoinedAfter;

    /// <summary>It may be moved to that rung without a word: no offer is out that would take it away.</summary>
    public bool CanClimb(KeyEpoch rung) => IsReady && IsInGroup && (Offered is null || Offered <= rung && rung <= OfferedTo);

    /// <summary>Its dialog is free for an offer.</summary>
    public bool IsFree => IsReady && IsInGroup && Offered is null && RetryAt is null;
}
