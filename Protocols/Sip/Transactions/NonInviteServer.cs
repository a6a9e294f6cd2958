using ConfCluster.Protocols.Sip.Messages;
using static ConfCluster.Protocols.Sip.Transactions.MachineEffect;
using static ConfCluster.Protocols.Sip.Transactions.NonInviteServerState;
using static ConfCluster.Protocols.Sip.Transactions.ServerInput;

namespace ConfCluster.Protocols.Sip.Transactions;

/// <summary>States of <see cref="NonInviteServer"/>.</summary>
public abstract record NonInviteServerState : ITransactionState
{
    private NonInviteServerState()
    {
    }

    public bool IsTerminated => this is Terminated;

    public sealed record Trying(SipRequest Request) : NonInviteServerState;

    public sealed record Proceeding(SipResponse Last) : NonInviteServerState;

    public sealed record Completed(SipResponse Answer) : NonInviteServerState;

    public sealed record Terminated : NonInviteServerState;
}

/// <summary>
/// The non-INVITE server transaction: RFC 3261 §17.2.2 and figure 8, with RFC 4320 §4.1 (100 only when the client's timer E has reached
/// T2, no other provisional) and §4.2 (no answer once the client has given up, never a 408). What is not listed is ignored.
/// </summary>
public static class NonInviteServer
{
    public static Step<NonInviteServerState, MachineEffect> Begin(SipRequest request, TransactionTimings t)
    {
        ArgumentNullException.ThrowIfNull(request);
        return To(new Trying(request), new PassRequest(request), new Start(SipTimer.E, t.UntilNonInviteTrying),
            new Start(SipTimer.F, t.Sip.TransactionTimeout));
    }

    public static Step<NonInviteServerState, MachineEffect> Next(NonInviteServerState state, ServerInput input, TransactionTimings t) => (state, input) switch
    {
        (Trying { Request: var request }, Fired { Timer: SipTimer.E }) => Try(request),
        (Trying or Proceeding, Respond { Response: { IsFinal: true } r }) => Answer(r, t),
        (Trying or Proceeding, Fired { Timer: SipTimer.F }) => To(new Terminated(), new Cancel(SipTimer.E), new Failed(TransactionFailure.Timeout)),

        (Proceeding p, Again) => To(p, new Send(p.Last)),

        (Completed c, Again) => To(c, new Send(c.Answer)),
        (Completed, Fired { Timer: SipTimer.J }) => To(new Terminated()),

        (Trying or Proceeding or Completed, TransportError) => To(new Terminated(), new Failed(TransactionFailure.Transport)),
        _ => To(state),
    };

    private static Step<NonInviteServerState, MachineEffect> Try(SipRequest request)
    {
        var trying = request.CreateResponse(100, "Trying");
        return To(new Proceeding(trying), new Send(trying));
    }

    private static Step<NonInviteServerState, MachineEffect> Answer(SipResponse answer, TransactionTimings t)
    {
        var (stopE, stopF, send) = (new Cancel(SipTimer.E), new Cancel(SipTimer.F), new Send(answer));
        return t.IsReliable
            ? To(new Terminated(), stopE, stopF, send)
            : To(new Completed(answer), stopE, stopF, send, new Start(SipTimer.J, t.ForCopies(SipTimer.J)));
    }

    private static Step<NonInviteServerState, MachineEffect> To(NonInviteServerState state, params ReadOnlySpan<MachineEffect> effects) =>
        new(state, [.. effects]);
}
