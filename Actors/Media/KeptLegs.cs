using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Focus;

namespace ConfCluster.Actors.Media;

/// <summary>What participants left at a mixer for their next lives. In memory only; zeroed with the leg and with the mixer. Used by one actor.</summary>
internal sealed class KeptLegs
{
    private readonly Dictionary<ParticipantId, LegRecord> _records = [];

    public int Count => _records.Count;

    /// <summary>Takes the record over: an older one than is there is zeroed, and so is one of a leg that is closed.</summary>
    public void Keep(LegRecord record, bool isOpen)
    {
        var participant = record.Media.Participant;
        var old = _records.GetValueOrDefault(participant);
        if (!isOpen || old is not null && old.Media.Generation > record.Media.Generation)
        {
            record.Dispose();
            return;
        }

        old?.Dispose();
        _records[participant] = record;
    }

    /// <summary>Null: nothing was left. The caller owns the copy.</summary>
    public LegRecord? CopyOf(ParticipantId participant) => _records.GetValueOrDefault(participant)?.Copy();

    public void Forget(ParticipantId participant)
    {
        if (_records.Remove(participant, out var record)) record.Dispose();
    }

    public void ForgetAll()
    {
        foreach (var record in _records.Values) record.Dispose();
        _records.Clear();
    }
}
