
namespace ConfCluster.Protocols.Keys.Rekeying;

/// <summary>What happens to the keys of a conference; a participant is named by its id.</summary>
public abstract record RekeyInput
{
    private RekeyInput()
    {
    }

    /// <summary>A join that is stored, or will be with the epoch that it begins.</summary>
    /// <param name="TakesLadder">It can be told keys in advance.</param>
    public sealed record Joined(string Participant, LegKeying Keying, bool TakesLadder = false) : RekeyInput;

    /// <summary>The ACK to our first 2xx.</summary>
    /// <param name="TookKey">It took the group key of the answer; false: what we said had none.</param>
    public sealed record Confirmed(string Participant, bool TookKey = true) : RekeyInput;

    /// <summary>A 2xx to an offer of that epoch's key.</summary>
    public sealed record Took(string Participant, KeyEpoch Epoch) : RekeyInput;

    /// <summary>491, or 500 with Retry-After: the same again later (RFC 3261 §14.1).</summary>
    public sealed record NotNow(string Participant, KeyEpoch Epoch, TimeSpan Wait) : RekeyInput;

    /// <summary>Another final answer: it will not take new keys.</summary>
    public sealed record Refused(string Participant, KeyEpoch Epoch) : RekeyInput;

    /// <summary>It took the key of that epoch, was moved to it and hears nothing.</summary>
    public sealed record Deaf(string Participant, KeyEpoch Epoch) : RekeyInput;

    /// <summary>It is told a key of its own afresh, and with that has no other; what it was offered went to nobody.</summary>
    public sealed record Anew(string Participant) : RekeyInput;

    public sealed record Left(string Participant, bool Evicted) : RekeyInput;

    /// <summary>The journal has the beginning of that epoch.</summary>
    public sealed record Stored(KeyEpoch Epoch) : RekeyInput;

    /// <summary>An operator, a recovery, a new mixer, a key near its limits.</summary>
    public sealed record Demanded(RekeyReason Reason) : RekeyInput;

    /// <summary>So many keys came from whoever makes them (<see cref="KeyStock"/>).</summary>
    public sealed record Stocked(int Keys) : RekeyInput;

    /// <summary>Time went by.</summary>
    public sealed record Ticked : RekeyInput;
}

/// <summary>What is to be done, in this order.</summary>
public abstract record RekeyEffect
{
    private RekeyEffect()
    {
    }

    /// <summary>Make a key, store that its epoch began, then say <see cref="RekeyInput.Stored"/>; no key leaves before.</summary>
    public sealed record Begin(KeyEpoch Epoch, RekeyReason Reason) : RekeyEffect
    {
        /// <summary>Make and store the keys from the next number to this one with it: a ladder. Null: none.</summary>
        public KeyEpoch? LadderTo { get; init; }

        /// <summary>Of its key, and of those of the ladder.</summary>
        public KeySource Source { get; init; }
    }

    /// <summary>The join may be answered, with the leg's own key and, unless null, the key of that epoch.</summary>
    public sealed record Answer(string Participant, KeyEpoch? Epoch) : RekeyEffect
    {
        /// <summary>And the rungs above it up to this one; null: without any.</summary>
        public KeyEpoch? To { get; init; }
    }

    /// <summary>UPDATE or re-INVITE with the leg's present keys and the one of that epoch.</summary>
    public sealed record Offer(string Participant, KeyEpoch Epoch) : RekeyEffect
    {
        /// <summary>And the rungs above it up to this one; null: without any.</summary>
        public KeyEpoch? To { get; init; }
    }

    /// <summary>Everybody has the key of that epoch, so it is put in use: the second round, where media is forwarded unopened.</summary>
    public sealed record Distributed(KeyEpoch Epoch) : RekeyEffect;

    /// <summary>UPDATE or re-INVITE once more: from its answer on it sends under that epoch, which it has taken.</summary>
    public sealed record Switch(string Participant, KeyEpoch Epoch) : RekeyEffect;

    /// <summary>
    /// From now on it is sent media under that epoch; null: under its own key. Where media is forwarded unopened: it sends under that epoch.
    /// </summary>
    public sealed record Use(string Participant, KeyEpoch? Epoch) : RekeyEffect
    {
        /// <summary>Not because it took no key: it lost all.</summary>
        public bool IsAnew { get; init; }
    }

    /// <summary>No media until it is sent some under a newer epoch: it cannot be told another key by MKI.</summary>
    public sealed record Silence(string Participant) : RekeyEffect;

    /// <summary>Silence at once, and BYE.</summary>
    public sealed record Drop(string Participant) : RekeyEffect;

    /// <summary>Every leg that takes keys is in this epoch or on its own key.</summary>
    public sealed record Settled(KeyEpoch Epoch, TimeSpan Took) : RekeyEffect;

    /// <summary>Nothing is sent under it any more.</summary>
    public sealed record Retire(KeyEpoch Epoch) : RekeyEffect;

    /// <summary>Zero it everywhere.</summary>
    public sealed record Destroy(KeyEpoch Epoch) : RekeyEffect;

    /// <summary>None of these keys will ever be used: somebody who was sent them is gone. Zero them.</summary>
    public sealed record DropRungs(KeyEpoch From, KeyEpoch To) : RekeyEffect;

    /// <summary>It will never begin, since a younger one was stored before it; a rung has a key already, which is zeroed.</summary>
    public sealed record Overtaken(KeyEpoch Epoch) : RekeyEffect;

    /// <summary>No phone in the conference has it any more, as far as they keep to the SDP.</summary>
    public sealed record Revoked(KeyEpoch Epoch) : RekeyEffect;
}
