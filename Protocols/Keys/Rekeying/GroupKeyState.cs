namespace ConfCluster.Protocols.Keys.Rekeying;

/// <summary>The life of a group key: made, told to the legs, in use by all who took it, kept for what is on the way, zeroed.</summary>
public enum EpochPhase : byte { Prepared, Distributing, Active, Retired }

/// <summary>One epoch that is not destroyed yet. The key itself is its owner's; this says what may be done with it.</summary>
/// <param name="Began">When it was asked to be stored; a change is covered by an epoch that began after it.</param>
public sealed record GroupKeyState(KeyEpoch Epoch, EpochPhase Phase, TimeSpan Began, RekeyReason Reason)
{
    /// <summary>Media was sent under it.</summary>
    public bool WasUsed { get; init; }

    /// <summary>Nobody is moved to it (any more): somebody who was sent it left before it was used (K1), or the deadline of a younger one is over.</summary>
    public bool IsSpoiled { get; init; }

    public TimeSpan? DestroyAt { get; init; }

    /// <summary>Where media is forwarded unopened: everybody has taken it, and until then each is to send under it; null: that round has not begun.</summary>
    public TimeSpan? SwitchBy { get; init; }

    public bool MayBeUsed => Phase is EpochPhase.Distributing or EpochPhase.Active && !IsSpoiled;
}
