using System.Net.Sockets;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Sdp;
using ConfCluster.Protocols.Sip.Authentication;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Transactions;
using static ConfCluster.Protocols.Focus.ParticipantInput;
using static ConfCluster.Protocols.Focus.ParticipantState;
using ParticipantStep = ConfCluster.Protocols.Sip.Transactions.Step<
    ConfCluster.Protocols.Focus.ParticipantState, ConfCluster.Protocols.Focus.ParticipantEffect>;

namespace ConfCluster.Protocols.Focus;

/// <summary>
/// A participant that the focus dials (RFC 3261 §13.2, RFC 4579 §5.5): the conference is asked before anybody's phone rings, the ports are
/// there before the offer, and whoever answers joins as if it had called. What is not listed is ignored. Left out: early media, which
/// nobody in the conference is to hear from a phone that has not joined.
/// </summary>
internal static class Dialling
{
    /// <summary>RFC 3261 §9.1: how long after a CANCEL the INVITE may go without a final response.</summary>
    private static readonly TimeSpan CancelMargin = TimeSpan.FromSeconds(1);

    public static ParticipantStep Begin(DialRequested dial, ParticipantContext context)
    {
        var call = new OutgoingCall(dial.Conference, dial.CallId, dial.Target) { Proofs = DigestClient.Of(context.Settings.Outbound.Credentials) };
        return Steps.To(
            new Requesting(call), Ask(call), RepeatAsk(context),
            new ParticipantEffect.Start(ParticipantTimer.Unanswered, context.Timings.TransactionTimeout));
    }

    public static ParticipantStep Next(ParticipantState.Dialling state, ParticipantInput input, ParticipantContext context) => state switch
    {
        _ when input is RequestArrived request => DialAnswer.Request(state, request, context),
        Requesting or Ticketing or Reserving or Locating => BeforeInvite(state, input, context),
        Calling calling => WhenCalling(calling, input, context),
        Withdrawing withdrawing => WhenWithdrawing(withdrawing, input, context),
        Admitting admitting => DialAnswer.WhenAdmitting(admitting, input, context),
        _ => throw new System.Diagnostics.UnreachableException($"no table for {state.GetType().Name}"),
    };

    /// <summary>The address of the next hop is looked up; the answer is <see cref="Located"/>.</summary>
    public static ParticipantStep Locate(OutgoingCall call, ParticipantContext context) => Steps.To(
        new Locating(call),
        new ParticipantEffect.Locate(DialRequests.NextHop(call, context), call.Target.IsSecure),
        RepeatAsk(context),
        new ParticipantEffect.Start(ParticipantTimer.Unanswered, context.Timings.TransactionTimeout));

    /// <summary>
    /// The INVITE to the first of the hops that are left. A changed request has the next CSeq (RFC 3261 §8.1.3.5). Our offer has media of the family that
    /// its way is of, where we have both; for that the ports are changed.
    /// </summary>
    public static ParticipantStep Send(OutgoingCall call, ParticipantContext context)
    {
        var family = context.Settings.Media.FamilyTowards(call.Hops[0].Remote.AddressFamily);
        if (family != call.Leg!.Place.Rtp.Family) return Reserve(call, family, context).Before(new ParticipantEffect.Cancel(ParticipantTimer.RingLimit));
        var placed = call with { From = call.From ?? DialRequests.From(call, call.Hops[0], context), Heard = null };
        var (proofs, invite) = placed.Proofs.Authorize(DialRequests.Invite(placed, context), context.Random);
        return Steps.To(
            new Calling(placed with { Invite = invite, Proofs = proofs }),
            new ParticipantEffect.Cancel(ParticipantTimer.Unanswered),
            RepeatAsk(context),
            new ParticipantEffect.SendRequest(invite with { Body = call.Leg!.Sent.Body }, call.Hops[0]),
            new ParticipantEffect.Start(ParticipantTimer.RingLimit, context.Settings.Outbound.RingTimeout));
    }

    /// <summary>We hang up before the answer. Until a provisional response came, a CANCEL has to wait.</summary>
    public static ParticipantStep Withdraw(OutgoingCall call, LeaveReason reason, CallFailure failure, ParticipantContext context)
    {
        var withdrawn = call with { Failure = failure };
        var step = Steps.To(
            new Withdrawing(withdrawn, reason),
            new ParticipantEffect.Cancel(ParticipantTimer.RingLimit),
            new ParticipantEffect.Cancel(ParticipantTimer.RepeatAsk),
            new ParticipantEffect.Start(ParticipantTimer.CancelLimit, context.Timings.TransactionTimeout + CancelMargin));
        return call.Heard is null ? step : step with { Effects = step.Effects.Add(Cancel(call)) };
    }

