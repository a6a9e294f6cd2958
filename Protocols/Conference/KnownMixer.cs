using System.Collections.Immutable;
using ConfCluster.Protocols.Rtp;

namespace ConfCluster.Protocols.Conference;

/// <summary>What a life of a conference knows of a mixer in charge that it has told a state.</summary>
/// <param name="Published">The newest state told to it.</param>
internal sealed record KnownMixer(MixerState Published)
{
    /// <summary>The version that it says it does.</summary>
    public long AppliedVersion { get; init; }

    /// <summary>When it must have been heard of again.</summary>
    public DateTimeOffset ReportDue { get; init; }

    /// <summary>It was not heard of in time, and is waited for once more.</summary>
    public bool IsMissed { get; init; }

    /// <summary>Which life of it has reported last; 0: none, or it does not tell.</summary>
    public long Born { get; init; }

    /// <summary>It has reported to this life of the conference.</summary>
    public bool IsHeard { get; init; }

    /// <summary>When it was last told that it is in charge.</summary>
    public DateTimeOffset ConfirmedAt { get; init; }

    /// <summary>How far its legs' sources had come when it took over from another mixer.</summary>
    public ImmutableArray<LegUplinks> HandedOver { get; init; } = [];

    /// <summary>Packets under the newest group key, as it said last.</summary>
    public ulong KeyPackets { get; init; }

    /// <summary>Where it takes what other mixers send; null: it has not said.</summary>
    public MediaAddress? Trunk { get; init; }

    public int Number => Published.Mixer.Number;
}
