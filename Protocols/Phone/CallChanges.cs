using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Transactions;

namespace ConfCluster.Protocols.Phone;

/// <summary>What the user changes in a call that is on: a re-INVITE, one at a time, and how it ends (RFC 3261 §14.1).</summary>
internal sealed class CallChanges(CallCore core, PhoneCredentials credentials)
{
    public void Hold(bool on)
    {
        if (!MayChange(out var talking)) return;
        core.Negotiation.Wanted = on ? MediaDirection.SendOnly : MediaDirection.SendReceive;
        Reinvite(talking);
    }

    public void MoveTo(MediaAddress rtp, MediaAddress rtcp)
    {
        if (!MayChange(out var talking)) return;
        core.Negotiation.MoveTo(rtp, rtcp);
        Reinvite(talking);
    }

    /// <summary>The wait after glare is over.</summary>
    public void Again()
    {
        if (MayChange(out var talking)) Reinvite(talking);
    }

    public void Responded(CallState.Talking talking, TransactionKey key, SipResponse response)
    {
        if (response.Class == 2 && response.Headers.CSeq.Number == talking.InviteSequence)
        {
            if (response.Headers.To.Tag == talking.Dialog.Remote.Tag)
                core.Emit(new PhoneEffect.Send(talking.Ack!, core.Messages.FlowTo(talking.Dialog.NextHop), null));
            else core.Disown(response);
            return;
        }

        if (key != talking.OurInvite || !response.IsFinal) return;
        talking = talking with { OurInvite = null };
        core.State = talking;
        if (response.Class == 2)
        {
            talking = core.Acknowledge(talking with { Dialog = talking.Dialog.Receive(response) }, response);
            core.State = talking;
            core.TakeAnswer(talking, response, new PhoneEvent.Renegotiated(Ours: true));
            return;
        }

        Refused(talking, response);
    }

    private void Refused(CallState.Talking talking, SipResponse response)
    {
        switch (response.StatusCode)
        {
            case 491:
                // RFC 3261 §14.1: the owner of the Call-ID waits 2.1 to 4 s, the other 0 to 2 s, in steps of 10 ms.
                var steps = core.HasDialled ? 210 + core.Messages.RandomBelow(191) : core.Messages.RandomBelow(201);
                core.Start(CallTimer.Glare, TimeSpan.FromMilliseconds(10 * steps));
                break;
            case 401 or 407 when credentials.Learns(response):
                core.Negotiation.Withdraw();
                Reinvite(talking);
                break;
            // RFC 3261 §12.2.1.2: the peer does not know the dialog any more.
            case 408 or 481:
                core.Negotiation.Withdraw();
                core.Bye(talking, CallEnd.Peer);
                break;
            default:
                core.Negotiation.Withdraw();
                core.Tell(new PhoneEvent.ChangeRefused(response.StatusCode, response.Reason));
                break;
        }
    }

    private bool MayChange(out CallState.Talking talking)
    {
        talking = core.State as CallState.Talking ?? null!;
        return talking is { OurInvite: null, Answer: null, Held: null } && core.Negotiation.IsSettled;
    }

    private void Reinvite(CallState.Talking talking)
    {
        var (dialog, request) = talking.Dialog.NewRequest(SipMethod.Invite);
        var invite = core.Messages.WithVia(core.Messages.WithSession(credentials.On(request), core.Negotiation.Offer()));
        core.State = talking with { Dialog = dialog, OurInvite = TransactionKey.OfSent(invite) };
        core.Send(invite, core.Messages.FlowTo(dialog.NextHop));
    }
}
