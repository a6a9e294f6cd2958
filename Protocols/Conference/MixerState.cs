using System.Collections.Immutable;
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

    public bool IsNewerThan(MixerState? other) =>
        other is null || Incarnation > other.Incarnation || (Incarnation == other.Incarnation && Version > other.Version);
}

/// <summary>One admitted leg and the SSRC under which the mixer sends to it.</summary>
public readonly record struct MixerLeg(ParticipantId Participant, Ssrc Ssrc);
