namespace ConfCluster.Protocols.Codecs;

/// <summary>A decoder whose packets may hold a copy of the frame before them (RFC 6716 §2.1.7).</summary>
public interface IRepairingDecoder : IAudioDecoder
{
    /// <summary>Fills the whole frame with what was lost right before the packet; where that has no copy, as <see cref="IAudioDecoder.Conceal"/>.</summary>
    int Recover(ReadOnlySpan<byte> next, Span<short> frame);
}
