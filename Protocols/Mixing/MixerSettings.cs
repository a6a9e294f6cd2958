using ConfCluster.Protocols.Codecs;

namespace ConfCluster.Protocols.Mixing;

/// <param name="JitterPackets">Packets a jitter buffer waits for before it plays (each 20 ms), until it has measured.</param>
/// <param name="JitterCapacity">Packets a jitter buffer holds at most.</param>
/// <param name="RtcpInterval">Mean interval between our RTCP reports of one leg (RFC 3550 §6.2; randomised by 0.5 to 1.5).</param>
public sealed record MixerSettings(int JitterPackets, int JitterCapacity, TimeSpan RtcpInterval)
{
    /// <summary>What it goes down to on a quiet network.</summary>
    public int MinJitterPackets { get; init; } = JitterPackets;

    /// <summary>What it goes up to; who comes later is lost.</summary>
    public int MaxJitterPackets { get; init; } = JitterPackets;

    /// <summary>Who has talked is sent his own stream for so long after the last word, so that streams change seldom.</summary>
    public TimeSpan TalkerHold { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How many are mixed at once: the loudest.</summary>
    public int MaxTalkers { get; init; } = 5;

    /// <summary>In -dBov: who says that a packet is quieter is not decoded, and nobody quieter has the word.</summary>
    public byte SilenceLevel { get; init; } = 60;

    /// <summary>Time without an authentic packet of somebody who should send, after which that is told. Zero: never.</summary>
    public TimeSpan NoMediaAfter { get; init; }

    public AudioCodecs Codecs { get; init; } = AudioCodecs.Managed;
}
