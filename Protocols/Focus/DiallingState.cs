using System.Collections.Immutable;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Sip.Messages;

namespace ConfCluster.Protocols.Focus;

/// <summary>The states of a dialog that we begin, until it is one like every other.</summary>
public abstract partial record ParticipantState
{
    /// <summary>A call of ours without an answer.</summary>
    public abstract record Dialling(OutgoingCall Call) : ParticipantState
    {
        internal override IEnumerable<IDisposable> Secrets => Call.Secrets;
    }

    /// <summary>The conference was asked whether it may be made.</summary>
    public sealed record Requesting(OutgoingCall Call) : Dialling(Call);

    /// <summary>The KMS was asked for a ticket.</summary>
    public sealed record Ticketing(OutgoingCall Call) : Dialling(Call);

    /// <summary>The mixer was asked for ports.</summary>
    public sealed record Reserving(OutgoingCall Call) : Dialling(Call);

    /// <summary>Where the callee is, is being looked up.</summary>
    public sealed record Locating(OutgoingCall Call) : Dialling(Call);

    /// <summary>The INVITE is out.</summary>
    public sealed record Calling(OutgoingCall Call) : Dialling(Call);

    /// <summary>We gave up: CANCEL is sent, or waits for a provisional response (RFC 3261 §9.1).</summary>
    public sealed record Withdrawing(OutgoingCall Call, LeaveReason Reason) : Dialling(Call);

    /// <summary>Answered; the ACK waits until the conference has it stored that there is one more.</summary>
    public sealed record Admitting(OutgoingCall Call, Participation Participation, SipRequest Ack) : Dialling(Call)
    {
        internal override IEnumerable<IDisposable> Secrets => [.. Participation.Secrets, .. Call.Secrets];
    }

    /// <summary>
    /// A dialog like every other (<paramref name="Inner"/>), while phones that an INVITE of ours was forked to may still answer it.
    /// </summary>
    /// <param name="Stopping">The inner life is over.</param>
    public sealed record Forked(ParticipantState Inner, AnsweredCall Call, bool Stopping) : ParticipantState
    {
        internal override IEnumerable<IDisposable> Secrets => Inner.Secrets;
    }
}

/// <summary>What happens to a call of ours.</summary>
public abstract partial record ParticipantInput
{
    /// <summary>Somebody is to be called into the conference.</summary>
    public sealed record DialRequested(ConferenceId Conference, string CallId, SipUri Target) : ParticipantInput;

    /// <summary>The conference agrees; its mixer has the ports.</summary>
    public sealed record DialGranted(ConferenceId Conference, MixerId Mixer) : ParticipantInput
    {
        /// <summary>As in <see cref="JoinAccepted"/>.</summary>
        public string Media { get; init; } = "";
    }

    /// <summary>Where to send, in order; empty with a reason when there is nowhere.</summary>
    public sealed record Located(ImmutableArray<SipFlow> Hops, string Reason) : ParticipantInput;
}

/// <summary>What a call of ours needs done.</summary>
public abstract partial record ParticipantEffect
{
    /// <summary>May the conference take one more?</summary>
    public sealed record AskToDial(ConferenceId Conference, string Target) : ParticipantEffect;

    /// <summary>How the call goes, for whoever looks at the conference.</summary>
    public sealed record ReportDial(ConferenceId Conference, string Target, CalloutState State, int Status, string Reason) : ParticipantEffect;

    /// <summary>RFC 3263: where is it? <paramref name="IsSecure"/>: the Request-URI is a SIPS URI.</summary>
    public sealed record Locate(SipUri NextHop, bool IsSecure) : ParticipantEffect;

    /// <summary>An ACK to a 2xx: no transaction (RFC 3261 §13.2.2.4).</summary>
    public sealed record SendAck(SipRequest Request, SipFlow Flow) : ParticipantEffect;
}
