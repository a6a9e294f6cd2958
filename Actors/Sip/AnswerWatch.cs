using ConfCluster.Actors.Participant;
using ConfCluster.Protocols.Sip.Transactions;

namespace ConfCluster.Actors.Sip;

/// <summary>
/// INVITEs that were handed to a participant which has not said anything yet, not even a provisional response. One that died with its node, or a request that was
/// lost on the way to it, says nothing ever: so it is handed the request again, and when that does not help for long, its caller is told.
/// </summary>
internal sealed class AnswerWatch(TimeSpan limit, TimeProvider clock)
{
    /// <summary>A participant that lives ignores a copy, and one that begins elsewhere needs it.</summary>
    private static readonly TimeSpan Again = TimeSpan.FromSeconds(2);

    private readonly Dictionary<TransactionKey, Unheard> _unheard = [];

    public int Count => _unheard.Count;

    /// <param name="invite">As it is about to be handed on; its body is copied.</param>
    public void Began(SipRequestArrived invite)
    {
        var now = clock.GetTimestamp();
        _unheard[invite.Key] = new Unheard(Copy(invite), now, now);
    }

    /// <summary>It has said something, or its transaction is over.</summary>
    public void Heard(TransactionKey key)
    {
        if (_unheard.Remove(key, out var unheard)) unheard.Invite.Request.Body.Clear();
    }

    /// <summary>Those whose time is over, without their bodies; they are not watched any more.</summary>
    public IReadOnlyList<SipRequestArrived> TakeOverdue()
    {
        var overdue = _unheard.Values.Where(u => clock.GetElapsedTime(u.Since) >= limit).Select(u => u.Invite).ToList();
        foreach (var late in overdue) Heard(late.Key);
        return overdue;
    }

    /// <summary>Those that are to be handed on again, each with a body of its own.</summary>
    public IReadOnlyList<SipRequestArrived> TakeAgain()
    {
        var due = _unheard.Values.Where(u => clock.GetElapsedTime(u.Told) >= Again).ToList();
        foreach (var unheard in due) _unheard[unheard.Invite.Key] = unheard with { Told = clock.GetTimestamp() };
        SipCounters.HandedOnAgain.Add(due.Count);
        return due.ConvertAll(u => Copy(u.Invite));
    }

    /// <summary>Their keys are not kept either.</summary>
    public void Close()
    {
        foreach (var key in _unheard.Keys.ToList()) Heard(key);
    }

    private static SipRequestArrived Copy(SipRequestArrived invite) => invite with { Request = invite.Request with { Body = invite.Request.Body.Copy() } };

    private sealed record Unheard(SipRequestArrived Invite, long Since, long Told);
}
