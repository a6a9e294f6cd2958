using System.Collections.Immutable;
using ConfCluster.Protocols.Conference;

namespace ConfCluster.Actors.Conference;

/// <summary>
/// The conferences that are on in this process and how many are in each: for the limit on their number, for the metrics, and so that an entity that comes
/// back knows whether its calls are still here. One object per node, used by many threads.
/// </summary>
public sealed class ActiveConferences(int max)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<ConferenceId, Crowd> _active = [];
    private int _occupied;
    private int _participants;
    private int _withoutMki;
    private bool _closed;

    public int Count
    {
        get
        {
            lock (_lock) return _active.Count;
        }
    }

    /// <summary>Those with somebody in them.</summary>
    public int Occupied => Volatile.Read(ref _occupied);

    /// <summary>Of all of them.</summary>
    public int Participants => Volatile.Read(ref _participants);

    /// <summary>Of all of them, those that cannot tell keys by MKI.</summary>
    public int WithoutMki => Volatile.Read(ref _withoutMki);

    /// <summary>Of the moment.</summary>
    public ImmutableArray<ConferenceId> Ids
    {
        get
        {
            lock (_lock) return [.. _active.Keys];
        }
    }

    public bool Contains(ConferenceId conference)
    {
        lock (_lock) return _active.ContainsKey(conference);
    }

    /// <summary>From now on nobody gets in: the node is about to stop.</summary>
    public void Close()
    {
        lock (_lock) _closed = true;
    }

    /// <summary>Holds a place for it where there is one.</summary>
    public Admission Admit(ConferenceId conference)
    {
        lock (_lock)
        {
            if (_closed) return Admission.ShuttingDown;
            if (_active.ContainsKey(conference)) return Admission.Open;
            if (_active.Count >= max) return Admission.NoNewConference;
            Set(conference, default);
            return Admission.Open;
        }
    }

    /// <param name="withoutMki">Of the participants.</param>
    public void Enter(ConferenceId conference, int participants, int withoutMki)
    {
        lock (_lock) Set(conference, new Crowd(participants, withoutMki));
    }

    public void Leave(ConferenceId conference)
    {
        lock (_lock)
        {
            Set(conference, default);
            _active.Remove(conference);
        }
    }

    private void Set(ConferenceId conference, Crowd now)
    {
        var before = _active.GetValueOrDefault(conference);
        _active[conference] = now;
        _participants += now.Participants - before.Participants;
        _withoutMki += now.WithoutMki - before.WithoutMki;
        _occupied += Math.Sign(now.Participants) - Math.Sign(before.Participants);
    }

    private readonly record struct Crowd(int Participants, int WithoutMki);
}
