namespace ConfCluster.Actors.Media;

/// <summary>
/// Which mixers of a lane have something to do in a tick: those that are awake, and those that sleep until a time that has come. Looking at one that sleeps
/// costs nothing. Used by the lane's thread only.
/// </summary>
internal sealed class LaneOrder
{
    /// <summary>One that was stirred leaves an entry behind that wakes nobody.</summary>
    private readonly PriorityQueue<(LaneMixer Mixer, long Number), TimeSpan> _asleep = new();
    private readonly Dictionary<LaneMixer, long> _sleeps = [];
    private readonly List<LaneMixer> _awake = [];
    private long _number;

    public int Count => _awake.Count + _sleeps.Count;

    public void Add(LaneMixer mixer) => _awake.Add(mixer);

    public void Remove(LaneMixer mixer)
    {
        if (!_sleeps.Remove(mixer)) _awake.Remove(mixer);
    }

    /// <summary>The next tick looks at it.</summary>
    public void Stir(LaneMixer mixer)
    {
        if (_sleeps.Remove(mixer)) _awake.Add(mixer);
    }

    /// <summary>In the order in which they came or woke.</summary>
    public List<LaneMixer> Due(TimeSpan now)
    {
        while (_asleep.TryPeek(out var next, out var at) && at <= now)
        {
            _asleep.Dequeue();
            if (_sleeps.TryGetValue(next.Mixer, out var number) && number == next.Number) Stir(next.Mixer);
        }

        return _awake;
    }

    /// <summary>After a tick: who has nothing to do sleeps.</summary>
    public void Rest()
    {
        var kept = 0;
        for (var i = 0; i < _awake.Count; i++)
        {
            if (_awake[i].SleepsUntil() is { } until) Sleep(_awake[i], until);
            else _awake[kept++] = _awake[i];
        }

        _awake.RemoveRange(kept, _awake.Count - kept);
    }

    private void Sleep(LaneMixer mixer, TimeSpan until)
    {
        _sleeps[mixer] = ++_number;
        _asleep.Enqueue((mixer, _number), until);
    }
}
