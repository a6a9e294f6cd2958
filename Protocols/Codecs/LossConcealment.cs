namespace ConfCluster.Protocols.Codecs;

/// <summary>
/// Waveform substitution after ITU-T G.711 Appendix I, at any rate: the last pitch period again, two periods after 10 ms and three after
/// 20 ms so that it does not beep, fading by a fifth every 10 ms from the second 10 ms on, silence after 60 ms; the first good frame is
/// blended in. Other than there, nothing is delayed: the step at the beginning is levelled by what follows, not by what came before.
/// </summary>
internal sealed class LossConcealment
{
    private const int FadeUnits = 5;
    private readonly int _unit;
    private readonly int _shortest;
    private readonly int _longest;
    private readonly short[] _history;
    private readonly short[] _synthetic;
    private int _kept;
    private int _pitch;
    private int _periods;
    private int _phase;
    private int _concealed;

    /// <param name="sampleRate">A multiple of 8000.</param>
    public LossConcealment(int sampleRate = 8000)
    {
        var scale = sampleRate / 8000;
        // 10 ms; pitch from 200 Hz down to 66 Hz; three of the longest periods and the window of the search.
        (_unit, _shortest, _longest) = (80 * scale, 40 * scale, 120 * scale);
        _history = new short[4 * _longest];
        _synthetic = new short[_unit];
    }

    /// <summary>A good frame: remembered, and blended with what was made up before it.</summary>
    public void Keep(Span<short> frame)
    {
        if (_concealed > 0)
        {
            // Appendix I: 4 ms more for every 10 ms lost, at most 10 ms.
            var units = Math.Min(_concealed / _unit, FadeUnits + 1);
            var length = Math.Min(Math.Min(_unit, _pitch / 4 + units * _unit * 2 / 5), frame.Length);
            Synthesize(_synthetic.AsSpan(0, length));
            for (var i = 0; i < length; i++)
                frame[i] = (short)((_synthetic[i] * (length - i) + frame[i] * (i + 1)) / (length + 1));
            _concealed = 0;
        }

        Remember(frame);
    }

    /// <returns>False: nothing is left to repeat, the frame is silence.</returns>
    public bool Conceal(Span<short> frame)
    {
        if (_kept == 0 || _concealed >= (FadeUnits + 1) * _unit)
        {
            frame.Clear();
            return false;
        }

        if (_concealed == 0) (_pitch, _periods, _phase) = (PitchSearch.Period(_history, _shortest, _longest), 1, 0);
        Synthesize(frame);
        return true;
    }

    public void Forget()
    {
        _concealed = 0;
        _kept = 0;
    }

    private void Synthesize(Span<short> frame)
    {
        for (var i = 0; i < frame.Length; i++)
        {
            var value = Next();
            // The step from the last good sample, levelled over a quarter of a period.
            if (_concealed < _pitch / 4)
            {
                var step = _history[^1] - _history[^(_pitch + 1)];
                value += step * (_pitch / 4 - _concealed) / (_pitch / 4 + 1);
            }

            var faded = Math.Max(0, _concealed - _unit);
            var gain = Math.Max(0, FadeUnits * _unit - faded);
            frame[i] = (short)Math.Clamp(value * gain / (FadeUnits * _unit), short.MinValue, short.MaxValue);
            _concealed++;
        }
    }

    /// <summary>The next sample of the repeated periods, the last quarter period of each round blended into the next.</summary>
    private int Next()
    {
        if (_concealed > 0 && _concealed % _unit == 0 && _periods < 3 && _concealed <= 2 * _unit) _periods++;
        var length = _periods * _pitch;
        if (_phase >= length) _phase -= length;
        var at = _history.Length - length + _phase;
        var (left, blend) = (length - _phase, _pitch / 4);
        int value = _history[at];
        // The end of a round meets the sample one round earlier, which is where the next one begins.
        if (left <= blend && at - length >= 0) value += (_history[at - length] - value) * (blend - left + 1) / (blend + 1);
        _phase++;
        return value;
    }

    private void Remember(ReadOnlySpan<short> frame)
    {
        if (frame.Length > _history.Length) frame = frame[^_history.Length..];
        _history.AsSpan(frame.Length).CopyTo(_history);
        frame.CopyTo(_history.AsSpan(_history.Length - frame.Length));
        _kept = Math.Min(_history.Length, _kept + frame.Length);
    }
}
