using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.KeyManagement;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Keys.Rekeying;
using ConfCluster.Protocols.Mikey.Exchanges;
using ConfCluster.Protocols.Sdp;
using ConfCluster.Protocols.Sip.Authentication;
using ConfCluster.Protocols.Sip.Dialogs;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Sessions;
using ConfCluster.Protocols.Sip.Transactions;
using ConfCluster.Protocols.Srtp;

namespace ConfCluster.Protocols.Focus;

/// <summary>
/// Where a participant is in its life: one dialog in which we are the server of the first INVITE. What is secret in a state is listed by
/// <see cref="Secrets"/>; the machine destroys what the next state no longer lists, the shell what the last one lists.
/// </summary>
public abstract partial record ParticipantState
{
    private ParticipantState()
    {
    }

    public static readonly ParticipantState Initial = new Idle();

    internal virtual IEnumerable<IDisposable> Secrets => [];

    /// <summary>Its INVITE is here and not answered, or the answer not acknowledged: nobody but this participant repeats what is to be said.</summary>
    public bool IsOnItsWayIn => this is Resolving or Checking or Granting or Joining or Opening or Early or Answered;

    /// <summary>For the shell when it goes away at any moment: nothing secret outlives it.</summary>
    public void Destroy()
    {
        foreach (var secret in Secrets) secret.Dispose();
    }

    /// <summary>Nothing has happened yet, or nothing is known about it.</summary>
    public sealed record Idle : ParticipantState;

    /// <summary>A conference holds it for a participant, and nothing is stored: its INVITE may come again (<see cref="Focus.Awaiting"/>).</summary>
    public sealed record Awaited(ConferenceId Conference) : ParticipantState;

    /// <summary>The offer's ticket is acceptable; the KMS has been asked.</summary>
    /// <param name="Session">The offer.</param>
    public sealed record Resolving(Invitation Invitation, SessionDescription Session, MikeyArrival Transfer) : ParticipantState
    {
        internal override IEnumerable<IDisposable> Secrets => [Session];
    }

    /// <summary>The offer is under a pre-shared key; whoever keeps those has been asked.</summary>
    /// <param name="Session">The offer.</param>
    public sealed record Checking(Invitation Invitation, SessionDescription Session, PreSharedOffer Offer) : ParticipantState
    {
        internal override IEnumerable<IDisposable> Secrets => [Session];
    }

    /// <summary>The INVITE has no offer, and the KMS has been asked for the ticket of ours.</summary>
    public sealed record Granting(Invitation Invitation) : ParticipantState;

    /// <summary>The offer is acceptable; the conference has been asked.</summary>
    public sealed record Joining(Invitation Invitation) : ParticipantState
    {
        internal override IEnumerable<IDisposable> Secrets => Invitation.Secrets;
    }

    /// <summary>A member; the mixer has been asked for ports.</summary>
    /// <param name="Key">The group key for our answer; null: none.</param>
    /// <param name="Terms">What it joined under.</param>
    public sealed record Opening(Invitation Invitation, MixerId Mixer, GroupKey? Key, LegTerms Terms) : ParticipantState
    {
        public RoomSearch Search { get; init; }

        internal override IEnumerable<IDisposable> Secrets => Key is null ? Invitation.Secrets : [.. Invitation.Secrets, Key];
    }

    /// <summary>
    /// A 2xx of ours waits for its ACK. <paramref name="EndAfter"/>: a BYE is due then (RFC 3261 §15: a UAS must not send it before).
    /// </summary>
    public abstract record Unacknowledged(Participation Participation, PendingAck Pending, LeaveReason? EndAfter) : ParticipantState
    {
        internal override IEnumerable<IDisposable> Secrets => Participation.Secrets;
    }

    /// <summary>The first 2xx was sent.</summary>
    public sealed record Answered(Participation Participation, PendingAck Pending, LeaveReason? EndAfter = null)
        : Unacknowledged(Participation, Pending, EndAfter);

    /// <summary>The 2xx to a re-INVITE was sent.</summary>
    public sealed record Renegotiating(Participation Participation, PendingAck Pending, LeaveReason? EndAfter = null)
        : Unacknowledged(Participation, Pending, EndAfter);

    /// <summary>A reliable provisional response with our SDP waits for its PRACK; the 2xx waits with it (RFC 3262 §3, §5).</summary>
    public sealed record Early(Invitation Invitation, Participation Participation, PendingPrack Pending) : ParticipantState
    {
        internal override IEnumerable<IDisposable> Secrets => Participation.Secrets;
    }

