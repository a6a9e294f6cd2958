using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Sip.Dialogs;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Transactions;

namespace ConfCluster.Protocols.Focus;

/// <summary>Of a dialog that is keyed by MIKEY; no secret.</summary>
/// <param name="Self">Whom the peer knows us as in its messages (RFC 6043 §6.6), a URI.</param>
/// <param name="Peer">Whom we know it as.</param>
/// <param name="Suite">The crypto-suite's name (RFC 4568 §6.2).</param>
public sealed record KeyedDialog(string Self, string Peer, string Suite);

/// <summary>An INVITE that may not have been answered.</summary>
/// <param name="At">When the answer was to be stored, by the clock of that node.</param>
public sealed record FirstInvite(TransactionKey Key, DateTimeOffset At)
{
    /// <summary>A copy of it may come: nobody waits for an answer for longer than 64*T1 (RFC 3261 §17.1.1.2).</summary>
    internal bool MayBeOpen(ParticipantContext context) => context.Now - At < context.Timings.TransactionTimeout;
}

/// <summary>
/// What is stored of a participant: one fact when its dialog is confirmed, or in a cluster before its INVITE is answered, and one at its end, so that a node
/// that comes back can say BYE in the dialogs it had. Holds no secret: the SDP comes without its key lines.
/// </summary>
public abstract record DialogFact
{
    private DialogFact()
    {
    }

    /// <summary>The first ACK arrived; in a cluster: the INVITE is about to be answered with 2xx, and the peer acknowledges it or not.</summary>
    /// <param name="Flow">Where the dialog's requests go; a connection of it is gone after a restart.</param>
    /// <param name="Hidden">The peer is behind a NAT: only the flow reaches it.</param>
    /// <param name="LocalSdp">Ours, without a=crypto, a=key-mgmt and k= lines.</param>
    /// <param name="RemoteSdp">The peer's, in the same manner.</param>
    public sealed record DialogConfirmed(
        ConferenceId Conference, DialogFacts Dialog, SipFlow Flow, bool Hidden, string LocalSdp, string RemoteSdp) : DialogFact
    {
        /// <summary>Its first offer's keys had an MKI.</summary>
        public bool TakesMki { get; init; }

        /// <summary>Its keys travel in MIKEY messages.</summary>
        public bool IsByTicket { get; init; }

        /// <summary>Who the sides of its bundle are and what it is for, so that another can begin in its place; null: no bundle, or one of an older version.</summary>
        public KeyedDialog? Keyed { get; init; }

        /// <summary>Stored before its answer; null: after, or by an older version.</summary>
        public FirstInvite? Invite { get; init; }
    }

    public sealed record DialogEnded(LeaveReason Reason) : DialogFact;
}
