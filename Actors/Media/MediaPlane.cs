using ConfCluster.Actors.Settings;
using ConfCluster.Protocols.Conference;

namespace ConfCluster.Actors.Media;

/// <summary>
/// The media lanes of a node. The host makes it before its actors and disposes it after them; mixer entities take places on it. A lane
/// that failed is replaced when the next place is asked for.
/// </summary>
public sealed class MediaPlane : IDisposable
{
    private readonly Lock _lock = new();
    private readonly LaneOptions _options;
    private readonly MediaLane[] _lanes;
    private bool _disposed;

    public MediaPlane(MediaSettings settings, TimeProvider clock)
        : this(new LaneOptions(
            settings, MediaHome.Of(settings, clock), SocketBudget.OfThisProcess(), clock,
            () => MediaSockets.ForThisSystem(settings.Sockets),
            LaneClock.ForThisSystem))
    {
    }

    internal MediaPlane(LaneOptions options)
    {
        _options = options;
        _lanes = [.. Enumerable.Range(0, options.Media.Lanes).Select(NewLane)];
    }

    /// <summary>Participants that there is room for: the least of ports, open files (two per participant) and places on the lanes.</summary>
    public MediaRoom Room() => new(
        _options.Homes.Sum(h => h.Ports.Pairs), _options.Budget.Limit / 2, (int)Math.Min(int.MaxValue, (long)_options.Media.Lanes * _options.Media.MaxLegsPerLane))
    {
        Homes = [.. _options.Homes.Select(h => $"{h.Binding.Address} (ports for {h.Ports.Pairs})")],
    };

    public MediaPlaneSnapshot Snapshot()
    {
        lock (_lock) return new MediaPlaneSnapshot([.. _lanes.Select(l => l.Snapshot())]);
    }

    /// <summary>
    /// A place on the lane with the least load of those that are not hanging and have no other mixer of this conference: where a mixer takes over from another,
    /// that lane may be what failed. Where there is no such lane, on any.
    /// </summary>
    /// <param name="report">Called on the lane's thread: it may only post.</param>
    public LanePlace Place(MixerId mixer, Action<LaneReport> report)
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            for (var i = 0; i < _lanes.Length; i++)
                if (_lanes[i].IsFailed)
                    _lanes[i] = NewLane(i);
            return _lanes.MinBy(l => (l.IsHanging, l.Serves(mixer), l.Load))!.Place(mixer, report);
        }
    }

    /// <summary>For tests: each lane that has a mixer does that on its thread, as if it hung or failed.</summary>
    internal void Break(Action how)
    {
        lock (_lock)
            foreach (var lane in _lanes.Where(l => l.Load > 0))
                lane.Post(new LaneCommand.Break(how));
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _disposed = true;
            foreach (var lane in _lanes) lane.Dispose();
        }
    }

    private MediaLane NewLane(int number)
    {
        var lane = new MediaLane(number, _options);
        lane.Start();
        return lane;
    }
}
