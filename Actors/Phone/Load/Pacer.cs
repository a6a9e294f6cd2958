namespace ConfCluster.Actors.Phone.Load;

/// <summary>How many of something that is to happen so often per second are due. A late question gets what was missed, at most a tenth of a second's worth.</summary>
internal sealed class Pacer(double perSecond)
{
    private TimeSpan _last;
    private double _owed;
    private bool _begun;

    public int Due(TimeSpan now)
    {
        if (perSecond <= 0) return 0;
        if (!_begun) (_begun, _last, _owed) = (true, now, 1);
        _owed = Math.Min(_owed + (now - _last).TotalSeconds * perSecond, Math.Max(1, perSecond / 10));
        _last = now;
        // A rate of 50 and ticks of 20 ms make exactly one each time, whatever the rounding of the sum.
        var whole = (int)(_owed + 1e-9);
        _owed -= whole;
        return whole;
    }
}
