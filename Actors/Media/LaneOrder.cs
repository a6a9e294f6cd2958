namespace ConfCluster.Actors.Media;

/// <summary>
/// Which mixers of a lane have something to do in a tick: those that are awake, and those that sleep until a time that has come. Looking at one that sleeps
/// costs nothing. Used by the lane's thread only.
/// </summary>
internal sealed class LaneOrder
{
    private readonly PriorityQueue<Nap, TimeSpan> _asleep = new();
    private readonly Dictionary<LaneMixer, Nap> _naps = [];
    private readonly List<LaneMixer> _awake = [];

    public int Count => _awake.Count + _naps.Count;

    public void Add(LaneMixer mixer) => _awake.Add(mixer);

    public void Remove(LaneMixer mixer)
    {
        if (!Rouse(mixer)) _awake.Remove(mixer);
    }

    /// <summary>The next tick looks at it.</summary>
    public void Stir(LaneMixer mixer)
    {
        if (Rouse(mixer)) _awake.Add(mixer);
    }

    /// <summary>In the order in which they came or woke.</summary>
    public List<LaneMixer> Due(TimeSpan now)
    {
        while (_asleep.TryPeek(out var nap, out var at) && at <= now)
        {
            _asleep.Dequeue();
            if (nap.Mixer is { } mixer) Stir(mixer);
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
        var nap = new Nap { Mixer = mixer };
        _naps.Add(mixer, nap);
        _asleep.Enqueue(nap, until);
    }

    private bool Rouse(LaneMixer mixer)
    {
        if (!_naps.Remove(mixer, out var nap)) return false;
        nap.Mixer = null;
        return true;
    }

    /// <summary>Of a mixer that was roused nothing is left but this, until its time.</summary>
    private sealed class Nap
    {
        public LaneMixer? Mixer { get; set; }
    }
}
