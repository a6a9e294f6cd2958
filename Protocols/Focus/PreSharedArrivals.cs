using ConfCluster.Protocols.KeyManagement;
using ConfCluster.Protocols.Mikey;
using ConfCluster.Protocols.Mikey.Exchanges;
using ConfCluster.Protocols.Sdp;
using ConfCluster.Protocols.Sip.Messages;
using ParticipantStep = ConfCluster.Protocols.Sip.Transactions.Step<
    ConfCluster.Protocols.Focus.ParticipantState, ConfCluster.Protocols.Focus.ParticipantEffect>;

namespace ConfCluster.Protocols.Focus;

/// <summary>
/// An INVITE whose offer is under a key that its author shares with the focus (RFC 3830 §3.1, RFC 4567 §4.1.2): looked at, checked by whoever keeps the keys,
/// and then an arrival like any other. It is for this conference and of whom the From names; the group's key follows in an offer of ours, since the answer
/// can hold none (DECISIONS 260).
/// </summary>
internal static class PreSharedArrivals
{
    public static string NotTaken => LegNegotiation.Warning(306, "a=key-mgmt: messages under a pre-shared key are not taken here");

    /// <summary>The cheap checks, then the key is looked for.</summary>
    /// <param name="session">Goes to the state, or is disposed.</param>
    public static ParticipantStep Begin(
        ParticipantInput.RequestArrived arrived, Invitation invitation, SessionDescription session, ParticipantContext context)
    {
        var (from, to) = (NameOf(invitation.Request.Headers.From.Uri), NameOf(invitation.Request.Headers.To.Uri));
        var error = PreSharedOffer.TryRead(session, context.Settings.Media.Suites, from, to, out var offer);
        if (error == ExchangeError.None && (offer!.Initiator != from || !TicketArrival.IsFor(invitation.Conference, offer.Responder))) error = ExchangeError.WrongParty;
        if (error != ExchangeError.None)
        {
            session.Dispose();
            return Closing.Refused(arrived, ParticipantRefusal.BadKeyManagement, context, TicketArrival.Warning(error));
        }

        return Steps.To(
            new ParticipantState.Checking(invitation, session, offer!),
            new ParticipantEffect.CheckPreShared(offer!),
            new ParticipantEffect.Start(ParticipantTimer.Unanswered, context.Timings.TransactionTimeout));
    }

    public static ParticipantStep Checked(ParticipantState.Checking state, ParticipantInput.PreSharedChecked found, ParticipantContext context)
    {
        var (invitation, detail) = (state.Invitation, TicketArrival.Warning(found.Error));
        if (found.Opening is not { } opening) return Refused(ParticipantRefusal.BadKeyManagement);
        using var readable = state.Offer.Readable(state.Session, opening);
        return LegNegotiation.TryOffer(readable, null, context, out var offer, out detail)
            ? Arrival.Ask(invitation with { Offer = offer! with { PreShared = new OfferedPreShared(state.Offer, opening) } }, context)
            : Refused(ParticipantRefusal.UnacceptableOffer);

        ParticipantStep Refused(ParticipantRefusal why) =>
            Closing.NotAsked(invitation, why, FocusResponses.Refuse(invitation.Request, why, context, detail), context);
    }

    /// <summary>An offer that has such a message and nothing that is taken.</summary>
    public static bool IsNotTaken(SipBody body, ParticipantContext context)
    {
        if (context.Settings.TakesPreShared || !SdpReader.TryRead(body.Span, out var session, out _)) return false;
        using (session) return PreSharedOffer.IsIn(session!);
    }

    private static Identity NameOf(SipUri uri) => Identity.Uri((uri with { Password = null, Parameters = SipParameters.Empty, Headers = [] }).ToString());
}
