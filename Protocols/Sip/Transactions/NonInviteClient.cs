using ConfCluster.Protocols.Sip.Messages;
using static ConfCluster.Protocols.Sip.Transactions.ClientInput;
using static ConfCluster.Protocols.Sip.Transactions.MachineEffect;
using static ConfCluster.Protocols.Sip.Transactions.NonInviteClientState;

namespace ConfCluster.Protocols.Sip.Transactions;

/// <summary>States of <see cref="NonInviteClient"/>.</summary>
public abstract record NonInviteClientState : ITransactionState
{
    private NonInviteClientState()
    {
    }

    public bool IsTerminated => this is Terminated;

    public sealed record Trying(SipRequest Request, TimeSpan Wait) : NonInviteClientState;

    public sealed record Proceeding(SipRequest Request) : NonInviteClientState;

    public sealed record Completed : NonInviteClientState;

    public sealed record Terminated : NonInviteClientState;
}

/// <summary>The non-INVITE client transaction: RFC 3261 §17.1.2 and figure 6. What is not listed is ignored.</summary>
public static class NonInviteClient
{
    public static Step<NonInviteClientState, MachineEffect> Begin(SipRequest request, TransactionTimings t)
    {
        var state = new Trying(request, t.Sip.T1);
        var expire = new Start(SipTimer.F, t.Sip.TransactionTimeout);
        return t.IsReliable
            ? To(state, new Send(request), expire)
            : To(state, new Send(request), new Start(SipTimer.E, t.Sip.T1), expire);
    }

    public static Step<NonInviteClientState, MachineEffect> Next(NonInviteClientState state, ClientInput input, TransactionTimings t) => (state, input) switch
    {
        (Trying s, Fired { Timer: SipTimer.E }) => Repeat(s, t),
        (Trying s, Received { Response: { IsFinal: false } r }) => Proceed(s.Request, r, t),
        (Proceeding s, Fired { Timer: SipTimer.E }) => To(s, new Send(s.Request), new Start(SipTimer.E, t.Sip.T2)),
        (Proceeding, Received { Response: { IsFinal: false } r }) => To(state, new PassResponse(r)),

        (Trying or Proceeding, Received { Response: var r }) => Complete(r, t),
        (Trying or Proceeding, Fired { Timer: SipTimer.F }) => To(new Terminated(), new Cancel(SipTimer.E), new Failed(TransactionFailure.Timeout)),
        (Trying or Proceeding, TransportError) =>
            To(new Terminated(), new Cancel(SipTimer.E), new Cancel(SipTimer.F), new Failed(TransactionFailure.Transport)),

        (Completed, Fired { Timer: SipTimer.K }) => To(new Terminated()),
        _ => To(state),
    };

    private static Step<NonInviteClientState, MachineEffect> Repeat(Trying state, TransactionTimings t)
    {
        var wait = t.Doubled(state.Wait);
        return To(state with { Wait = wait }, new Send(state.Request), new Start(SipTimer.E, wait));
    }

    private static Step<NonInviteClientState, MachineEffect> Proceed(SipRequest request, SipResponse provisional, TransactionTimings t) => t.IsReliable
        ? To(new Proceeding(request), new PassResponse(provisional))
        : To(new Proceeding(request), new PassResponse(provisional), new Start(SipTimer.E, t.Sip.T2));

    private static Step<NonInviteClientState, MachineEffect> Complete(SipResponse answer, TransactionTimings t)
    {
        var (stopE, stopF, pass) = (new Cancel(SipTimer.E), new Cancel(SipTimer.F), new PassResponse(answer));
        return t.IsReliable
            ? To(new Terminated(), stopE, stopF, pass)
            : To(new Completed(), stopE, stopF, pass, new Start(SipTimer.K, t.ForCopies(SipTimer.K)));
    }

    private static Step<NonInviteClientState, MachineEffect> To(NonInviteClientState state, params ReadOnlySpan<MachineEffect> effects) =>
        new(state, [.. effects]);
}
