using System.Globalization;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Sip.Authentication;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Sessions;
using ConfCluster.Protocols.Sip.Transactions;
using static ConfCluster.Protocols.Focus.ParticipantInput;
using static ConfCluster.Protocols.Focus.ParticipantState;
using ParticipantStep = ConfCluster.Protocols.Sip.Transactions.Step<
    ConfCluster.Protocols.Focus.ParticipantState, ConfCluster.Protocols.Focus.ParticipantEffect>;

namespace ConfCluster.Protocols.Focus;

/// <summary>
/// Requests of ours in a dialog: session refreshes (RFC 4028 §10), an UPDATE without offer to a peer that takes it (RFC 3311 §5.1), else a re-INVITE that
/// offers what is in use (RFC 3261 §14.1); and either with a new group key. Glare, a longer interval and a peer that cannot do UPDATE are tried again;
/// silence, 408 and 481 end the call (RFC 3261 §12.2.1.2).
/// </summary>
internal static class Refreshing
{
    private static readonly TimeSpan AnswerMargin = TimeSpan.FromSeconds(1);

    /// <summary>The longest Retry-After that a refresh waits for, in seconds.</summary>
    private const int MaxRetryAfter = 30;

    public static bool TryAgree(
        SipRequest request, SessionTimer before, ParticipantContext context, out SessionTimer agreed, out ParticipantRefusal refusal)
    {
        var error = SessionTimer.Agree(request, before, context.Settings.SessionTimer, out agreed);
        refusal = error == SessionTimerError.IntervalTooSmall ? ParticipantRefusal.IntervalTooSmall : ParticipantRefusal.BadHeader;
        return error == SessionTimerError.None;
    }

    /// <summary>From a 2xx on (RFC 4028 §7.2, §9).</summary>
    public static ParticipantEffect[] Timers(SessionTimer session) =>
    [
        session.IsRunning
            ? new ParticipantEffect.Start(ParticipantTimer.SessionExpired, session.UntilGivenUp)
            : new ParticipantEffect.Cancel(ParticipantTimer.SessionExpired),
        session is { IsRunning: true, WeRefresh: true }
            ? new ParticipantEffect.Start(ParticipantTimer.Refresh, session.UntilRefresh)
            : new ParticipantEffect.Cancel(ParticipantTimer.Refresh),
        new ParticipantEffect.Cancel(ParticipantTimer.Retry),
    ];

    public static ParticipantStep Begin(Participation participation, ParticipantContext context) =>
        Begin(participation, new PendingRequest(default, 0, null, false), context);

    /// <summary>A group key, by the same rules; the session goes on by its own timer until the peer takes it, which refreshes the session too.</summary>
    /// <param name="epoch">Null: only where the leg is now.</param>
    public static ParticipantStep Offer(Participation participation, Leg offer, KeyEpoch? epoch, ParticipantContext context) =>
        // Whatever becomes of it, no T of the bundle comes again.
        Begin(
            participation with { Leg = participation.Leg with { Mikey = offer.Mikey } },
            new PendingRequest(default, 0, offer, false, Epoch: epoch, Moves: participation.Relocation is not null), context);

    /// <summary>
    /// Whoever should have sent the request is gone, and with it the answer, if there was one: the same again. A 2xx to a re-INVITE would be repeated until its ACK
    /// (RFC 3261 §13.3.1.4), and one ACK is as good as another; a peer without such a 2xx ignores it.
    /// </summary>
    public static ParticipantStep Repeat(Asking state, ParticipantContext context)
    {
        var again = Begin(state.Participation, state.Pending, context);
        return state.Pending.Method == SipMethod.Invite ? again.Before(Ack(state.Participation, state.Pending.Sequence)) : again;
    }

    /// <summary>The peer's offer or ours is not settled yet.</summary>
    public static ParticipantStep Later(ParticipantState state, ParticipantContext context) =>
        Steps.To(state, new ParticipantEffect.Start(ParticipantTimer.Refresh, context.Timings.T2));

    /// <summary>RFC 3261 §13.2.2.4: a repeated 2xx to our re-INVITE gets its ACK again.</summary>
    public static ParticipantStep AckAgain(Confirmed state, SipResponse response)
    {
        var participation = state.Participation;
        var isOurs = response is { Class: 2, Headers.CSeq.Method.Name: "INVITE" } && response.Headers.CallId == participation.Dialog.CallId
            && response.Headers.To.Tag == participation.Dialog.Remote.Tag && response.Headers.CSeq.Number <= participation.Dialog.LocalSequence;
        return isOurs ? Steps.To(state, Ack(participation, response.Headers.CSeq.Number)) : Steps.To(state);
    }