    /// <summary>A request of ours is out.</summary>
    public sealed record Asking(Participation Participation, PendingRequest Pending) : ParticipantState
    {
        internal override IEnumerable<IDisposable> Secrets => [.. Participation.Secrets, .. Pending.Offer?.Secrets ?? []];
    }

    /// <summary>An offer in the dialog brought a new ticket (RFC 6043 §4.2.2); the KMS has been asked.</summary>
    /// <param name="Accepted">As it will be when the request is accepted.</param>
    /// <param name="Session">The offer.</param>
    public sealed record Renewing(
        Participation Participation, Participation Accepted, ParticipantInput.RequestArrived Arrived, SessionDescription Session, MikeyArrival Transfer)
        : ParticipantState
    {
        internal override IEnumerable<IDisposable> Secrets => [.. Participation.Secrets, Session];
    }

    public sealed record Confirmed(Participation Participation) : ParticipantState
    {
        internal override IEnumerable<IDisposable> Secrets => Participation.Secrets;
    }

    /// <summary>Read from the journal: the dialog lives at the peer; its keys and its leg are gone, or are asked for at the mixer (<see cref="Recovering"/>).</summary>
    public sealed record Restored(DialogFact.DialogConfirmed Fact) : ParticipantState
    {
        internal RecoveryState Recovery { get; init; } = RecoveryState.None;

        internal override IEnumerable<IDisposable> Secrets => Recovery.Secrets;
    }

    /// <summary>Our BYE is on its way.</summary>
    public sealed record Ending(Departure Departure, PendingBye Bye) : ParticipantState;

    /// <summary>The dialog is over; the leave may still be unacknowledged.</summary>
    public sealed record Ended(Departure Departure) : ParticipantState;
}

/// <summary>A first INVITE and what its offer said.</summary>
/// <param name="Offer">Null: the INVITE had no SDP, so the offer will be ours.</param>
public sealed record Invitation(TransactionKey Key, SipRequest Request, SipFlow Flow, ConferenceId Conference, LegOffer? Offer)
{
    public CallerIdentity? Caller { get; init; }

    /// <summary>As its headers agree with our policy (RFC 4028 §9).</summary>
    public SessionTimer Session { get; init; } = SessionTimer.None;

    /// <summary>For an offer of ours; null: none.</summary>
    public OfferGrant? Granted { get; init; }

    /// <summary>The journal knows of the dialog: its participant died before the answer went out.</summary>
    public bool IsStored { get; init; }

    internal IEnumerable<IDisposable> Secrets => Granted?.Secrets ?? Offer?.Secrets ?? [];
}

/// <summary>A dialog, its conference and its leg.</summary>
/// <param name="Invite">The first INVITE, so that a copy of it or a late CANCEL is known.</param>
/// <param name="Hidden">The peer is behind a NAT: only the flow reaches it.</param>
/// <param name="Stored">Whether the journal knows of the dialog.</param>
/// <param name="Reinvite">The newest re-INVITE of the peer, for a late CANCEL.</param>
public sealed record Participation(
    ConferenceId Conference, Dialog Dialog, SipFlow Flow, bool Hidden, TransactionKey Invite, Leg Leg, bool Stored = false,
    TransactionKey? Reinvite = null)
{
    /// <summary>Who joined; null: the conference called it.</summary>
    public CallerIdentity? Caller { get; init; }

    /// <summary>
    /// Whether a request in the dialog is from whoever joined. A trusted peer answers for whom it lets into its dialogs (RFC 3325 §5).
    /// </summary>
    internal bool IsFrom(CallerIdentity? sender) =>
        Caller is null or { Proof: IdentityProof.None } || sender is null or { Proof: IdentityProof.Asserted } || sender.Name == Caller.Name;

    public SessionTimer Session { get; init; } = SessionTimer.None;

    /// <summary>The peer's newest Allow has UPDATE (RFC 3311 §5.1).</summary>
    public bool TakesUpdate { get; init; }

    /// <summary>What servers on the way asked of us in this dialog; null: nothing yet.</summary>
    public DigestClient? Proofs { get; init; }

    /// <summary>Its first offer's keys had an MKI, so its packets have one whenever they are under a group key.</summary>
    public bool TakesMki { get; init; }

    /// <summary>A new group key that is offered as soon as the dialog is free.</summary>
    public WaitingKey? Waiting { get; init; }

    /// <summary>The leg is on its way to another mixer; null: it is where our SDP says.</summary>
    public Relocation? Relocation { get; init; }

    /// <summary>For a mixer with room.</summary>
    public RoomSearch Search { get; init; }

    /// <summary>The newest life of the conference that said anything of mixers.</summary>
    public Incarnation Obeys { get; init; }

    /// <summary>No request of ours reaches the peer until it has sent one (<see cref="Rehoming"/>). Its leg is as it was.</summary>
    public bool IsCutOff { get; init; }

    /// <summary>So long after the last time the conference is told again that the dialog is confirmed.</summary>
    public TimeSpan ReadyAgain { get; init; }

    /// <summary>CSeq of a re-INVITE of ours whose 2xx, if there was one, was lost with its way; null: none.</summary>
    public uint? AckOwed { get; init; }

    /// <summary>What the mixer was last given to keep; null: nothing.</summary>
    internal KeptLeg? Kept { get; init; }

    /// <summary>Where the leg is to be.</summary>
    internal MixerId Mixer => Relocation?.Mixer ?? Leg.Place.Mixer;

    /// <summary>The Call-ID is ours: after a 491 we wait longer than the peer (RFC 3261 §14.1).</summary>
    public bool OwnsCallId { get; init; }

    internal IEnumerable<IDisposable> Secrets => Waiting is null ? Leg.Secrets : [.. Leg.Secrets, Waiting.Key];

    /// <summary>A message of the peer may say anew what it takes; without Allow nothing has changed (RFC 3261 §20.5).</summary>
    internal Participation Hearing(SipMessage message) =>
        message.Headers.Has(HeaderNames.Allow)
            ? this with { TakesUpdate = message.Headers.List(HeaderNames.Allow).Contains(SipMethod.Update.Name, StringComparer.Ordinal) }
            : this;
}

