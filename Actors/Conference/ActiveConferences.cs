using System.Collections.Concurrent;
using ConfCluster.Protocols.Conference;

namespace ConfCluster.Actors.Conference;

/// <summary>
/// The conferences that are on in this process: for the limit on their number, and so that an entity that comes back knows whether its
/// calls are still here. One object per node.
/// </summary>
public sealed class ActiveConferences(int max)
{
    private readonly ConcurrentDictionary<ConferenceId, byte> _active = new();
    private volatile bool _closed;

    public int Count => _active.Count;

    public bool Contains(ConferenceId conference) => _active.ContainsKey(conference);

    /// <summary>From now on nobody gets in: the node is about to stop.</summary>
    public void Close() => _closed = true;

    /// <summary>Holds a place for it where there is one.</summary>
    public Admission Admit(ConferenceId conference)
    {
        if (_closed) return Admission.ShuttingDown;
        if (_active.ContainsKey(conference)) return Admission.Open;
        if (_active.Count >= max) return Admission.NoNewConference;
        Enter(conference);
        return Admission.Open;
    }

    public void Enter(ConferenceId conference) => _active.TryAdd(conference, 0);

    public void Leave(ConferenceId conference) => _active.TryRemove(conference, out _);
}
