namespace ConfCluster.Protocols.Codecs;

/// <summary>The payloads of one RTP stream to PCM, and what is played where one is missing.</summary>
public interface IAudioDecoder : IDisposable
{
    /// <summary>Samples each second that it yields.</summary>
    int SampleRate { get; }

    /// <returns>Samples written; -1: the payload is malformed, and nothing changed.</returns>
    int Decode(ReadOnlySpan<byte> payload, Span<short> frame);

    /// <summary>Fills the whole frame with what may have been lost; it fades when called again and again.</summary>
    /// <returns>Samples that can be heard: 0 when it has faded, or when nothing came before, and then the frame is silence.</returns>
    int Conceal(Span<short> frame);
}
