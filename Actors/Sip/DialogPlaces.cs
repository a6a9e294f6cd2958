using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Sip.Admission;

namespace ConfCluster.Actors.Sip;

/// <summary>
/// Who holds how many dialogs of a node: the endpoint takes a place before it wakes a participant, and the participant leaves it when it
/// goes. One object per node, used by many threads.
/// </summary>
public sealed class DialogPlaces
{
    private readonly Lock _lock = new();
    private readonly Dictionary<ParticipantId, SourceKey> _held = [];
    private readonly Dictionary<SourceKey, int> _bySource = [];

    public int Count
    {
        get
        {
            lock (_lock) return _held.Count;
        }
    }

    public int Of(SourceKey source)
    {
        lock (_lock) return _bySource.GetValueOrDefault(source);
    }

    /// <summary>A second time for one participant changes nothing.</summary>
    public void Take(ParticipantId participant, SourceKey source)
    {
        lock (_lock)
        {
            if (_held.TryAdd(participant, source)) _bySource[source] = _bySource.GetValueOrDefault(source) + 1;
        }
    }

    public void Leave(ParticipantId participant)
    {
        lock (_lock)
        {
            if (!_held.Remove(participant, out var source)) return;
            var left = _bySource[source] - 1;
            if (left > 0) _bySource[source] = left;
            else _bySource.Remove(source);
        }
    }
}
