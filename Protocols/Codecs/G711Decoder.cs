namespace ConfCluster.Protocols.Codecs;

/// <summary>G.711 as a stream's decoder, with concealment of what is lost.</summary>
public sealed class G711Decoder(AudioCodec codec) : IAudioDecoder
{
    private readonly LossConcealment _concealment = new();

    public int SampleRate => G711.ClockRate;

    public int Decode(ReadOnlySpan<byte> payload, Span<short> frame)
    {
        if (payload.Length > frame.Length) return -1;
        G711.Decode(codec, payload, frame);
        _concealment.Keep(frame[..payload.Length]);
        return payload.Length;
    }

    public int Conceal(Span<short> frame) => _concealment.Conceal(frame) ? frame.Length : 0;

    public void Dispose()
    {
    }
}