    public static ParticipantStep Next(Asking state, ParticipantInput input, ParticipantContext context)
    {
        var (participation, pending) = (state.Participation, state.Pending);
        return input switch
        {
            RequestArrived request => InDialog.Request(state, participation, request, context),
            ResponseArrived { Response: var response } when response.Headers.CSeq == new CSeq(pending.Sequence, pending.Method) =>
                Answered(state, response, context),
            TransactionFailed { Key: { IsServer: false } key } failed when key.Method == pending.Method => Unheard(state, failed.Reason, context),
            Fired { Timer: ParticipantTimer.RequestUnanswered } => Unheard(state, null, context),
            Fired { Timer: ParticipantTimer.Refresh or ParticipantTimer.Retry } when pending.IsNews => Later(state, context),
            Fired { Timer: ParticipantTimer.SessionExpired } => Closing.HangUp(participation, LeaveReason.SessionExpired, context),
            EndRequested end => Closing.HangUp(participation, end.Reason, context),
            _ when ParticipantMachine.LosesLeg(participation, input) => Closing.HangUp(participation, LeaveReason.MediaFailed, context),
            _ => Steps.To(state),
        };
    }

    /// <param name="before">The request that this one repeats with what was missing.</param>
    private static ParticipantStep Begin(Participation participation, PendingRequest before, ParticipantContext context)
    {
        var method = participation.TakesUpdate ? SipMethod.Update : SipMethod.Invite;
        var offer = before.IsNews ? before.Offer
            : method == SipMethod.Invite ? LegOffers.OfferUnchanged(participation.Leg, context) : null;
        var (dialog, request) = participation.Dialog.NewRequest(method);
        var headers = request.Headers
            .Append("Contact", context.Contact(participation.Conference, participation.Flow, SecureContact.IsNeeded(request)))
            .Append("Allow", RequestRouting.Allow)
            .Append("Supported", string.Join(", ", RequestRouting.SupportedOptions))
            .Append("Accept", FocusResponses.SdpType)
            .Append("User-Agent", context.Settings.Server);
        headers = participation.Session.InRequest(headers);
        request = offer is null
            ? request with { Headers = headers }
            : request with { Headers = headers.Append("Content-Type", FocusResponses.SdpType), Body = offer.Sent.Body };
        (var proofs, request) = Proofs(participation, context).Authorize(request, context.Random);
        ParticipantEffect[] due = before.IsNews
            ? []
            : [new ParticipantEffect.Cancel(ParticipantTimer.Refresh), new ParticipantEffect.Cancel(ParticipantTimer.Retry)];
        return Steps.To(
            new Asking(
                participation with { Dialog = dialog, Proofs = proofs },
                before with { Method = method, Sequence = request.Headers.CSeq.Number, Offer = offer }),
            [
                .. due,
                new ParticipantEffect.SendRequest(request, Hop(participation)) { KeepsTransport = participation.Hidden },
                new ParticipantEffect.Start(ParticipantTimer.RequestUnanswered, context.Timings.TransactionTimeout + AnswerMargin),
            ]);
    }

    private static ParticipantStep Answered(Asking state, SipResponse response, ParticipantContext context)
    {
        if (state.Participation.IsCutOff && response.IsFinal) state = state with { Participation = Rehoming.Found(state.Participation) };
        var (participation, pending) = (state.Participation, state.Pending);
        switch (response)
        {
            case { Class: 1 }:
                return Steps.To(
                    state,
                    new ParticipantEffect.Start(ParticipantTimer.RequestUnanswered, TransactionTimings.AnswerLimit + AnswerMargin));
            case { Class: 2 }:
                return Success(state, response, context);
            case { StatusCode: 422 } when !pending.Lengthened && participation.Session.TryLengthen(response, out var longer):
                return Begin(participation with { Session = longer }, pending with { Lengthened = true }, context);
            // It says that it takes UPDATE and does not.
            case { StatusCode: 405 or 501 } when pending.Method == SipMethod.Update:
                return Begin(participation with { TakesUpdate = false }, pending, context);
            case { StatusCode: 401 or 407 }
                when pending.Proofs < DigestClient.MaxAnswers && Proofs(participation, context).TryLearn(response, out var proofs):
                return Begin(participation with { Proofs = proofs }, pending with { Proofs = pending.Proofs + 1 }, context);
            case { StatusCode: 491 }:
                return Again(participation, pending, GlareWait(participation, context));
            case { StatusCode: 500 or 503 } when TryRetryAfter(response, out var wait):
                return Again(participation, pending, wait);
            case { StatusCode: 408 or 481 }:
                return Lost(participation, context);
            default:
                return pending.IsNews ? Refused(participation, pending, context) : NotRefreshed(participation);
        }
    }