/// <summary>A reliable provisional response that is repeated until its PRACK comes (RFC 3262 §3).</summary>
/// <param name="OurOffer">It held our offer, so the PRACK must hold the answer (RFC 3262 §5).</param>
public sealed record PendingPrack(uint Sequence, SipResponse Response, TimeSpan Interval, bool OurOffer);

/// <summary>An UPDATE or re-INVITE of ours in the dialog.</summary>
/// <param name="Offer">What it offers; null: nothing.</param>
/// <param name="Lengthened">A 422 was heeded already: it is not heeded twice (RFC 4028 §10).</param>
/// <param name="Proofs">Challenges to it that were answered.</param>
/// <param name="Epoch">Whose key it offers; null: nobody's.</param>
/// <param name="Moves">It tells where the leg is now; else, without a key, it only refreshes the session.</param>
public sealed record PendingRequest(SipMethod Method, uint Sequence, Leg? Offer, bool Lengthened, int Proofs = 0, KeyEpoch? Epoch = null, bool Moves = false)
{
    internal bool IsNews => Epoch is not null || Moves;
}

/// <summary>A BYE of ours without an answer, in case that a server on the way asks who we are.</summary>
/// <param name="Dialog">With the CSeq of the BYE.</param>
public sealed record PendingBye(Dialog Dialog, SipFlow Flow, DigestClient Proofs, int Answers = 0);

/// <summary>A 2xx that is repeated until its ACK comes (RFC 3261 §13.3.1.4).</summary>
/// <param name="OurOffer">The 2xx held our offer, so the ACK must hold the answer.</param>
/// <param name="MediaAtAck">The answer brought a new key of ours: it is not used before the ACK.</param>
public sealed record PendingAck(TransactionKey Key, SipResponse Response, TimeSpan Interval, bool OurOffer, bool MediaAtAck)
{
    /// <summary>It was not sent yet: it waits until the journal knows of the dialog.</summary>
    public bool IsHeld { get; init; }

    internal uint CSeq => Response.Headers.CSeq.Number;
}

/// <summary>What is left to do for a dialog that is over or about to be.</summary>
/// <param name="Conference">Null: none was ever asked to let it in.</param>
/// <param name="LeaveOwed">The conference has not acknowledged the leave.</param>
/// <param name="Stored">The journal knows of the dialog and not of its end.</param>
/// <param name="Lingering">Kept so that a forked copy of the INVITE meets somebody.</param>
/// <param name="Stopped">The shell was told to stop.</param>
public sealed record Departure(
    ConferenceId? Conference, LeaveReason Reason, TransactionKey? Invite, bool LeaveOwed, bool Stored, bool Lingering = false,
    bool Stopped = false);
