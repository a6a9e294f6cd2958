namespace ConfCluster.Protocols.Codecs;

/// <summary>
/// What is played instead of a lost frame: the last one again, each time at half the level, and silence after the third. (G.711
/// Appendix I does it by pitch; this is its plain cousin.)
/// </summary>
internal sealed class LossConcealment
{
    private const int Repeats = 3;
    private readonly short[] _last = new short[160];
    private int _left;

    public void Keep(ReadOnlySpan<short> frame)
    {
        frame.CopyTo(_last);
        _left = Repeats;
    }

    /// <summary>False: nothing is left to repeat, the frame is silence.</summary>
    public bool Conceal(Span<short> frame)
    {
        if (_left == 0)
        {
            frame.Clear();
            return false;
        }

        _left--;
        for (var i = 0; i < _last.Length; i++) _last[i] /= 2;
        _last.CopyTo(frame);
        return true;
    }

    public void Forget() => _left = 0;
}
