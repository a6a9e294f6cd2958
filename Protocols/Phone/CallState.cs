using ConfCluster.Protocols.Sip.Dialogs;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Transactions;

namespace ConfCluster.Protocols.Phone;

/// <summary>Where a call of a phone is.</summary>
public abstract record CallState
{
    private CallState()
    {
    }

    public sealed record Idle : CallState;

    /// <summary>INVITE sent. A CANCEL waits for the first provisional response (RFC 3261 §9.1).</summary>
    internal sealed record Calling(SipRequest Invite, bool Progressed, bool Cancelling) : CallState;

    /// <summary>Called, and not answered yet.</summary>
    internal sealed record Ringing(TransactionKey Key, SipRequest Invite) : CallState;

    /// <summary>To be answered when the ticket of its offer is resolved.</summary>
    internal sealed record Resolving(TransactionKey Key, SipRequest Invite) : CallState;

    /// <summary>In a dialog. At most one of our INVITEs and one unacknowledged 2xx of ours at a time.</summary>
    /// <param name="InviteSequence">CSeq of our newest INVITE that got a 2xx: copies of that 2xx get this ACK again (RFC 3261 §13.2.2.4).</param>
    internal sealed record Talking(
        Dialog Dialog, uint InviteSequence, SipRequest? Ack, TransactionKey? OurInvite, UnacknowledgedAnswer? Answer) : CallState
    {
        /// <summary>An offer of the peer that is answered when its ticket is resolved; null: none.</summary>
        public Offered? Held { get; init; }
    }

    /// <summary>Our BYE is out.</summary>
    internal sealed record Ending(Dialog Dialog, TransactionKey Bye, CallEnd How) : CallState;

    public sealed record Ended : CallState;
}

/// <summary>An offer in a re-INVITE or an UPDATE.</summary>
internal sealed record Offered(TransactionKey Key, SipRequest Request);

/// <summary>A 2xx of ours, repeated until its ACK comes.</summary>
internal sealed record UnacknowledgedAnswer(TransactionKey Key, SipResponse Response, TimeSpan Interval, bool IsOffer);
