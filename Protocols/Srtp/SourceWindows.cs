using ConfCluster.Protocols.Rtp;

namespace ConfCluster.Protocols.Srtp;

/// <summary>
/// The sources of one peer, each with its replay window; receivers under several keys share one. The source of the last packet is found without looking, and
/// of the others there are few.
/// </summary>
internal sealed class SourceWindows(int most)
{
    private SourceWindow[] _all = [];
    private SourceWindow? _last;

    public int Count { get; private set; }

    public bool IsFull => Count >= most;

    /// <summary>The one with that number, below <see cref="Count"/>, in the order of their first packets.</summary>
    public SourceWindow this[int number] => _all[number];

    /// <summary>Null: nothing authentic ever came from it.</summary>
    public SourceWindow? Find(Ssrc ssrc)
    {
        if (_last is { } last && last.Ssrc == ssrc) return last;
        for (var i = 0; i < Count; i++)
            if (_all[i].Ssrc == ssrc)
                return _last = _all[i];
        return null;
    }

    /// <summary>A source that is not there yet; only with room for it.</summary>
    public void Add(Ssrc ssrc, ReplayWindow window)
    {
        if (Count == _all.Length) Array.Resize(ref _all, Math.Max(1, 2 * Count));
        _all[Count++] = _last = new SourceWindow(ssrc) { Window = window };
    }

    public void Remove(Ssrc ssrc)
    {
        var kept = 0;
        for (var i = 0; i < Count; i++)
            if (_all[i].Ssrc != ssrc)
                _all[kept++] = _all[i];
        Array.Clear(_all, kept, Count - kept);
        (Count, _last) = (kept, null);
    }
}

/// <summary>One source.</summary>
internal sealed class SourceWindow(Ssrc ssrc)
{
    public readonly Ssrc Ssrc = ssrc;

    public ReplayWindow Window;
}
