namespace ConfCluster.Protocols.Keys.Rekeying;

/// <summary>Which group key a newcomer is told when no epoch begins with its join. Values are stored: never renumber.</summary>
public enum JoinKey : byte
{
    /// <summary>None before an epoch begins that is younger than its join: it can decrypt nothing that was said before.</summary>
    NextEpoch = 0,

    /// <summary>The one in use: no wait, and it can decrypt what was said since that epoch began.</summary>
    Current = 1,
}

/// <summary>What becomes of a leg that does not take a new key in time. Values are stored: never renumber.</summary>
public enum Undelivered : byte { OwnKey = 0, Drop = 1 }

/// <summary>When a phone is told to forget a key that nobody is sent media under any more. Values are stored: never renumber.</summary>
public enum Revocation : byte
{
    /// <summary>With the next key that it is told.</summary>
    Lazy = 0,

    /// <summary>By an offer of its own, the grace after it was moved: until then whoever has the old key can forge to it.</summary>
    Now = 1,
}

/// <summary>When the group key of a conference changes (3GPP pCR 5.1.2, 5.3.2.1: on join, on leave, with a minimum time between rekeyings).</summary>
/// <param name="MinInterval">Between the starts of two rekeyings; zero: each change by itself.</param>
/// <param name="DistributionTimeout">After the start of a rekeying; then nobody is left under an older key.</param>
/// <param name="Grace">How long a key that nobody is sent any more is kept.</param>
/// <param name="MoveDelay">Between the confirmation of a key and its use to a leg with MKIs: phones install a key after they sent the 200.</param>
public sealed record RekeyPolicy(
    bool OnJoin, bool OnLeave, TimeSpan MinInterval, TimeSpan DistributionTimeout, TimeSpan Grace, TimeSpan MoveDelay)
{
    public static readonly RekeyPolicy Default =
        new(true, true, TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(2), TimeSpan.FromMilliseconds(60));

    /// <summary>A key older than this is changed; null: age alone is no reason.</summary>
    public TimeSpan? MaxAge { get; init; }

    public JoinKey JoinKey { get; init; }

    public Undelivered OnUndelivered { get; init; }

    /// <summary>Who is thrown out is locked out at once.</summary>
    public bool EvictionBypassesInterval { get; init; } = true;

    /// <summary>Epochs under which the mixer encrypts at once; legs in the oldest get their own key when it would be more.</summary>
    public int MaxEpochsInUse { get; init; } = 3;

    /// <summary>So many legs are offered a key at once, and more only in a conference so large that they would not all be reached in half the timeout.</summary>
    public int MaxOffers { get; init; } = 50;

    /// <summary>So many keys are told in advance with each that is told (<see cref="KeyLadder"/>); 0: none.</summary>
    public int Ladder { get; init; }

    public Revocation Revoke { get; init; }

    /// <summary>How long a change may stay uncovered (K4): the wait, the distribution, and what is on the way under the old key.</summary>
    public TimeSpan Bound => MinInterval + DistributionTimeout + Grace;

    /// <summary>
    /// After the beginning of an epoch, where media is forwarded unopened; then nothing under an older key is forwarded. Both rounds, and once more the wait for
    /// an epoch in the place of one that somebody who left had taken along.
    /// </summary>
    public TimeSpan SwitchLimit => MinInterval + 2 * DistributionTimeout;

    /// <summary>As <see cref="Bound"/>, where media is forwarded unopened: a change that comes in the middle of a rekeying waits for its end.</summary>
    public TimeSpan SwitchBound => (MinInterval > 2 * DistributionTimeout ? MinInterval : 2 * DistributionTimeout) + SwitchLimit + Grace;

    /// <summary>Reasons that need not wait (K3); the audit names them.</summary>
    public bool Bypasses(RekeyReason reason) => reason switch
    {
        RekeyReason.Asked or RekeyReason.FocusRecovered or RekeyReason.MixerReplaced or RekeyReason.WornOut => true,
        RekeyReason.Evicted => EvictionBypassesInterval,
        _ => false,
    };
}

/// <summary>Why an epoch began. Values are stored: never renumber.</summary>
public enum RekeyReason : byte
{
    Begun = 0, Joined = 1, Left = 2, Evicted = 3, Asked = 4, FocusRecovered = 5, MixerReplaced = 6, WornOut = 7, TooOld = 8,
}
