using ConfCluster.Protocols.Codecs;

namespace ConfCluster.Protocols.Mixing;

/// <summary>
/// One talker's frame at every rate that somebody listens at. It is resampled once for each, so that a mix without him is exact at every
/// rate: filters are linear, and a mix at one rate only would need a filter with a memory for every listener.
/// </summary>
internal sealed class FrameSpread
{
    private readonly short[][] _frames = [[], [], []];
    private readonly Resampler?[] _resamplers = new Resampler?[AudioFrame.Rates.Length];
    private readonly bool[] _ready = new bool[AudioFrame.Rates.Length];
    private int _own = -1;

    public void Set(ReadOnlySpan<short> frame, int rate, bool silent)
    {
        var place = AudioFrame.PlaceOf(rate);
        if (place != _own) Array.Clear(_resamplers);
        // After a pause the filters begin from silence.
        if (silent)
            foreach (var resampler in _resamplers)
                resampler?.Reset();
        Array.Clear(_ready);
        (_own, _ready[place]) = (place, true);
        frame.CopyTo(At(place));
    }

    /// <summary>The frame at the rate that it was made with.</summary>
    public ReadOnlySpan<short> Own => At(_own);

    /// <summary>Makes the frame rise from silence, or fall to it. Only before it was asked for at any rate.</summary>
    public void Fade(bool rises)
    {
        var frame = At(_own);
        for (var i = 0; i < frame.Length; i++) frame[i] = (short)(frame[i] * (rises ? i + 1 : frame.Length - 1 - i) / frame.Length);
    }

    public ReadOnlySpan<short> AtRate(int rate)
    {
        var place = AudioFrame.PlaceOf(rate);
        var frame = At(place);
        if (_ready[place]) return frame;
        (_resamplers[place] ??= new Resampler(AudioFrame.Rates[_own], rate)).Convert(At(_own), frame);
        _ready[place] = true;
        return frame;
    }

    private short[] At(int place)
    {
        if (_frames[place].Length == 0) _frames[place] = new short[AudioFrame.SamplesAt(AudioFrame.Rates[place])];
        return _frames[place];
    }
}
