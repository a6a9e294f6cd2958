using System.Collections.Immutable;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Rtp;

namespace ConfCluster.Protocols.Conference;

/// <summary>
/// What a conference wants of its mixer: desired state, not commands. Who is not in the newest state is silent and unheard, so no lost
/// message can keep a departed participant listening. Ordered by (incarnation, version); an older one is refused and reported.
/// </summary>
public sealed record MixerState(MixerId Mixer, Incarnation Incarnation, long Version, ImmutableArray<MixerLeg> Legs)
{
    /// <summary>
    /// The mixer is in charge no more and gets no further legs. A state without legs is not yet that: while somebody's leave is being
    /// stored, another may be on its way in.
    /// </summary>
    public bool IsLast { get; init; }

    /// <summary>Epochs whose keys the mixer keeps; those that it has of others are zeroed.</summary>
    public ImmutableArray<KeyEpoch> Epochs { get; init; } = [];

    /// <summary>From the register, for streams that legs share.</summary>
    public ImmutableArray<Ssrc> SharedSsrcs { get; init; } = [];

    /// <summary>
    /// Where the mixer before this one was with what the legs send: only later packets are taken. Empty at the first mixer of a conference. No wish of its own:
    /// a mixer that has come farther keeps what it has.
    /// </summary>
    public ImmutableArray<LegUplinks> Resumes { get; init; } = [];

    /// <summary>
    /// Which life of the mixer it is meant for (<see cref="ConferenceInput.MixerReported.Born"/>): one that began anew under the same name would use the same
    /// SSRCs from the beginning. 0: the conference has not heard of it yet.
    /// </summary>
    public long Born { get; init; }

    /// <summary>
    /// A former life of the conference had this mixer, and this one has not heard of it: one that has no state is another under its name, and the SSRCs are used.
    /// </summary>
    public bool IsFound { get; init; }

    /// <summary>The other mixers of the conference; null: there are none.</summary>
    public TrunkPlan? Trunk { get; init; }

    /// <summary>
    /// Packets are forwarded unopened: those under this epoch's key and later ones; number 0: under any of the group's. Null: they are mixed. Then
    /// <see cref="Epochs"/> is empty, since the mixer is given no key.
    /// </summary>
    public KeyEpoch? ForwardsFrom { get; init; }

    /// <summary>Another state with the same wishes.</summary>
    public bool WantsTheSameAs(MixerState other) =>
        ForwardsFrom == other.ForwardsFrom && Legs.AsSpan().SequenceEqual(other.Legs.AsSpan()) && Epochs.AsSpan().SequenceEqual(other.Epochs.AsSpan())
        && SharedSsrcs.AsSpan().SequenceEqual(other.SharedSsrcs.AsSpan()) && Equals(Trunk, other.Trunk);

    public bool IsNewerThan(MixerState? other) =>
        other is null || Incarnation > other.Incarnation || (Incarnation == other.Incarnation && Version > other.Version);
}

/// <summary>What a mixer says of the streams that legs share.</summary>
/// <param name="SsrcsLeft">Reserved SSRCs that it has not taken.</param>
/// <param name="KeyPackets">Packets under the newest group key, for its limit.</param>
public readonly record struct SharedReport(int SsrcsLeft, ulong KeyPackets);

/// <summary>One admitted leg, the SSRC of the stream that it has for itself, and the key it is sent media under.</summary>
public readonly record struct MixerLeg(ParticipantId Participant, Ssrc Ssrc, LegKeyUse Key = default)
{
    /// <summary>What it sends may be under the group key, and then under this SSRC and from the signalled address alone; 0: under keys of its own only.</summary>
    public Ssrc Uplink { get; init; }
}

/// <summary>Values travel between nodes: never renumber.</summary>
public enum LegKeyMode : byte
{
    /// <summary>The leg's own key.</summary>
    Own = 0,

    /// <summary>The group key of an epoch, which the packets name.</summary>
    ByMki = 1,

    /// <summary>The group key of an epoch, without MKI in the packets.</summary>
    Plain = 2,

    /// <summary>No media.</summary>
    None = 3,

    /// <summary>A focus that has lost its memory leaves the leg as it is until it has told it a new key.</summary>
    AsBefore = 4,
}

/// <param name="Epoch">Of the group key; 0 without one.</param>
public readonly record struct LegKeyUse(LegKeyMode Mode, KeyEpoch Epoch = default)
{
    public static readonly LegKeyUse Own;
}
