using System.Collections.Immutable;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.KeyManagement;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Keys.Rekeying;
using ConfCluster.Protocols.Mikey.Exchanges;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Sip.Authentication;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Transactions;
using ConfCluster.Protocols.Srtp;

namespace ConfCluster.Protocols.Focus;

/// <summary>Timers of a participant; each runs at most once at a time.</summary>
public enum ParticipantTimer : byte
{
    /// <summary>RFC 3261 §13.3.1.4: the 2xx again, T1 doubling to T2.</summary>
    Repeat2xx,

    /// <summary>RFC 3261 §13.3.1.4: no ACK for 64*T1.</summary>
    NoAck,

    /// <summary>Ask the conference for the join, or the mixer for the ports, again.</summary>
    RepeatAsk,

    /// <summary>Nobody answered the ask.</summary>
    Unanswered,

    /// <summary>The leave again, until it is acknowledged.</summary>
    RepeatLeave,

    /// <summary>Timer F + 1 s: the endpoint that sent our BYE is gone.</summary>
    ByeUnanswered,

    /// <summary>RFC 3261 §8.2.2.2: forked copies of an INVITE that ended without a fact come within 64*T1.</summary>
    Forget,

    /// <summary>RFC 3262 §3: the reliable provisional response again, T1 doubling.</summary>
    RepeatProvisional,

    /// <summary>RFC 3262 §3: no PRACK for 64*T1.</summary>
    NoPrack,

    /// <summary>RFC 4028 §10: half of the session interval is over and we refresh it.</summary>
    Refresh,

    /// <summary>RFC 4028 §10: no refresh has succeeded.</summary>
    SessionExpired,

    /// <summary>RFC 3261 §14.1: a request of ours may be tried again.</summary>
    Retry,

    /// <summary>The endpoint that sent our request is gone, or the peer answers provisionally for ever.</summary>
    RequestUnanswered,

    /// <summary>It rings too long.</summary>
    RingLimit,

    /// <summary>RFC 3261 §9.1: no final response to the INVITE 64*T1 after its CANCEL.</summary>
    CancelLimit,

    /// <summary>RFC 6026 §7.2, timer M: no more 2xx to our INVITE are to be expected.</summary>
    LateAnswers,

    /// <summary>Tell the conference again that the dialog is confirmed: T2 doubling, up to 64*T1, since nobody says that it has heard.</summary>
    RepeatReady,
}

/// <summary>What can happen to a participant.</summary>
public abstract partial record ParticipantInput
{
    private ParticipantInput()
    {
    }

    /// <summary>The facts in the journal, in order; the first input of every life.</summary>
    public sealed record Recovered(ImmutableArray<DialogFact> Facts) : ParticipantInput;

    /// <summary>The journal has it.</summary>
    public sealed record FactStored(DialogFact Fact) : ParticipantInput;

    /// <summary>Any request but ACK: INVITE, CANCEL and what comes in the dialog.</summary>
    public sealed record RequestArrived(TransactionKey Key, SipRequest Request, SipFlow Flow) : ParticipantInput
    {
        /// <summary>Who sent it; null: nobody asked.</summary>
        public CallerIdentity? Caller { get; init; }
    }

    /// <summary>An ACK to a 2xx.</summary>
    public sealed record AckArrived(SipRequest Request) : ParticipantInput;

    /// <summary>A response to a request of ours.</summary>
    public sealed record ResponseArrived(SipResponse Response) : ParticipantInput;

    /// <summary>The transaction <paramref name="Key"/> ended without an answer or an ACK.</summary>
    public sealed record TransactionFailed(TransactionKey Key, TransactionFailure Reason) : ParticipantInput;

    public sealed record JoinAccepted(ConferenceId Conference, MixerId Mixer, Ssrc Ssrc) : ParticipantInput
    {
        /// <summary>The group key that goes into our SDP beside the leg's own; whoever takes the input owns it.</summary>
        public GroupKey? Key { get; init; }

        /// <summary>What it is told to send under.</summary>
        public LegKeying Keying { get; init; }

        /// <summary>The SSRC that it is to send under with a group key; 0: it sends under a key of its own.</summary>
        public Ssrc Uplink { get; init; }

