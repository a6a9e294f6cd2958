using System.Collections.Immutable;
using System.Globalization;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Sip.Authentication;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Transactions;
using ParticipantStep = ConfCluster.Protocols.Sip.Transactions.Step<
    ConfCluster.Protocols.Focus.ParticipantState, ConfCluster.Protocols.Focus.ParticipantEffect>;

namespace ConfCluster.Protocols.Focus;

/// <summary>
/// What follows when a call of ours is not answered with a 2xx (RFC 3261 §8.1.3): the next server after a failure of this one (RFC 3263
/// §4.3), the next contact after a redirect, the same again with what was missing, or the end with a reason that can be read.
/// </summary>
internal static class DialFailure
{
    /// <summary>URIs that one call tries at most, the first included.</summary>
    private const int MaxTried = 5;

    /// <summary>RFC 4028 §5: nobody may ask for less; and more than a day is no session interval but a nuisance.</summary>
    private const uint MinInterval = 90;
    private const uint MaxInterval = 86_400;

    public static ParticipantStep Refused(OutgoingCall call, SipResponse response, ParticipantContext context)
    {
        var failure = new CallFailure(response.StatusCode, response.Reason);
        return response.StatusCode switch
        {
            >= 300 and < 400 => Redirected(call, response, failure, context),
            401 or 407 when call.Answers < DigestClient.MaxAnswers && call.Proofs.TryLearn(response, out var proofs) =>
                Again(call with { Answers = call.Answers + 1, Proofs = proofs }, context),
            422 when TryInterval(call, response, out var raised) => Again(raised, context),
            503 => NextHop(call, failure, context),
            // RFC 3261 §21.6: no other place will do.
            >= 600 => End(call, failure),
            _ => Next(call, failure, context),
        };
    }

    /// <summary>RFC 3261 §8.1.3.1, RFC 3263 §4.3: no answer is a failure of that server.</summary>
    public static ParticipantStep NoAnswer(OutgoingCall call, TransactionFailure reason, ParticipantContext context) => NextHop(
        call,
        reason == TransactionFailure.Timeout
            ? new CallFailure(408, $"{call.Hops[0]} did not answer")
            : new CallFailure(503, $"{call.Hops[0]} cannot be reached"),
        context);

    /// <summary>The next contact of a redirect, or the end.</summary>
    public static ParticipantStep Next(OutgoingCall call, CallFailure failure, ParticipantContext context)
    {
        if (call.Alternatives is not [var target, ..] || call.Tried.Length >= MaxTried) return End(call, failure);

        // Who was called before has our key and our ticket, so the next one gets others.
        var next = call with
        {
            Target = target,
            Tried = call.Tried.Add(target),
            Alternatives = call.Alternatives.RemoveAt(0),
            Hops = [],
            Early = call.Early.Clear(),
        };
        return context.Settings.Tickets == TicketOffers.Never
            ? Dialling.Locate(next with { Leg = LegNegotiation.Offer(call.Leg!.Place, null, LegTerms.None, context), Sequence = call.Sequence + 1 }, context)
            : TicketAsking.Begin(next with { Leg = null, Granted = null }, context);
    }

    /// <summary>Nobody answered; nothing but the report is owed.</summary>
    public static ParticipantStep End(OutgoingCall call, CallFailure failure)
    {
        var nothing = new Departure(null, LeaveReason.Unknown, null, LeaveOwed: false, Stored: false, Stopped: true);
        return Steps.To(
            new ParticipantState.Ended(nothing),
            [
                .. Timers,
                .. call.Mixer is { } mixer ? (ParticipantEffect[])[new ParticipantEffect.CloseLeg(mixer)] : [],
                Report(call, CalloutState.Failed, failure),
                new ParticipantEffect.Stop(),
            ]);
    }

    public static ParticipantEffect Report(OutgoingCall call, CalloutState state, CallFailure failure) =>
        new ParticipantEffect.ReportDial(call.Conference, call.Asked.ToString(), state, failure.Status, failure.Reason);

    public static ParticipantEffect[] Timers =>
    [
        new ParticipantEffect.Cancel(ParticipantTimer.RepeatAsk), new ParticipantEffect.Cancel(ParticipantTimer.Unanswered),
        new ParticipantEffect.Cancel(ParticipantTimer.RingLimit), new ParticipantEffect.Cancel(ParticipantTimer.CancelLimit),
    ];

    /// <summary>RFC 3263 §4.3: the identical request, in a new transaction, to the next server.</summary>
    private static ParticipantStep NextHop(OutgoingCall call, CallFailure failure, ParticipantContext context) => call.Hops.Length > 1
        ? Dialling.Send(call with { Hops = call.Hops.RemoveAt(0) }, context)
        : Next(call, failure, context);

    /// <summary>RFC 3261 §8.1.3.5: with what was missing and the next CSeq, over the way that worked.</summary>
    private static ParticipantStep Again(OutgoingCall call, ParticipantContext context) =>
        Dialling.Send(call with { Sequence = call.Sequence + 1, Early = call.Early.Clear() }, context);

    /// <summary>RFC 3261 §8.1.3.4: contacts by q, each once, none less secure than what was asked for, none that policy forbids.</summary>
    private static ParticipantStep Redirected(OutgoingCall call, SipResponse response, CallFailure failure, ParticipantContext context)
    {
        var policy = context.Settings.Outbound;
        if (!policy.FollowsRedirects) return Next(call, failure, context);
        var contacts = response.Headers.Contacts.OrderByDescending(Preference).Select(c => c.Uri)
            .Where(uri => policy.Allows(uri) && (uri.IsSecure || !call.Asked.IsSecure))
            .Where(uri => !call.Tried.Any(uri.IsEquivalentTo) && !call.Alternatives.Any(uri.IsEquivalentTo));
        return Next(call with { Alternatives = [.. contacts, .. call.Alternatives] }, failure, context);
    }

    /// <summary>RFC 3261 §20.10: 1 when it is not given.</summary>
    private static decimal Preference(NameAddr contact) =>
        decimal.TryParse(contact.Parameters["q"], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var q) ? q : 1;

    /// <summary>RFC 4028 §7.3: once more with the interval that the 422 names.</summary>
    private static bool TryInterval(OutgoingCall call, SipResponse response, out OutgoingCall raised)
    {
        raised = call;
        var text = response.Headers.First(HeaderNames.MinSe)?.Split(';')[0].Trim();
        if (!uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var interval)) return false;
        if (call.SessionInterval is not null || interval is < MinInterval or > MaxInterval) return false;
        raised = call with { SessionInterval = interval };
        return true;
    }
}