    private static ParticipantStep BeforeInvite(ParticipantState.Dialling state, ParticipantInput input, ParticipantContext context)
    {
        var call = state.Call;
        return (state, input) switch
        {
            (Requesting, DialGranted granted) when MediaTerms.TryRead(granted.Media) is { } terms && call.Terms != terms =>
                BeforeInvite(new Requesting(call with { Terms = terms }), input, context),
            (Requesting, DialGranted granted) when context.Settings.Tickets != TicketOffers.Never =>
                TicketAsking.Begin(call with { Mixer = granted.Mixer, Family = context.Settings.Media.Families[0] }, context),
            (Requesting, DialGranted) when call.Terms is not null => DialFailure.End(call, Failure(Rejection.TicketNeeded)),
            (Requesting, DialGranted granted) => Reserve(call with { Mixer = granted.Mixer }, context.Settings.Media.Families[0], context),
            (_, DialGranted granted) when IsElsewhere(call, granted) => Regranted(state, granted, context),
            (Ticketing, TicketGranted granted) => TicketAsking.Granted(call, granted, context),
            (_, JoinRefused refused) => DialFailure.End(call, Failure(refused.Reason)),
            (Reserving, LegOpened opened) when opened.Mixer == call.Mixer && opened.Rtp.Family == call.Family && !call.Search.Waits => Reserved(call, opened, context),
            (_, LegRefused refused) when refused.Mixer == call.Mixer && call.Search.MayAsk(refused.Reason) => NoRoom(state, context),
            (_, LegRefused refused) when refused.Mixer == call.Mixer => DialFailure.End(call, Failure(refused.Reason)),
            (_, LegOpened opened) when HasMoved(call, opened) => DialFailure.End(call, MediaLost),
            (Locating, Located { Hops.IsEmpty: true } nowhere) => DialFailure.Next(call, new CallFailure(502, nowhere.Reason), context),
            (Locating, Located located) => Send(call with { Hops = located.Hops }, context),
            (Requesting, Fired { Timer: ParticipantTimer.RepeatAsk }) => Steps.To(state, Ask(call), RepeatAsk(context)),
            (Ticketing, Fired { Timer: ParticipantTimer.RepeatAsk }) => Steps.To(state),
            (_, Fired { Timer: ParticipantTimer.RepeatAsk }) => KeepPorts(state, context),
            (_, Fired { Timer: ParticipantTimer.Unanswered }) =>
                DialFailure.End(call, new CallFailure(503, "The node did not answer itself in time")),
            (_, EndRequested end) => DialFailure.End(call, Failure(end.Reason)),
            _ => Steps.To(state),
        };
    }

    /// <summary>The mixer was replaced before anything was said: the ports are to be at the new one.</summary>
    private static ParticipantStep Regranted(ParticipantState.Dialling state, DialGranted granted, ParticipantContext context)
    {
        var call = state.Call with { Mixer = granted.Mixer, Search = state.Call.Search.Told(0) };
        return state is Reserving or Locating ? Reserve(call, call.Family, context) : Steps.To(state with { Call = call });
    }

    public static ParticipantStep Reserve(OutgoingCall call, AddressFamily family, ParticipantContext context) => Steps.To(
        new Reserving(call with { Family = family, Leg = null }), new ParticipantEffect.OpenLeg(call.Mixer!.Value, family), RepeatAsk(context),
        new ParticipantEffect.Start(ParticipantTimer.Unanswered, context.Timings.TransactionTimeout));

    private static ParticipantStep Reserved(OutgoingCall call, LegOpened opened, ParticipantContext context)
    {
        var offering = call with
        {
            Sequence = call.Invite is null ? 1 : call.Sequence + 1,
            Early = call.Early.Clear(),
            Search = call.Search.Found(),
            Leg = LegNegotiation.Offer(new LegPlace(opened.Mixer, opened.Rtp, opened.Rtcp), call.Granted, LegTerms.None with { Media = call.Terms }, context),
        };
        return call.Hops.IsEmpty ? Locate(offering, context) : Send(offering, context);
    }

    private static ParticipantStep WhenCalling(Calling state, ParticipantInput input, ParticipantContext context)
    {
        var call = state.Call;
        return input switch
        {
            ResponseArrived { Response: var response } when IsOurs(call, response) => response.Class switch
            {
                1 => DialAnswer.Provisional(state, response, context),
                2 => DialAnswer.Success(call, response, context),
                _ => DialFailure.Refused(call, response, context),
            },
            TransactionFailed { Key: { IsServer: false, Method.Name: "INVITE" } } failed => DialFailure.NoAnswer(call, failed.Reason, context),
            // The mixer was replaced: once it is answered the leg moves there, to ports that are kept from now on.
            DialGranted granted when IsElsewhere(call, granted) =>
                KeepPorts(state with { Call = call with { Mixer = granted.Mixer, Search = call.Search.Told(0) } }, context),
            LegOpened opened when HasMoved(call, opened) => Withdraw(call, LeaveReason.MediaFailed, MediaLost, context),
            LegRefused refused when refused.Mixer == call.Mixer && call.Search.MayAsk(refused.Reason) => NoRoom(state, context),
            JoinRefused refused when call.Search.Waits => Withdraw(call, LeaveReason.MediaFailed, Failure(refused.Reason), context),
            LegRefused refused when refused.Mixer == call.Mixer => Withdraw(call, LeaveReason.MediaFailed, Failure(refused.Reason), context),
            Fired { Timer: ParticipantTimer.RepeatAsk } => KeepPorts(state, context),
            Fired { Timer: ParticipantTimer.RingLimit } =>
                Withdraw(call, LeaveReason.Cancelled, new CallFailure(408, "Nobody answered"), context),
            EndRequested end => Withdraw(call, end.Reason, Failure(end.Reason), context),
            _ => Steps.To(state),
        };
    }

