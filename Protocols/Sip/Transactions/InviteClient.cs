using ConfCluster.Protocols.Sip.Messages;
using static ConfCluster.Protocols.Sip.Transactions.ClientInput;
using static ConfCluster.Protocols.Sip.Transactions.InviteClientState;
using static ConfCluster.Protocols.Sip.Transactions.MachineEffect;

namespace ConfCluster.Protocols.Sip.Transactions;

/// <summary>States of <see cref="InviteClient"/>.</summary>
public abstract record InviteClientState : ITransactionState
{
    private InviteClientState()
    {
    }

    public bool IsTerminated => this is Terminated;

    public sealed record Calling(SipRequest Invite, TimeSpan Wait) : InviteClientState;

    public sealed record Proceeding(SipRequest Invite) : InviteClientState;

    /// <summary>A refusal came; its copies get the same ACK.</summary>
    public sealed record Completed(SipRequest Ack) : InviteClientState;

    /// <summary>A 2xx came; further ones pass to the core, which acknowledges each (RFC 6026 §7.2).</summary>
    public sealed record Accepted : InviteClientState;

    public sealed record Terminated : InviteClientState;
}

/// <summary>
/// The INVITE client transaction: RFC 3261 §17.1.1 and figure 5 as corrected by RFC 6026 §7.2 (Accepted, timer M). It makes the ACK to a
/// refusal itself (RFC 3261 §17.1.1.3). Timer B runs only until the first response; after a provisional, timer C of RFC 3261 §16.6 bounds
/// how long it may ring, started anew by each. What is not listed is ignored.
/// </summary>
public static class InviteClient
{
    public static Step<InviteClientState, MachineEffect> Begin(SipRequest invite, TransactionTimings t)
    {
        var state = new Calling(invite, t.Sip.T1);
        var expire = new Start(SipTimer.B, t.Sip.TransactionTimeout);
        return t.IsReliable
            ? To(state, new Send(invite), expire)
            : To(state, new Send(invite), new Start(SipTimer.A, t.Sip.T1), expire);
    }

    public static Step<InviteClientState, MachineEffect> Next(InviteClientState state, ClientInput input, TransactionTimings t) => (state, input) switch
    {
        // RFC 3261 §17.1.1.2: timer A doubles without the limit of T2.
        (Calling s, Fired { Timer: SipTimer.A }) =>
            To(s with { Wait = 2 * s.Wait }, new Send(s.Invite), new Start(SipTimer.A, 2 * s.Wait)),
        (Calling, Fired { Timer: SipTimer.B }) => To(new Terminated(), new Cancel(SipTimer.A), new Failed(TransactionFailure.Timeout)),
        (Calling s, Received { Response: { IsFinal: false } r }) =>
            To(new Proceeding(s.Invite), new Cancel(SipTimer.A), new Cancel(SipTimer.B), new PassResponse(r), RingLimit()),
        (Proceeding, Received { Response: { IsFinal: false } r }) => To(state, new PassResponse(r), RingLimit()),
        // Not in the figure: a peer that rings and is lost must not hold the transaction for ever.
        (Proceeding, Fired { Timer: SipTimer.C }) => To(new Terminated(), new Failed(TransactionFailure.Timeout)),

        (Calling or Proceeding, Received { Response: { Class: 2 } r }) =>
            To(new Accepted(), [.. Stop(), new PassResponse(r), new Start(SipTimer.M, t.Sip.TransactionTimeout)]),
        (Calling s, Received { Response: var r }) => Complete(s.Invite, r, t),
        (Proceeding s, Received { Response: var r }) => Complete(s.Invite, r, t),
        (Calling or Proceeding, TransportError) =>
            To(new Terminated(), [.. Stop(), new Failed(TransactionFailure.Transport)]),

        (Completed s, Received { Response: { IsFinal: true, Class: not 2 } }) => To(s, new Send(s.Ack)),
        (Completed, Fired { Timer: SipTimer.D }) => To(new Terminated()),
        (Completed, TransportError) => To(new Terminated(), new Cancel(SipTimer.D), new Failed(TransactionFailure.Transport)),

        (Accepted, Received { Response: { Class: 2 } r }) => To(state, new PassResponse(r)),
        (Accepted, Fired { Timer: SipTimer.M }) => To(new Terminated()),
        _ => To(state),
    };

    /// <summary>RFC 3261 §17.1.1.3: of the INVITE, but To and its tag from the response, one Via, no body.</summary>
    public static SipRequest AckFor(SipRequest invite, SipResponse refusal)
    {
        ArgumentNullException.ThrowIfNull(invite);
        ArgumentNullException.ThrowIfNull(refusal);
        var headers = SipHeaders.Empty
            .Append("Via", invite.Headers.TopVia!.ToString())
            .Append("Route", invite.Headers.All("Route"))
            .Append("From", invite.Headers.First("From")!)
            .Append("To", refusal.Headers.First("To")!)
            .Append("Call-ID", invite.Headers.CallId)
            .Append("CSeq", new CSeq(invite.Headers.CSeq.Number, SipMethod.Ack).ToString())
            .Append("Max-Forwards", "70");
        return new SipRequest(SipMethod.Ack, invite.RequestUri) { Headers = headers };
    }

    private static Step<InviteClientState, MachineEffect> Complete(SipRequest invite, SipResponse refusal, TransactionTimings t)
    {
        var ack = AckFor(invite, refusal);
        var (send, pass) = (new Send(ack), new PassResponse(refusal));
        return t.IsReliable
            ? To(new Terminated(), [.. Stop(), send, pass])
            : To(new Completed(ack), [.. Stop(), send, pass, new Start(SipTimer.D, t.ForCopies(SipTimer.D))]);
    }

    private static Start RingLimit() => new(SipTimer.C, TransactionTimings.AnswerLimit);

    private static MachineEffect[] Stop() => [new Cancel(SipTimer.A), new Cancel(SipTimer.B), new Cancel(SipTimer.C)];

    private static Step<InviteClientState, MachineEffect> To(InviteClientState state, params ReadOnlySpan<MachineEffect> effects) =>
        new(state, [.. effects]);
}
