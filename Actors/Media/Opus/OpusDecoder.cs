using ConfCluster.Protocols.Codecs;

namespace ConfCluster.Actors.Media.Opus;

/// <summary>
/// Opus to mono of 48 kHz (RFC 6716 §4), with the library's own concealment (RFC 6716 §4.4), the copies of lost frames (RFC 6716 §2.1.7)
/// and the noise of a DTX pause (RFC 6716 §2.1.9), which is what its concealment makes after a packet that announces one.
/// </summary>
internal sealed class OpusDecoder : IRepairingDecoder
{
    /// <summary>2.5 ms: the grain of all that is decoded.</summary>
    private const int Grain = 120;

    /// <summary>Samples of concealment that may still be heard.</summary>
    private const int LongestConcealment = 48 * 120;

    /// <summary>Octets of a packet that announces a pause.</summary>
    private const int LongestAnnouncement = 2;

    private readonly OpusDecoderHandle _decoder;
    private readonly short[] _whole = new short[48 * 120];
    private int _concealed = LongestConcealment;
    private bool _pause;

    public OpusDecoder()
    {
        _decoder = LibOpus.CreateDecoder(SampleRate, 1, out var error);
        if (error != LibOpus.Ok) throw new InvalidOperationException($"libopus: no decoder, error {error}");
    }

    public int SampleRate => 48_000;

    public int Decode(ReadOnlySpan<byte> payload, Span<short> frame)
    {
        var length = LibOpus.Decode(_decoder, payload, payload.Length, frame, frame.Length, fec: 0);
        if (length < 0) return -1;
        (_concealed, _pause) = (0, payload.Length <= LongestAnnouncement);
        return length;
    }

    public int Conceal(Span<short> frame) => Fill([], frame, fec: 0);

    public int Recover(ReadOnlySpan<byte> next, Span<short> frame) => Fill(next, frame, fec: frame.Length % Grain == 0 ? 1 : 0);

    public void Dispose() => _decoder.Dispose();

    private int Fill(ReadOnlySpan<byte> payload, Span<short> frame, int fec)
    {
        if (_concealed >= LongestConcealment && !_pause && fec == 0)
        {
            frame.Clear();
            return 0;
        }

        var wanted = Math.Min(_whole.Length, (frame.Length + Grain - 1) / Grain * Grain);
        if (fec == 0) payload = [];
        var made = LibOpus.Decode(_decoder, payload, payload.Length, _whole, wanted, fec);
        if (made <= 0)
        {
            frame.Clear();
            return 0;
        }

        _concealed += frame.Length;
        var length = Math.Min(made, frame.Length);
        _whole.AsSpan(0, length).CopyTo(frame);
        frame[length..].Clear();
        return length;
    }
}
