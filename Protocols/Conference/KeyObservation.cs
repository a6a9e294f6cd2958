using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Keys.Rekeying;

namespace ConfCluster.Protocols.Conference;

/// <summary>What the facts about keys say that is worth counting over all conferences of a node; no names, no keys.</summary>
public abstract record KeyObservation
{
    private KeyObservation()
    {
    }

    /// <summary>An epoch began.</summary>
    /// <param name="Merged">Changes that it covers beside the one that began it: the interval, or another reason, made one rekeying of them.</param>
    public sealed record Rekeyed(RekeyReason Reason, int Merged) : KeyObservation;

    /// <summary>A rekeying waits for a key of the KMS.</summary>
    public sealed record AwaitsKey(RekeyReason Reason) : KeyObservation;

    /// <summary>Every leg is in that epoch or on a key of its own.</summary>
    /// <param name="Took">From the beginning of the epoch until the last leg that took it said so.</param>
    public sealed record Distributed(KeyEpoch Epoch, TimeSpan Took) : KeyObservation;

    /// <summary>Nothing is sent any more under a key from before that change.</summary>
    public sealed record Covered(CoveredChange Change) : KeyObservation;

    /// <summary>A leg that did not follow: it is under its own key, silent or dropped from now on.</summary>
    public sealed record FellBehind(LegStepKind Became) : KeyObservation;
}

/// <summary>Values are sent between nodes: never renumber.</summary>
public enum KeyChangeKind : byte
{
    Unknown = 0,

    /// <summary>Until it is covered the newcomer is spared the key, and hears under one of its own (backward exposure).</summary>
    Join = 1,

    /// <summary>Until it is covered whoever left can decrypt what is sent (forward exposure).</summary>
    Leave = 2,
}

/// <summary>A join or a leave after which the group key has to change.</summary>
/// <param name="At">When it was decided.</param>
/// <param name="After">The newest epoch then: the change is covered when nothing is sent under that or an older one.</param>
public sealed record KeyChange(KeyChangeKind Kind, ParticipantId Participant, DateTimeOffset At, KeyEpoch After);

/// <param name="Exposure">From the change until it was covered.</param>
public sealed record CoveredChange(KeyChange Change, TimeSpan Exposure);
