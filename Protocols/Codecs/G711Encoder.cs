namespace ConfCluster.Protocols.Codecs;

/// <summary>G.711 as a stream's encoder. It has no memory.</summary>
public sealed class G711Encoder(AudioCodec codec) : IAudioEncoder
{
    public int SampleRate => G711.ClockRate;

    public int Encode(ReadOnlySpan<short> frame, Span<byte> payload)
    {
        G711.Encode(codec, frame, payload);
        return frame.Length;
    }

    public void Dispose()
    {
    }
}