    private static ParticipantStep WhenWithdrawing(Withdrawing state, ParticipantInput input, ParticipantContext context)
    {
        var call = state.Call;
        return input switch
        {
            ResponseArrived { Response: { Class: 1 } response } when IsOurs(call, response) && call.Heard is null =>
                Steps.To(state with { Call = call with { Heard = response.Headers.TopVia } }, Cancel(call with { Heard = response.Headers.TopVia })),
            // RFC 3261 §9.1: the CANCEL came too late.
            ResponseArrived { Response: { Class: 2 } response } when IsOurs(call, response) =>
                DialAnswer.TooLate(call, response, state.Reason, context),
            ResponseArrived { Response: { IsFinal: true } response } when IsOurs(call, response) => DialFailure.End(call, call.Failure),
            TransactionFailed { Key: { IsServer: false, Method.Name: "INVITE" } } => DialFailure.End(call, call.Failure),
            Fired { Timer: ParticipantTimer.CancelLimit } => DialFailure.End(call, call.Failure),
            _ => Steps.To(state),
        };
    }

    /// <summary>A response to the attempt in hand; those to CANCEL and PRACK tell nothing.</summary>
    private static bool IsOurs(OutgoingCall call, SipResponse response) =>
        response.Headers.CSeq is { Method.Name: "INVITE" } cseq && cseq.Number == call.Sequence;

    /// <summary>The mixer lets go of ports that nobody asks for (media.unadmitted-leg-timeout), and we are no member yet.</summary>
    private static ParticipantStep KeepPorts(ParticipantState.Dialling state, ParticipantContext context) => state.Call.Search.Waits
        ? Steps.To(state, RoomSearch.Ask(state.Call.Conference, state.Call.Mixer!.Value, context))
        : Steps.To(state, new ParticipantEffect.OpenLeg(state.Call.Mixer!.Value, state.Call.Family), RepeatAsk(context));

    /// <summary>The mixer has no room: the conference is asked for another. What is out names other ports, or none.</summary>
    private static ParticipantStep NoRoom(ParticipantState.Dialling state, ParticipantContext context)
    {
        var call = state.Call;
        return call.Search.Waits
            ? Steps.To(state)
            : Steps.To(state with { Call = call with { Search = call.Search.Without() } }, RoomSearch.Ask(call.Conference, call.Mixer!.Value, context));
    }

    /// <summary>The mixer was replaced, or another one is said to have room.</summary>
    private static bool IsElsewhere(OutgoingCall call, DialGranted granted) =>
        call.Mixer is { } before && (granted.Mixer.Incarnation > before.Incarnation || call.Search.Waits && granted.Mixer != before);

    /// <summary>The mixer began anew: the offer that is out names ports that are not ours any more.</summary>
    private static bool HasMoved(OutgoingCall call, LegOpened opened) =>
        call.Leg is { } leg && opened.Mixer == leg.Place.Mixer && opened.Mixer == call.Mixer && (opened.Rtp != leg.Place.Rtp || opened.Rtcp != leg.Place.Rtcp);

    private static CallFailure MediaLost => new(503, "The mixer began anew");

    public static CallFailure Failure(Rejection reason)
    {
        var (status, text, _) = RejectionStatus.Of(reason);
        return new CallFailure(status, text);
    }

    private static CallFailure Failure(LeaveReason reason) => new(487, reason switch
    {
        LeaveReason.ConferenceEnded => "The conference ended",
        LeaveReason.NodeShutdown => "The node shuts down",
        _ => "The invitation was withdrawn",
    });

    private static ParticipantEffect.SendRequest Cancel(OutgoingCall call) => new(DialRequests.Cancel(call), call.Hops[0]);

    private static ParticipantEffect.AskToDial Ask(OutgoingCall call) => new(call.Conference, call.Asked.ToString());

    private static ParticipantEffect.Start RepeatAsk(ParticipantContext context) => new(ParticipantTimer.RepeatAsk, context.Timings.T2);
}
