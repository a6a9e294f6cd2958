using System.Collections.Immutable;
using Akka.Actor;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Keys.Rekeying;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Sip.Authentication;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Transactions;
using ConfCluster.Protocols.Srtp;

namespace ConfCluster.Actors.Participant;

/// <summary>Anything sent to a participant entity; the region routes it by <see cref="Participant"/>.</summary>
public interface IParticipantMessage
{
    ParticipantId Participant { get; }
}

/// <summary>
/// A request for this dialog, from the node's endpoint (<paramref name="Endpoint"/> takes the responses). Initial INVITE and CANCEL have
/// no To tag; an in-dialog request never creates an entity: one without a living dialog answers 481 and stops.
/// </summary>
public sealed record SipRequestArrived(ParticipantId Participant, TransactionKey Key, SipRequest Request, SipFlow Flow, IActorRef Endpoint) : IParticipantMessage
{
    /// <summary>Who sent it, as the endpoint found out.</summary>
    public CallerIdentity? Caller { get; init; }
}

/// <summary>An ACK to a 2xx of ours.</summary>
public sealed record SipAckArrived(ParticipantId Participant, SipRequest Request, SipFlow Flow) : IParticipantMessage;

/// <summary>A response to a request of ours (BYE, later re-INVITE and UPDATE).</summary>
public sealed record SipResponseArrived(ParticipantId Participant, TransactionKey Key, SipResponse Response) : IParticipantMessage;

/// <summary>The client or server transaction got no answer.</summary>
public sealed record SipTransactionFailed(ParticipantId Participant, TransactionKey Key, TransactionFailure Reason) : IParticipantMessage;

public sealed record Joined(ParticipantId Participant, ConferenceId Conference, MixerId Mixer, Ssrc Ssrc, Incarnation Incarnation) : IParticipantMessage
{
    /// <summary>What it is told to send under.</summary>
    public LegKeying Keying { get; init; }

    /// <summary>The SSRC that it is to send under with a group key; 0: it sends under a key of its own.</summary>
    public Ssrc Uplink { get; init; }

    /// <summary>The format that all have where media is forwarded unopened; empty: it is mixed.</summary>
    public string Media { get; init; } = "";
}

/// <summary>As <see cref="Joined"/>, with the group key that goes into the answer beside the leg's own. The receiver owns the key.</summary>
public sealed record JoinedInGroup(Joined Join, GroupKey Key) : IParticipantMessage
{
    public ParticipantId Participant => Join.Participant;
}

/// <summary>
/// Tell it a group key with its rungs, by UPDATE or re-INVITE, and no longer those that are not named here: answered by <c>LegKeyReport</c>, or by its leave.
/// A newer one takes the place of one that has not gone out. The receiver owns the key.
/// </summary>
/// <param name="InUse">The epoch that media to it is under now, whose key stays in the SDP; null: its own key.</param>
public sealed record OfferGroupKey(ParticipantId Participant, ConferenceId Conference, GroupKey Key, KeyEpoch? InUse) : IParticipantMessage
{
    /// <summary>The newest that it took, which stays in the SDP, too; null: the last that it was told.</summary>
    public KeyEpoch? Taken { get; init; }

    /// <summary>It has the key, and is told to send under it.</summary>
    public bool Switches { get; init; }

    /// <summary>Streams of others that run already and that it has not heard yet, where nobody mixes them.</summary>
    public ImmutableArray<UplinkIndex> Streams { get; init; } = [];
}

/// <summary>
/// The conference has another mixer: ports there, media from there, and the peer is told when <paramref name="MayOffer"/> says so or with a group key. Answered by
/// <c>LegMoved</c>, or by its leave; repeated until then.
/// </summary>
public sealed record MoveLeg(ParticipantId Participant, ConferenceId Conference, MixerId Mixer, Incarnation Incarnation, bool MayOffer) : IParticipantMessage
{
    /// <summary>The mixer before goes on with the leg until the peer knows of the new one, which sends nothing until then.</summary>
    public bool IsGentle { get; init; }

    /// <summary>Null: it sends under a key of its own.</summary>
    public GroupUplink? Uplink { get; init; }

    /// <summary>As in <see cref="ParticipantInput.MoveRequested"/>.</summary>
    public int Seating { get; init; }

    /// <summary>As in <see cref="ParticipantInput.MoveRequested"/>.</summary>
    public bool IsConfirmed { get; init; }
}

public sealed record JoinRefused(ParticipantId Participant, ConferenceId Conference, Rejection Reason) : IParticipantMessage;

public sealed record LeaveAcknowledged(ParticipantId Participant, ConferenceId Conference) : IParticipantMessage;

/// <summary>Send BYE (or a final non-2xx when not yet answered) and end; also wakes a participant after a restart, which then says BYE in the recovered dialog.</summary>
public sealed record EndDialog(ParticipantId Participant, ConferenceId Conference, LeaveReason Reason) : IParticipantMessage;

/// <summary>The mixer has a place for the leg: these local addresses go into the SDP.</summary>
public sealed record LegOpened(ParticipantId Participant, MixerId Mixer, MediaAddress Rtp, MediaAddress Rtcp) : IParticipantMessage;

/// <summary>What the mixer has of the leg since a former life of the participant; null: nothing. The receiver owns it.</summary>
/// <param name="IsGone">The mixer has no leg of it at all.</param>
public sealed record LegFound(ParticipantId Participant, MixerId Mixer, LegRecord? Record, bool IsGone = false) : IParticipantMessage;

public sealed record LegRefused(ParticipantId Participant, MixerId Mixer, Rejection Reason) : IParticipantMessage;
