using System.Collections.Immutable;
using System.Net.Sockets;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.KeyManagement;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Mikey.Exchanges;
using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Sip.Authentication;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Transactions;
using ConfCluster.Protocols.Srtp;

namespace ConfCluster.Protocols.Focus;

/// <summary>What a participant asks its shell to do, in order.</summary>
public abstract partial record ParticipantEffect
{
    private ParticipantEffect()
    {
    }

    /// <summary>To the endpoint that passed the request up.</summary>
    public sealed record Respond(TransactionKey Key, SipResponse Response) : ParticipantEffect;

    public sealed record SendRequest(SipRequest Request, SipFlow Flow) : ParticipantEffect
    {
        /// <summary>Not over TCP, however large it is (RFC 3261 §18.1.1): behind its NAT the peer is reached by datagrams only.</summary>
        public bool KeepsTransport { get; init; }
    }

    public sealed record Join(ConferenceId Conference, string Identity, string? DisplayName) : ParticipantEffect
    {
        /// <summary>Null: the conference called it.</summary>
        public CallerIdentity? Caller { get; init; }

        public LegAbility Ability { get; init; } = LegAbility.None;

        /// <summary>What offer and answer would settle, as far as all must agree on it where media is forwarded unopened; empty: not known yet.</summary>
        public string Media { get; init; } = "";
    }

    /// <summary>How it is with a group key at this leg.</summary>
    public sealed record ReportKey(ConferenceId Conference, LegKeyAnswer Answer, KeyEpoch Epoch, TimeSpan Wait) : ParticipantEffect;

    /// <summary>The leg is at that mixer, and the peer knows.</summary>
    public sealed record ReportMoved(ConferenceId Conference, MixerId Mixer) : ParticipantEffect;

    public sealed record Leave(ConferenceId Conference, LeaveReason Reason) : ParticipantEffect;

    /// <summary>At the KMS; the answer is <see cref="ParticipantInput.TicketResolved"/>.</summary>
    public sealed record ResolveTicket(TransferArrival Transfer) : ParticipantEffect;

    /// <summary>By whoever keeps the pre-shared keys; the answer is <see cref="ParticipantInput.PreSharedChecked"/>.</summary>
    public sealed record CheckPreShared(PreSharedOffer Offer) : ParticipantEffect;

    /// <summary>At the KMS, for a call with that suite; the answer is <see cref="ParticipantInput.TicketGranted"/>.</summary>
    public sealed record RequestTicket(string Responder, SrtpProfile Suite) : ParticipantEffect
    {
        /// <summary>Whom the peer knows us as, for a call that is on (RFC 6043 §6.10, IDRi); null: as the focus is known to its KMS.</summary>
        public string? As { get; init; }
    }

    /// <summary>Ports of that family; another family than before takes the place of the ports of before.</summary>
    public sealed record OpenLeg(MixerId Mixer, AddressFamily Family) : ParticipantEffect
    {
        /// <summary>Of the keys that the peer will send with, as far as they are known; of another leg they are refused.</summary>
        public ImmutableArray<KeyFingerprint> Uplink { get; init; } = [];
    }

    /// <summary>Its keys are copies that the mixer owns from here.</summary>
    public sealed record SetLegMedia(MixerId Mixer, LegMedia Media) : ParticipantEffect;

    /// <summary>Its packets are forwarded unopened: there is no key in it.</summary>
    public sealed record SetForwarding(MixerId Mixer, ForwardedLeg Leg) : ParticipantEffect;

    public sealed record CloseLeg(MixerId Mixer) : ParticipantEffect;

    /// <summary>For a next life of the participant; the mixer owns it from here.</summary>
    public sealed record KeepLeg(LegRecord Record) : ParticipantEffect;

    /// <summary>What the mixer has of the leg; the answer is <see cref="ParticipantInput.LegFound"/>.</summary>
    public sealed record AskLeg(MixerId Mixer) : ParticipantEffect;

    /// <summary>Which mixer has the leg; the answer is <see cref="ParticipantInput.MoveRequested"/>, or <see cref="ParticipantInput.EndRequested"/>.</summary>
    public sealed record AskPlace(ConferenceId Conference) : ParticipantEffect
    {
        /// <summary>That mixer has no room, so which other; the answer may be <see cref="ParticipantInput.JoinRefused"/> as well. Null: it is only asked.</summary>
        public MixerId? Full { get; init; }
    }

    public sealed record Store(DialogFact Fact) : ParticipantEffect;

    public sealed record Start(ParticipantTimer Timer, TimeSpan After) : ParticipantEffect;

    public sealed record Cancel(ParticipantTimer Timer) : ParticipantEffect;

    /// <summary>Zero secrets that the new state no longer holds.</summary>
    public sealed record Destroy(IDisposable Secrets) : ParticipantEffect;

    public sealed record Count(ParticipantRefusal Refusal) : ParticipantEffect;

    /// <summary>Nothing is owed to anybody any more, once the facts are stored; the last effect of a life.</summary>
    public sealed record Stop : ParticipantEffect;
}
