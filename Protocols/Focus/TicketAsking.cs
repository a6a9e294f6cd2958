using System.Collections.Immutable;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.KeyManagement;
using ConfCluster.Protocols.Mikey.Exchanges;
using ConfCluster.Protocols.Sip.Messages;
using static ConfCluster.Protocols.Focus.ParticipantInput;
using ParticipantStep = ConfCluster.Protocols.Sip.Transactions.Step<
    ConfCluster.Protocols.Focus.ParticipantState, ConfCluster.Protocols.Focus.ParticipantEffect>;

namespace ConfCluster.Protocols.Focus;

/// <summary>
/// Tickets for offers of ours (RFC 6043 §4.2.1), one for each: in calls that the focus makes, and to an INVITE without an offer. The ticket is for whom
/// the URI names, however it is reached. Who shares a key with us needs none (RFC 3830 §3.1).
/// </summary>
internal static class TicketAsking
{
    public static ParticipantStep Begin(OutgoingCall call, ParticipantContext context) => Steps.To(
        new ParticipantState.Ticketing(call),
        new ParticipantEffect.Cancel(ParticipantTimer.RingLimit),
        Request(call.Target, context),
        new ParticipantEffect.Start(ParticipantTimer.Unanswered, context.Timings.TransactionTimeout));

    public static ParticipantStep Begin(Invitation invitation, ParticipantContext context) => Steps.To(
        new ParticipantState.Granting(invitation),
        Request(invitation.Request.Headers.From.Uri, context),
        new ParticipantEffect.Start(ParticipantTimer.Unanswered, context.Timings.TransactionTimeout));

    /// <summary>Where a=crypto may stand alone, a KMS that gives no ticket stops no call.</summary>
    public static ParticipantStep Granted(OutgoingCall call, TicketGranted granted, ParticipantContext context)
    {
        if (call.Terms is { } only && (granted.Grant is { Ticket: null } || !OfferFormat.Fits(only, context)))
        {
            var why = granted.Grant is { Ticket: null } ? Rejection.TicketNeeded : Rejection.MediaDiffers;
            return DialFailure.End(call with { Granted = granted.Grant }, Dialling.Failure(why));
        }

        if (granted.Grant is not null || context.Settings.Tickets != TicketOffers.Only && call.Terms is null)
            return Dialling.Reserve(call with { Granted = granted.Grant }, call.Family, context);
        return DialFailure.End(
            call, granted.IsUnreachable ? new CallFailure(503, "KMS Unreachable") : new CallFailure(488, $"The KMS gives no ticket: {granted.Error}"));
    }

    public static ParticipantStep Granted(Invitation invitation, TicketGranted granted, ParticipantContext context)
    {
        if (granted.Grant is { } grant) return Arrival.Ask(invitation with { Granted = grant }, context);
        var why = granted.IsUnreachable ? ParticipantRefusal.KmsUnreachable : ParticipantRefusal.BadKeyManagement;
        return Closing.NotAsked(invitation, why, FocusResponses.Refuse(invitation.Request, why, context, TicketArrival.Warning(granted.Error)), context);
    }

    private static ParticipantEffect.RequestTicket Request(SipUri uri, ParticipantContext context) =>
        new(
            SipUri.Sip(uri.User, uri.Host).ToString(),
            MikeyTickets.SuiteOf(context.Settings.Media.Suites) ?? throw new InvalidOperationException("no suite is for MIKEY"));
}
