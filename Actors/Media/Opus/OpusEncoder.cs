using ConfCluster.Protocols.Codecs;

namespace ConfCluster.Actors.Media.Opus;

/// <summary>Mono Opus of 20 ms frames for speech (RFC 6716, RFC 7587 §3.1.1), with in-band FEC. DTX is off: a conference is seldom silent.</summary>
internal sealed class OpusEncoder : IAudioEncoder
{
    /// <summary>RFC 7587 §3.1.1: 28 to 40 kbit/s are for full-band speech.</summary>
    private const int Bitrate = 32_000;

    /// <summary>Of 10. Beyond this the ear gains little and the processor loses much.</summary>
    private const int Complexity = 5;

    /// <summary>From about here on the library keeps to the coder for voice, the only one that has copies, whatever it takes the sound for.</summary>
    private const int ExpectedLossPercent = 10;

    private readonly OpusEncoderHandle _encoder;

    public OpusEncoder()
    {
        _encoder = LibOpus.CreateEncoder(SampleRate, 1, LibOpus.ApplicationVoip, out var error);
        if (error != LibOpus.Ok) throw new InvalidOperationException($"libopus: no encoder, error {error}");
        LibOpus.Control(_encoder, LibOpus.SetBitrate, Bitrate);
        LibOpus.Control(_encoder, LibOpus.SetComplexity, Complexity);
        LibOpus.Control(_encoder, LibOpus.SetInbandFec, 1);
        LibOpus.Control(_encoder, LibOpus.SetPacketLossPercent, ExpectedLossPercent);
    }

    public int SampleRate => 48_000;

    public int Encode(ReadOnlySpan<short> frame, Span<byte> payload)
    {
        var length = LibOpus.Encode(_encoder, frame, frame.Length, payload, payload.Length);
        return length >= 0 ? length : throw new InvalidOperationException($"libopus: error {length}");
    }

    public void Dispose() => _encoder.Dispose();
}
