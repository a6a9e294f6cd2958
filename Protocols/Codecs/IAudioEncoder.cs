namespace ConfCluster.Protocols.Codecs;

/// <summary>PCM to the payloads of one RTP stream. It has a memory of what came before, unless its codec has none.</summary>
public interface IAudioEncoder : IDisposable
{
    /// <summary>Samples each second that it takes; the RTP clock may count otherwise (<see cref="AudioFormat"/>).</summary>
    int SampleRate { get; }

    /// <param name="frame">20 ms.</param>
    /// <returns>Octets written. 0: nothing need be sent for this frame.</returns>
    int Encode(ReadOnlySpan<short> frame, Span<byte> payload);
}
