using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Transactions;

namespace ConfCluster.Actors.Sip;

/// <summary>An INVITE of which its participant has said nothing.</summary>
/// <param name="Request">Without its body.</param>
internal readonly record struct Unheard(TransactionKey Key, SipRequest Request, ParticipantId Owner, long At);

/// <summary>
/// INVITEs that were handed to a participant which has not said anything yet, not even a provisional response. One that died with its node, or a request that was
/// lost on the way to it, says nothing ever.
/// </summary>
internal sealed class AnswerWatch(TimeSpan limit, TimeProvider clock)
{
    private readonly Dictionary<TransactionKey, Unheard> _unheard = [];

    public int Count => _unheard.Count;

    public void Began(TransactionKey key, SipRequest request, ParticipantId owner) =>
        _unheard[key] = new Unheard(key, request with { Body = SipBody.Empty }, owner, clock.GetTimestamp());

    /// <summary>It has said something, or its transaction is over.</summary>
    public void Heard(TransactionKey key) => _unheard.Remove(key);

    /// <summary>Those whose time is over; they are not watched any more.</summary>
    public IReadOnlyList<Unheard> TakeOverdue()
    {
        if (_unheard.Count == 0) return [];
        var overdue = _unheard.Values.Where(u => clock.GetElapsedTime(u.At) >= limit).ToList();
        foreach (var late in overdue) _unheard.Remove(late.Key);
        return overdue;
    }
}