        /// <summary>The format that all have where media is forwarded unopened (<see cref="MediaTerms"/>); empty: it is mixed.</summary>
        public string Media { get; init; } = "";
    }

    /// <summary>The conference wants the leg to have a new group key; whoever takes the input owns it.</summary>
    /// <param name="InUse">The epoch that media to it is under now, whose key stays in the SDP; null: its own key.</param>
    public sealed record KeyOffered(ConferenceId Conference, GroupKey Key, KeyEpoch? InUse) : ParticipantInput
    {
        /// <summary>The newest that it took, which stays too; null: the last that it was told.</summary>
        public KeyEpoch? Taken { get; init; }

        /// <summary>It has the key, and is told to send under it.</summary>
        public bool Switches { get; init; }

        /// <summary>Streams of others that run already, where nobody mixes them.</summary>
        public ImmutableArray<UplinkIndex> Streams { get; init; } = [];
    }

    /// <summary>The conference has another mixer: the leg goes there.</summary>
    /// <param name="Incarnation">Of the conference; a lower one than before is not obeyed.</param>
    /// <param name="MayOffer">The peer may be told of it now. Else when this comes again, or with a group key.</param>
    public sealed record MoveRequested(ConferenceId Conference, MixerId Mixer, Incarnation Incarnation, bool MayOffer) : ParticipantInput
    {
        /// <summary>The mixer before goes on with the leg until the peer knows of the new one, which sends nothing until then.</summary>
        public bool IsGentle { get; init; }

        /// <summary>Of a leg that sends under the group's key; null: of any other.</summary>
        public GroupUplink? Uplink { get; init; }

        /// <summary>How often the leg was given another place for want of room: with a higher one than before the mixer may be an older one.</summary>
        public int Seating { get; init; }

        /// <summary>The conference has heard that the peer acknowledged, for a life of the participant that does not know; false: it may have or not.</summary>
        public bool IsConfirmed { get; init; }
    }

    /// <summary>What became of the ticket of an INVITE; whoever takes the input owns <paramref name="Verified"/>, null: refused.</summary>
    /// <param name="IsUnreachable">No KMS answered.</param>
    public sealed record TicketResolved(VerifiedTransfer? Verified, ExchangeError Error, bool IsUnreachable) : ParticipantInput;

    /// <summary>What became of an offer under a pre-shared key; whoever takes the input owns <paramref name="Opening"/>, null: refused.</summary>
    public sealed record PreSharedChecked(PreSharedOpening? Opening, ExchangeError Error) : ParticipantInput;

    /// <summary>The ticket that was asked for; whoever takes the input owns <paramref name="Keys"/>, null: refused.</summary>
    /// <param name="IsUnreachable">No KMS answered.</param>
    public sealed record TicketGranted(GrantedKeys? Keys, ExchangeError Error, bool IsUnreachable) : ParticipantInput
    {
        /// <summary>In place of a ticket; owned as that is.</summary>
        public PreSharedGrant? PreShared { get; init; }

        internal OfferGrant? Grant => Keys is null && PreShared is null ? null : new OfferGrant(Keys, PreShared);
    }

    /// <summary>The node that had the dialog's flow is gone.</summary>
    /// <param name="Instead">Through which requests go now.</param>
    public sealed record SipNodeGone(string Instead) : ParticipantInput;

    public sealed record JoinRefused(ConferenceId Conference, Rejection Reason) : ParticipantInput;

    public sealed record LegOpened(MixerId Mixer, MediaAddress Rtp, MediaAddress Rtcp) : ParticipantInput;

    /// <summary>What the mixer has of the leg since a former life of the participant; null: nothing. Whoever takes the input owns it.</summary>
    /// <param name="IsGone">It has no leg of the participant at all.</param>
    public sealed record LegFound(MixerId Mixer, LegRecord? Record, bool IsGone = false) : ParticipantInput;

    public sealed record LegRefused(MixerId Mixer, Rejection Reason) : ParticipantInput;

    public sealed record LeaveAcknowledged(ConferenceId Conference) : ParticipantInput;

    /// <summary>The conference wants it out.</summary>
    public sealed record EndRequested(ConferenceId Conference, LeaveReason Reason) : ParticipantInput;

    public sealed record Fired(ParticipantTimer Timer) : ParticipantInput;
}
