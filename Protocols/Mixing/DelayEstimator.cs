namespace ConfCluster.Protocols.Mixing;

/// <summary>
/// How long a source's packets must wait so that the late ones are not too late: the spread of their transit times (RFC 3550 §6.4.1 has
/// the mean of it; playing needs the worst) within a second, the greatest of the last ten. It grows with the packet that is later than
/// any before, and shrinks when that second is forgotten. All times are in units of the source's RTP clock.
/// </summary>
internal sealed class DelayEstimator
{
    private const int Seconds = 10;
    private const int TicksPerSecond = 50;

    private readonly int _frame;
    private readonly int _first;
    private readonly int _least;
    private readonly int _most;
    private readonly int[] _spreads = new int[Seconds];
    private int _second;
    private int _left;
    private bool _any;
    private int _lowest;
    private int _highest;
    private int _lowestBefore;
    private int _last;

    /// <param name="frame">Units in a tick.</param>
    /// <param name="first">Frames that a source begins with.</param>
    public DelayEstimator(int frame, int first, int least, int most)
    {
        (_frame, _first, _least, _most) = (frame, first * frame, least * frame, most * frame);
        Reset();
    }

    /// <summary>What should be held before playing begins: one frame more than the delay.</summary>
    public int Target { get; private set; }

    /// <summary>The transit time of the fastest packet of the last second or two; only a difference to another means anything.</summary>
    public int Fastest => Math.Min(_lowest, _lowestBefore);

    public void Arrived(uint timestamp, uint now)
    {
        var transit = (int)(now - timestamp);
        // Another clock, not a delay.
        if (_any && Math.Abs((long)transit - _last) > 2 * TicksPerSecond * _frame) Reset();
        (_lowest, _highest) = _any && _left < TicksPerSecond ? (Math.Min(_lowest, transit), Math.Max(_highest, transit)) : (transit, transit);
        if (!_any) _lowestBefore = transit;
        if (_left == TicksPerSecond) _left--;
        (_any, _last) = (true, transit);
        if (_highest - _lowest <= _spreads[_second]) return;
        _spreads[_second] = _highest - _lowest;
        Retarget();
    }

    /// <summary>20 ms have passed.</summary>
    public void Tick()
    {
        if (!_any || --_left > 0) return;
        // A second without a packet tells nothing and makes nothing forgotten.
        if (_left < 0) _left = 0;
        _lowestBefore = _lowest;
        _second = (_second + 1) % Seconds;
        (_spreads[_second], _left) = (0, TicksPerSecond);
        Retarget();
    }

    public void Reset()
    {
        // What it begins with is an assumption, forgotten like a measurement.
        Array.Fill(_spreads, _first - _frame);
        (_second, _left, _any, _lowest, _highest, _lowestBefore) = (0, TicksPerSecond, false, 0, 0, 0);
        Retarget();
    }

    /// <summary>Another source on the same way: what it takes is known already, when it left is not.</summary>
    public void Expect(DelayEstimator before)
    {
        if (before._frame != _frame) return;
        before._spreads.CopyTo(_spreads, 0);
        (_second, _left) = (before._second, before._left);
        Retarget();
    }

    private void Retarget() => Target = Math.Clamp(_spreads.Max() + _frame, _least, Math.Max(_least, _most));
}
