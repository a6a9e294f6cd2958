using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.KeyManagement;
using ConfCluster.Protocols.Mikey;
using ConfCluster.Protocols.Mikey.Exchanges;
using ConfCluster.Protocols.Mikey.Payloads;
using ConfCluster.Protocols.Sdp;
using ConfCluster.Protocols.Sip.Messages;
using static ConfCluster.Protocols.Focus.ParticipantInput;
using static ConfCluster.Protocols.Focus.ParticipantState;
using ParticipantStep = ConfCluster.Protocols.Sip.Transactions.Step<
    ConfCluster.Protocols.Focus.ParticipantState, ConfCluster.Protocols.Focus.ParticipantEffect>;

namespace ConfCluster.Protocols.Focus;

/// <summary>
/// An offer in a dialog with a ticket of its own: a Ticket Transfer (RFC 6043 §4.2.2) that begins a new bundle in the place of the leg's, whose ticket runs
/// out or whose keys the phone has lost. Until the KMS has answered everything stays as it was. The ticket is of whom the leg's bundle is with.
/// </summary>
internal static class TicketRenewal
{
    /// <summary>A message of the bundle itself is a CSB update, which needs nobody else (RFC 6043 §5.2); an unchanged o= is no key action.</summary>
    /// <param name="session">The caller owns it.</param>
    public static bool IsIn(SipBody body, Leg leg, ParticipantContext context, out SessionDescription? session)
    {
        session = null;
        if (leg.Mikey is not MikeyLeg mikey || !context.Settings.TakesTickets || !SdpReader.TryRead(body.Span, out session, out _)) return false;
        if (KeyedSdp.MessageOf(session!, KeyedSdp.StreamOf(session!)) is var (octets, _) && MikeyReader.TryRead(octets.Span, out var message, out _)
            && message!.First<Ticket>() is not null && message.CsbId != mikey.Bundle.CsbId
            && OfferAnswer.Compare(leg.Remote!.Origin, session!.Origin) != OriginChange.Unchanged) return true;
        session!.Dispose();
        session = null;
        return false;
    }

    /// <param name="session">Goes to the state, or is disposed.</param>
    public static ParticipantStep Begin(
        ParticipantState state, Participation accepted, SessionDescription session, RequestArrived arrived, ParticipantContext context)
    {
        var error = MikeyArrival.TryRead(session, context.Settings.Media.Suites, context.Exchange, out var transfer);
        var isTheirs = error == ExchangeError.None && transfer!.Transfer.Initiator == ((MikeyLeg)accepted.Leg.Mikey!).Bundle.Peer;
        if (error == ExchangeError.None && !(isTheirs && TicketArrival.IsFor(accepted.Conference, transfer!))) error = ExchangeError.WrongParty;
        if (error == ExchangeError.None && accepted.Leg.RegisteredSsrc is not 0 and var registered && transfer!.PeerSsrc != registered) error = ExchangeError.BadSessions;
        if (error != ExchangeError.None)
        {
            session.Dispose();
            return Steps.Refuse(state, arrived, ParticipantRefusal.BadKeyManagement, context, TicketArrival.Warning(error));
        }

        // The machine zeroes the body of the request now.
        arrived = arrived with { Request = arrived.Request with { Body = SipBody.Empty } };
        return Steps.To(
            new Renewing(((Confirmed)state).Participation, accepted, arrived, session, transfer!),
            new ParticipantEffect.ResolveTicket(transfer!.Transfer),
            new ParticipantEffect.Start(ParticipantTimer.Unanswered, context.Timings.TransactionTimeout));
    }

    public static ParticipantStep Next(Renewing state, ParticipantInput input, ParticipantContext context)
    {
        var participation = state.Participation;
        return input switch
        {
            TicketResolved resolved => Resolved(state, resolved, context).Before(StopWaiting),
            Fired { Timer: ParticipantTimer.Unanswered } => Refused(state, ParticipantRefusal.KmsUnreachable, "", context),
            RequestArrived cancel when InDialog.Cancels(cancel, state.Arrived.Key) => Refused(state, ParticipantRefusal.Cancelled, "", context)
                .Before(StopWaiting, new ParticipantEffect.Respond(cancel.Key, FocusResponses.Ok(cancel.Request, context))),
            RequestArrived request => OrOver(state, InDialog.Request(state, participation, request, context), context),
            ResponseArrived { Response: var response } =>
                Refreshing.AckAgain(new Confirmed(participation), response) with { State = state },
            TransactionFailed failed when failed.Key == state.Arrived.Key => Steps.To(new Confirmed(participation), StopWaiting),
            Fired { Timer: ParticipantTimer.Refresh or ParticipantTimer.Retry } => Refreshing.Later(state, context),
            Fired { Timer: ParticipantTimer.SessionExpired } => Over(state, LeaveReason.SessionExpired, context),
            EndRequested end => Over(state, end.Reason, context),
            _ when ParticipantMachine.LosesLeg(participation, input) => Over(state, LeaveReason.MediaFailed, context),
            _ => Steps.To(state),
        };
    }

    private static ParticipantStep Resolved(Renewing state, TicketResolved resolved, ParticipantContext context)
    {
        if (resolved.Verified is not { } verified)
        {
            var why = resolved.IsUnreachable ? ParticipantRefusal.KmsUnreachable : ParticipantRefusal.BadKeyManagement;
            return Refused(state, why, TicketArrival.Warning(resolved.Error), context);
        }

        // What came meanwhile counts.
        var now = state.Participation;
        var dialog = state.Accepted.Dialog with { RemoteSequence = now.Dialog.RemoteSequence };
        var accepted = state.Accepted with { Dialog = dialog, Waiting = now.Waiting, Leg = now.Leg, Relocation = now.Relocation, Obeys = now.Obeys };
        using var readable = state.Transfer.Readable(state.Session, verified);
        if (readable is null) return Refused(state, ParticipantRefusal.UnacceptableOffer, TicketArrival.Warning(ExchangeError.BadKeys), context);
        if (!LegNegotiation.TryOffer(readable, now.Leg, context, out var offer, out var detail))
            return Refused(state, ParticipantRefusal.UnacceptableOffer, detail, context);
        if (!MikeyNegotiation.NamesOurs(offer!.Media, !now.Leg.Group.IsEmpty, now.Leg.Key))
        {
            offer = offer with { Ticket = new OfferedTicket(state.Transfer, verified) };
            return Renegotiation.Take(new Confirmed(now), accepted, offer, state.Arrived, context);
        }

        offer.Dispose();
        return Refused(state, ParticipantRefusal.UnacceptableOffer, TicketArrival.Warning(ExchangeError.TakenSpi), context);
    }

    private static ParticipantStep Refused(Renewing state, ParticipantRefusal refusal, string detail, ParticipantContext context) =>
        Steps.Refuse(new Confirmed(state.Participation), state.Arrived, refusal, context, detail);

    private static ParticipantStep Over(Renewing state, LeaveReason reason, ParticipantContext context) =>
        OrOver(state, Closing.HangUp(state.Participation, reason, context), context);

    /// <summary>RFC 3261 §15.1.2: what waits for a response when the dialog ends gets 487.</summary>
    private static ParticipantStep OrOver(Renewing state, ParticipantStep step, ParticipantContext context) => step.State is Renewing
        ? step
        : step.Before(StopWaiting, new ParticipantEffect.Respond(state.Arrived.Key, FocusResponses.Refuse(state.Arrived.Request, ParticipantRefusal.Ended, context)));

    private static ParticipantEffect StopWaiting => new ParticipantEffect.Cancel(ParticipantTimer.Unanswered);
}
