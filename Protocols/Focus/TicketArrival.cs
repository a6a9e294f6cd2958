using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.KeyManagement;
using ConfCluster.Protocols.Mikey;
using ConfCluster.Protocols.Mikey.Exchanges;
using ConfCluster.Protocols.Sdp;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Parsing;
using ParticipantStep = ConfCluster.Protocols.Sip.Transactions.Step<
    ConfCluster.Protocols.Focus.ParticipantState, ConfCluster.Protocols.Focus.ParticipantEffect>;

namespace ConfCluster.Protocols.Focus;

/// <summary>
/// An INVITE whose offer brings a MIKEY ticket (RFC 6043 §4.2.2, RFC 4567 §4.1.2): looked at, resolved by the KMS, and then an arrival like any other.
/// The ticket is for this conference and for whom the From names; its keys say no more of who is calling than that.
/// </summary>
internal static class TicketArrival
{
    /// <summary>RFC 4568 §7.5 leaves the choice to us where a=crypto stands beside it: MIKEY, when there is a KMS to ask, or a pre-shared key.</summary>
    public static bool IsKeyed(SipBody body, ParticipantContext context, out SessionDescription? session)
    {
        session = null;
        var settings = context.Settings;
        if (!(settings.TakesTickets || settings.TakesPreShared) || !SdpReader.TryRead(body.Span, out session, out _)) return false;
        if (MikeyArrival.IsIn(session!) && (PreSharedOffer.IsIn(session!) ? settings.TakesPreShared : settings.TakesTickets)) return true;
        session!.Dispose();
        session = null;
        return false;
    }

    /// <summary>The cheap checks, then the KMS is asked (RFC 6043 §4.2.2.2).</summary>
    /// <param name="session">Goes to the state, or is disposed.</param>
    public static ParticipantStep Begin(
        ParticipantInput.RequestArrived arrived, Invitation invitation, SessionDescription session, ParticipantContext context)
    {
        var error = MikeyArrival.TryRead(session, context.Settings.Media.Suites, context.Exchange, out var transfer);
        if (error == ExchangeError.None) error = Concerns(transfer!, invitation);
        if (error != ExchangeError.None)
        {
            session.Dispose();
            return Closing.Refused(arrived, ParticipantRefusal.BadKeyManagement, context, Warning(error));
        }

        return Steps.To(
            new ParticipantState.Resolving(invitation, session, transfer!),
            new ParticipantEffect.ResolveTicket(transfer!.Transfer),
            new ParticipantEffect.Start(ParticipantTimer.Unanswered, context.Timings.TransactionTimeout));
    }

    public static ParticipantStep Resolved(ParticipantState.Resolving state, ParticipantInput.TicketResolved resolved, ParticipantContext context)
    {
        var invitation = state.Invitation;
        var detail = Warning(resolved.Error);
        if (resolved.Verified is not { } verified)
        {
            var why = resolved.IsUnreachable ? ParticipantRefusal.KmsUnreachable : ParticipantRefusal.BadKeyManagement;
            return Closing.NotAsked(invitation, why, FocusResponses.Refuse(invitation.Request, why, context, detail), context);
        }

        var readable = state.Transfer.Readable(state.Session, verified);
        detail = Warning(ExchangeError.BadKeys);
        if (readable is not null)
        {
            using (readable)
            {
                if (LegNegotiation.TryOffer(readable, null, context, out var offer, out detail))
                    return Arrival.Ask(invitation with { Offer = offer! with { Ticket = new OfferedTicket(state.Transfer, verified) } }, context);
            }
        }

        var response = FocusResponses.Refuse(invitation.Request, ParticipantRefusal.UnacceptableOffer, context, detail);
        return Closing.NotAsked(invitation, ParticipantRefusal.UnacceptableOffer, response, context).Before(new ParticipantEffect.Destroy(verified));
    }

    public static string Warning(ExchangeError error) => LegNegotiation.Warning(306, $"a=key-mgmt: {error}");

    /// <summary>Whoever has a ticket for one conference, or as somebody else, is not let into this one with it.</summary>
    private static ExchangeError Concerns(MikeyArrival arrival, Invitation invitation)
    {
        var from = invitation.Request.Headers.From.Uri with { Password = null, Parameters = SipParameters.Empty, Headers = [] };
        return from.ToString() == arrival.Transfer.Initiator.ToString() && IsFor(invitation.Conference, arrival) ? ExchangeError.None : ExchangeError.WrongParty;
    }

    public static bool IsFor(ConferenceId conference, MikeyArrival arrival) =>
        IsFor(conference, arrival.Transfer.Responder);

    public static bool IsFor(ConferenceId conference, Identity named) => SipReader.TryReadUri(named.ToString(), out var uri)
        && ConferenceUri.TryRead(uri!, SipTransport.Tls, out var found, out _) && found == conference;
}
