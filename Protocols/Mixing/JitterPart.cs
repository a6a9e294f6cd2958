using ConfCluster.Protocols.Codecs;

namespace ConfCluster.Protocols.Mixing;

/// <summary>What a jitter buffer yields next.</summary>
public enum JitterOutcome : byte
{
    /// <summary>The talker pauses, or nothing has come yet.</summary>
    Empty,

    /// <summary>A packet of audio.</summary>
    Frame,

    /// <summary>Audio is missing.</summary>
    Lost,

    /// <summary>A silence descriptor (RFC 3389 §3), which takes no time itself.</summary>
    Noise,
}

/// <summary>A packet, or a time without one; the payload is valid until the next packet is put.</summary>
public readonly ref struct JitterPart
{
    /// <summary>How much time it is, in units of the RTP clock.</summary>
    public int Units { get; init; }

    /// <summary>Units at the beginning of the packet that were played already.</summary>
    public int Skip { get; init; }

    public AudioCodec Codec { get; init; }

    /// <summary>Of a loss: the packet after it, which may hold a copy (FEC), or nothing.</summary>
    public ReadOnlySpan<byte> Payload { get; init; }
}
