using ConfCluster.Protocols.Mikey.Exchanges;
using ConfCluster.Protocols.Sdp;
using ConfCluster.Protocols.Sip.Dialogs;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Transactions;

namespace ConfCluster.Protocols.Phone;

/// <summary>The peer's requests to a phone: RFC 3261 §8.2, §9.2, §12.2.2, §13.3, §14.2, §15.1.2, RFC 3311 §5.2.</summary>
internal sealed class CallServer(CallCore core)
{
    public void Requested(TransactionKey key, SipRequest request)
    {
        if (request.Headers.To.Tag is not null) InDialog(key, request);
        else if (request.Method == SipMethod.Invite) Invited(key, request);
        else if (request.Method == SipMethod.Cancel) Cancelled(key, request);
        else if (request.Method == SipMethod.Options) core.Respond(key, core.Messages.Ok(request, SipBody.Empty));
        else Refuse(key, request, request.Method == SipMethod.Bye ? 481 : 405);
    }

    public void Acknowledged(SipRequest ack)
    {
        if (core.State is not CallState.Talking { Answer: { } answer } talking || ack.Headers.CSeq.Number != answer.Response.Headers.CSeq.Number) return;
        core.Cancel(CallTimer.Repeat2xx);
        core.Cancel(CallTimer.NoAck);
        talking = talking with { Answer = null };
        core.State = talking;
        if (!answer.IsOffer) return;
        if (core.Negotiation.Accept(ack.Body.Span) is null)
        {
            core.UseMedia();
            return;
        }

        // RFC 3261 §13.3.1.4: the ACK has no usable answer, and there is no way to refuse an ACK.
        core.Negotiation.Withdraw();
        core.Bye(talking, CallEnd.BadAnswer);
    }

    public void Fired(CallTimer timer)
    {
        switch (core.State, timer)
        {
            case (CallState.Ringing ringing, CallTimer.Answer):
                Answer(ringing);
                break;
            case (CallState.Talking { Answer: { } answer } talking, CallTimer.Repeat2xx):
                var interval = answer.Interval * 2 < core.Settings.Timings.T2 ? answer.Interval * 2 : core.Settings.Timings.T2;
                core.State = talking with { Answer = answer with { Interval = interval } };
                core.Respond(answer.Key, answer.Response);
                core.Start(CallTimer.Repeat2xx, interval);
                break;
            case (CallState.Talking talking, CallTimer.NoAck):
                core.Bye(talking, CallEnd.NoAck);
                break;
        }
    }

    private void Invited(TransactionKey key, SipRequest invite)
    {
        if (core.State is not CallState.Idle)
        {
            Refuse(key, invite, 486);
            return;
        }

        if (invite.Headers.Contacts.Length != 1)
        {
            core.Respond(key, core.Messages.Respond(invite, 400, "Contact missing (RFC 3261 §8.1.1.8)"));
            return;
        }

        core.Respond(key, core.Messages.Respond(invite, 180));
        core.State = new CallState.Ringing(key, invite);
        if (core.Settings.AnswerAfter == TimeSpan.Zero) Answer((CallState.Ringing)core.State);
        else core.Start(CallTimer.Answer, core.Settings.AnswerAfter);
    }

    /// <summary>The KMS has answered; a caller that hung up meanwhile is not waited for.</summary>
    public void Resolved(GrantedKeys? granted, string problem)
    {
        if (core.State is CallState.Talking { Held: { } offered } talking)
        {
            core.State = talking with { Held = null };
            var refusal = granted is null ? problem : core.Negotiation.Verify(granted);
            if (refusal is null) Take(offered.Key, offered.Request);
            else core.Respond(offered.Key, core.Messages.Refuse(offered.Request, new OfferVerdict.Refused(488, 306, refusal)));
            return;
        }

        if (core.State is not CallState.Resolving resolving) return;
        var wrong = granted is null ? problem : core.Negotiation.Verify(granted);
        if (wrong is null) Answer(resolving.Key, resolving.Invite);
        else Refuse(resolving.Key, resolving.Invite, new OfferVerdict.Refused(488, 306, wrong));
    }

    private void Answer(CallState.Ringing ringing)
    {
        var (key, invite) = (ringing.Key, ringing.Invite);
        if (!core.Negotiation.NeedsTicket)
        {
            Answer(key, invite);
            return;
        }

        var refused = new OfferVerdict.Refused(488, 306, "a=key-mgmt is required");
        var ticket = invite.Headers.ContentType == PhoneMessages.SdpType ? core.Negotiation.TicketOf(invite.Body.Span, out refused) : null;
        if (ticket is null)
        {
            Refuse(key, invite, refused);
            return;
        }

        core.State = new CallState.Resolving(key, invite);
        core.Emit(new PhoneEffect.Resolve(ticket));
    }

    private void Answer(TransactionKey key, SipRequest invite)
    {
        var body = BodyFor(invite, out var refused);
        if (body is null)
        {
            Refuse(key, invite, refused);
            return;
        }

        var response = core.Messages.Ok(invite, body);
        var dialog = Dialog.FromRequest(invite, core.Messages.LocalTag);
        core.Tell(new PhoneEvent.Answered(200, "OK"));
        Wait(new CallState.Talking(dialog, 0, null, null, null), key, response, invite.Body.IsEmpty);
    }

    private void Refuse(TransactionKey key, SipRequest invite, OfferVerdict.Refused refused)
    {
        core.Respond(key, core.Messages.Refuse(invite, refused));
        core.End(CallEnd.Refused, refused.Status, refused.Text);
    }

