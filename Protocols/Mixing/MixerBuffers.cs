namespace ConfCluster.Protocols.Mixing;

/// <summary>
/// Room for what a mixer makes in a tick; nothing in it outlives the tick, so all mixers of a thread share one. Ten thousand conferences without audio
/// would hold some forty megabytes of it.
/// </summary>
public sealed class MixerBuffers
{
    /// <summary>A packet of 60 ms with header, the longest MKI and tag fits; so does every report of ours.</summary>
    internal const int MaxPacket = 1024;

    internal RateMix[] Mixes { get; } = [.. AudioFrame.Rates.Select(r => new RateMix(r))];

    /// <summary>Who is in the mixes.</summary>
    internal Contributors Contributors { get; } = new();

    internal byte[] Codes { get; } = new byte[Packetizer.MaxPayload];

    /// <summary>The whole mix in G.711, by codec.</summary>
    internal byte[][] WholeCodes { get; } = [new byte[AudioFrame.Samples], new byte[AudioFrame.Samples]];

    internal byte[] Packet { get; } = new byte[MaxPacket];

    internal byte[] WithoutMki { get; } = new byte[MaxPacket];
}
