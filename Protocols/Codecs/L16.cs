using System.Buffers.Binary;

namespace ConfCluster.Protocols.Codecs;

/// <summary>Samples in network order (RFC 3551 §4.5.11). It has no memory.</summary>
public static class L16
{
    /// <summary>Octets of a sample.</summary>
    public const int Width = 2;

    /// <returns>Octets written.</returns>
    public static int Encode(ReadOnlySpan<short> frame, Span<byte> payload)
    {
        for (var i = 0; i < frame.Length; i++) BinaryPrimitives.WriteInt16BigEndian(payload[(Width * i)..], frame[i]);
        return Width * frame.Length;
    }

    /// <returns>Samples written; -1: half a sample, or too many.</returns>
    public static int Decode(ReadOnlySpan<byte> payload, Span<short> frame)
    {
        if (payload.Length % Width != 0 || payload.Length / Width > frame.Length) return -1;
        for (var i = 0; i < payload.Length / Width; i++) frame[i] = BinaryPrimitives.ReadInt16BigEndian(payload[(Width * i)..]);
        return payload.Length / Width;
    }
}

/// <summary>L16 as a stream's decoder, with concealment of what is lost.</summary>
public sealed class L16Decoder : IAudioDecoder
{
    private readonly LossConcealment _concealment = new(16_000);

    public int SampleRate => 16_000;

    public int Decode(ReadOnlySpan<byte> payload, Span<short> frame)
    {
        var length = L16.Decode(payload, frame);
        if (length > 0) _concealment.Keep(frame[..length]);
        return length;
    }

    public int Conceal(Span<short> frame) => _concealment.Conceal(frame) ? frame.Length : 0;

    public void Dispose()
    {
    }
}