    /// <summary>The 2xx goes out again until the ACK comes, whatever the transport (RFC 3261 §13.3.1.4).</summary>
    private void Wait(CallState.Talking talking, TransactionKey key, SipResponse response, bool isOffer)
    {
        var t1 = core.Settings.Timings.T1;
        core.State = talking with { Answer = new UnacknowledgedAnswer(key, response, t1, isOffer) };
        core.Respond(key, response);
        if (!isOffer) core.UseMedia();
        core.Start(CallTimer.Repeat2xx, t1);
        core.Start(CallTimer.NoAck, core.Settings.Timings.TransactionTimeout);
    }

    private void Cancelled(TransactionKey key, SipRequest cancel)
    {
        // RFC 3261 §9.2: the INVITE has the CANCEL's branch and sent-by.
        var (waiting, invite) = core.State switch
        {
            CallState.Ringing ringing => (ringing.Key, ringing.Invite),
            CallState.Resolving resolving => (resolving.Key, resolving.Invite),
            _ => (default, null),
        };
        if (invite is null || waiting with { Method = SipMethod.Cancel } != key)
        {
            Refuse(key, cancel, 481);
            return;
        }

        core.Respond(key, core.Messages.Respond(cancel, 200));
        core.Respond(waiting, core.Messages.Respond(invite, 487));
        core.End(CallEnd.Cancelled, 487, "Request Terminated");
    }

    private void InDialog(TransactionKey key, SipRequest request)
    {
        var dialog = core.State switch
        {
            CallState.Talking t => t.Dialog,
            CallState.Ending e => e.Dialog,
            _ => null,
        };
        if (dialog is null || !Contains(dialog, request.Headers))
        {
            Refuse(key, request, 481);
            return;
        }

        if (dialog.Receive(request, out dialog) == DialogVerdict.OutOfOrder)
        {
            Refuse(key, request, 500);
            return;
        }

        if (core.State is CallState.Talking talking)
        {
            core.State = talking with { Dialog = dialog };
            Talking(key, request);
        }
        else
        {
            // Both hang up: ours is still waited for (RFC 3261 §15.1.2).
            core.State = ((CallState.Ending)core.State) with { Dialog = dialog };
            Refuse(key, request, request.Method == SipMethod.Bye ? 200 : 481);
        }
    }

    private void Talking(TransactionKey key, SipRequest request)
    {
        if (request.Method == SipMethod.Bye)
        {
            core.Respond(key, core.Messages.Respond(request, 200));
            Abandon((CallState.Talking)core.State);
            core.End(CallEnd.Peer, 200, "OK");
        }
        else if (request.Method == SipMethod.Update && !core.Settings.TakesUpdate) Refuse(key, request, 405);
        else if (request.Method == SipMethod.Invite || (request.Method == SipMethod.Update && !request.Body.IsEmpty)) Offered(key, request);
        else if (request.Method == SipMethod.Update || request.Method == SipMethod.Options) core.Respond(key, core.Messages.Ok(request, SipBody.Empty));
        else Refuse(key, request, request.Method == SipMethod.Info ? 200 : 405);
    }

    private void Offered(TransactionKey key, SipRequest request)
    {
        var talking = (CallState.Talking)core.State;
        // RFC 3261 §14.2, RFC 3311 §5.2: 491 while an offer of ours is out, 500 while a 2xx of ours waits for its ACK.
        if (talking.OurInvite is not null || talking.Answer is { IsOffer: true })
        {
            Refuse(key, request, 491);
            return;
        }

        if (talking.Answer is not null || talking.Held is not null)
        {
            var busy = core.Messages.Respond(request, 500);
            core.Respond(key, busy with { Headers = busy.Headers.Append("Retry-After", "1") });
            return;
        }

        if (request.Headers.ContentType != PhoneMessages.SdpType || !core.Negotiation.Renews(request.Body.Span, out var ticket, out var refused))
        {
            Take(key, request);
            return;
        }

        if (ticket is null)
        {
            core.Respond(key, core.Messages.Refuse(request, refused));
            return;
        }

        core.State = talking with { Held = new Offered(key, request) };
        core.Emit(new PhoneEffect.Resolve(ticket));
    }

    /// <summary>RFC 3261 §15.1.2: what waits for a response when the dialog ends gets 487.</summary>
    public void Abandon(CallState.Talking talking)
    {
        if (talking.Held is { } offered) Refuse(offered.Key, offered.Request, 487);
    }

    private void Take(TransactionKey key, SipRequest request)
    {
        var talking = (CallState.Talking)core.State;
        var body = BodyFor(request, out var refused);
        if (body is null)
        {
            core.Respond(key, core.Messages.Refuse(request, refused));
            return;
        }

        var response = core.Messages.Ok(request, body);
        if (request.Method == SipMethod.Invite) Wait(talking, key, response, request.Body.IsEmpty);
        else
        {
            core.Respond(key, response);
            core.UseMedia();
        }

        core.Tell(new PhoneEvent.Renegotiated(Ours: false));
    }

    private SipBody? BodyFor(SipRequest request, out OfferVerdict.Refused refused)
    {
        refused = null!;
        if (request.Body.IsEmpty) return core.Negotiation.Offer();
        if (request.Headers.ContentType == PhoneMessages.SdpType) return core.Negotiation.Answer(request.Body.Span, out refused);
        refused = new OfferVerdict.Refused(415, 399, "Only application/sdp is understood");
        return null;
    }

    private static bool Contains(Dialog dialog, SipHeaders headers) =>
        headers.CallId == dialog.CallId && headers.To.Tag == dialog.Local.Tag && (headers.From.Tag ?? "") == (dialog.Remote.Tag ?? "");

    private void Refuse(TransactionKey key, SipRequest request, int status) => core.Respond(key, core.Messages.Respond(request, status));
}