    private static ParticipantStep Success(Asking state, SipResponse response, ParticipantContext context)
    {
        var participation = state.Participation.Hearing(response) with
        {
            Dialog = state.Participation.Dialog.Receive(response),
            Session = state.Participation.Session.Agree(response),
        };
        if (state.Pending.Offer is not { } offer) return Settle(participation, []);

        ParticipantEffect[] ack = state.Pending.Method == SipMethod.Invite ? [Ack(participation, state.Pending.Sequence)] : [];
        if (!LegNegotiation.TryAccept(response, offer, context, out var leg))
        {
            return Closing.HangUp(participation, LeaveReason.DialogFailed, context).Before(
                [new ParticipantEffect.Count(ParticipantRefusal.BadAnswer), .. ack]);
        }

        // It may have gone on to another mixer meanwhile.
        leg = leg with { Place = participation.Leg.Place };
        var isNews = !state.Pending.IsNews || participation.Leg.Remote is null || LegAtMixer.Differ(participation.Leg, leg);
        ParticipantEffect[] media = isNews ? [LegAtMixer.Media(leg, context)] : [];
        ParticipantEffect[] report = state.Pending.Epoch is { } epoch ? [KeyOffers.Report(participation, LegKeyAnswer.Took, epoch)] : [];
        return Settle(participation with { Leg = leg }, [.. ack, .. media, .. report]);
    }

    /// <summary>It stays with the keys that it has; its session is as alive as before.</summary>
    private static ParticipantStep Refused(Participation participation, PendingRequest pending, ParticipantContext context)
    {
        // Without an address that it takes it hears nothing and is not heard.
        if (pending.Epoch is not { } epoch)
            return Closing.HangUp(participation, LeaveReason.MediaFailed, context).Before(new ParticipantEffect.Count(ParticipantRefusal.NotMoved));
        // It may be the key that it does not want, so it is told the place alone.
        var free = pending.Moves && participation.Relocation is { } to ? participation with { Relocation = to with { MayOffer = true } } : participation;
        return Steps.To(
            new Confirmed(free), new ParticipantEffect.Cancel(ParticipantTimer.RequestUnanswered), KeyOffers.Report(free, LegKeyAnswer.Refused, epoch));
    }

    /// <summary>Who calls us proves itself to us, not we to it; but a proxy that it put into the route may ask (RFC 3261 §22.3).</summary>
    public static DigestClient Proofs(Participation participation, ParticipantContext context) =>
        participation.Proofs ?? DigestClient.Of(context.Settings.Outbound.Credentials);

    private static ParticipantStep Settle(Participation participation, ParticipantEffect[] effects) => Steps.To(
        new Confirmed(participation),
        [new ParticipantEffect.Cancel(ParticipantTimer.RequestUnanswered), .. effects, .. Timers(participation.Session)]);

    /// <summary>
    /// Refused for good. Where the timer is ours alone (RFC 4028 §7.2) any answer shows that the peer is there; else the session goes on to
    /// its end, unless the peer refreshes it.
    /// </summary>
    private static ParticipantStep NotRefreshed(Participation participation)
    {
        var step = participation.Session.PeerSupports
            ? Steps.To(new Confirmed(participation), new ParticipantEffect.Cancel(ParticipantTimer.RequestUnanswered))
            : Settle(participation, []);
        return step.Before(new ParticipantEffect.Count(ParticipantRefusal.NotRefreshed));
    }

    /// <summary>A key is brought again by the conference. A refresh, or the place of the leg, is told again from here.</summary>
    public static ParticipantStep Again(Participation participation, PendingRequest pending, TimeSpan wait)
    {
        var (free, reports) = KeyOffers.NotNow(participation, pending.Epoch, wait);
        ParticipantEffect[] retry = pending.IsNews ? [] : [new ParticipantEffect.Start(ParticipantTimer.Retry, wait)];
        if (pending.Moves) (free, retry) = Relocating.NotNow(free, withKey: pending.Epoch is not null, wait);
        return Steps.To(new Confirmed(free), [new ParticipantEffect.Cancel(ParticipantTimer.RequestUnanswered), .. retry, .. reports]);
    }

    private static ParticipantStep Unheard(Asking state, TransactionFailure? failure, ParticipantContext context) =>
        Rehoming.CutsOff(state.Participation, failure)
            ? Rehoming.Unheard(state, context)
            : Lost(state.Participation, context);

    private static ParticipantStep Lost(Participation participation, ParticipantContext context) =>
        Closing.HangUp(participation, LeaveReason.Unreachable, context);

    /// <summary>RFC 3261 §14.1: in units of 10 ms, 2.1 to 4 s for the owner of the Call-ID and up to 2 s for the other.</summary>
    private static TimeSpan GlareWait(Participation participation, ParticipantContext context) => TimeSpan.FromMilliseconds(
        participation.OwnsCallId ? 2100 + 10 * context.RandomBelow(191) : 10 * context.RandomBelow(201));

    private static bool TryRetryAfter(SipResponse response, out TimeSpan wait)
    {
        var digits = string.Concat((response.Headers.First(HeaderNames.RetryAfter) ?? "").TakeWhile(char.IsAsciiDigit));
        var known = uint.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds);
        wait = TimeSpan.FromSeconds(Math.Min(seconds, MaxRetryAfter));
        return known;
    }

    public static ParticipantEffect.SendAck Ack(Participation participation, uint sequence) =>
        new(participation.Dialog.Ack(sequence), Hop(participation));

    private static SipFlow Hop(Participation participation) =>
        NextHop.Of(participation.Dialog, participation.Flow, participation.Hidden);
}
