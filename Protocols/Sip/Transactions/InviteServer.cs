using System.Collections.Immutable;
using ConfCluster.Protocols.Sip.Messages;
using static ConfCluster.Protocols.Sip.Transactions.InviteServerState;
using static ConfCluster.Protocols.Sip.Transactions.MachineEffect;
using static ConfCluster.Protocols.Sip.Transactions.ServerInput;

namespace ConfCluster.Protocols.Sip.Transactions;

/// <summary>States of <see cref="InviteServer"/>.</summary>
public abstract record InviteServerState : ITransactionState
{
    private InviteServerState()
    {
    }

    public bool IsTerminated => this is Terminated;

    /// <summary>Not answered finally; <paramref name="Last"/> is what a copy of the INVITE gets.</summary>
    public sealed record Proceeding(SipRequest Invite, SipResponse Last) : InviteServerState;

    /// <summary>A 2xx was sent; the core repeats it, not we (RFC 6026 §7.1).</summary>
    public sealed record Accepted : InviteServerState;

    /// <summary>A refusal was sent and waits for its ACK.</summary>
    public sealed record Completed(SipResponse Refusal, TimeSpan Wait) : InviteServerState;

    public sealed record Confirmed : InviteServerState;

    public sealed record Terminated : InviteServerState;
}

/// <summary>
/// The INVITE server transaction: RFC 3261 §17.2.1 and figure 7 as corrected by RFC 6026 §7.1 (figure 5 there). 100 Trying is sent at
/// once, since a cluster cannot promise an answer within 200 ms. What is not listed is ignored.
/// </summary>
public static class InviteServer
{
    public static Step<InviteServerState, MachineEffect> Begin(SipRequest invite)
    {
        ArgumentNullException.ThrowIfNull(invite);
        var trying = invite.CreateResponse(100, "Trying");
        return To(new Proceeding(invite, trying), new Send(trying), new PassRequest(invite), new Start(SipTimer.C, TransactionTimings.AnswerLimit));
    }

    public static Step<InviteServerState, MachineEffect> Next(InviteServerState state, ServerInput input, TransactionTimings t) => (state, input) switch
    {
        (Proceeding p, Again) => To(p, new Send(p.Last)),
        (Proceeding p, Respond { Response: { IsFinal: false } r }) =>
            To(p with { Last = r }, new Send(r), new Start(SipTimer.C, TransactionTimings.AnswerLimit)),
        (Proceeding, Respond { Response: { Class: 2 } r }) =>
            To(new Accepted(), new Cancel(SipTimer.C), new Send(r), new Start(SipTimer.L, t.Sip.TransactionTimeout)),
        (Proceeding, Respond { Response: var r }) => Refuse(r, t),
        // Not in the figure: a core that was lost must not hold the transaction and the caller for ever.
        (Proceeding p, Fired { Timer: SipTimer.C }) => GiveUp(p, t),
        // RFC 6026 §7.1: a transport error alone never discards the state, so that copies go on being absorbed.
        (Proceeding or Accepted or Completed, TransportError) => To(state, new Failed(TransactionFailure.Transport)),

        (Accepted, Respond { Response: { Class: 2 } r }) => To(state, new Send(r)),
        (Accepted, Ack ack) => To(state, new PassAck(ack.Request)),
        (Accepted, Fired { Timer: SipTimer.L }) => To(new Terminated()),

        (Completed c, Again) => To(c, new Send(c.Refusal)),
        (Completed c, Fired { Timer: SipTimer.G }) => Repeat(c, t),
        (Completed, Fired { Timer: SipTimer.H }) => To(new Terminated(), new Cancel(SipTimer.G), new Failed(TransactionFailure.Timeout)),
        (Completed, Ack) => Confirm(t),

        (Confirmed, Fired { Timer: SipTimer.I }) => To(new Terminated()),
        _ => To(state),
    };

    private static Step<InviteServerState, MachineEffect> Refuse(SipResponse refusal, TransactionTimings t)
    {
        var completed = new Completed(refusal, t.Sip.T1);
        var expire = new Start(SipTimer.H, t.Sip.TransactionTimeout);
        var end = new Cancel(SipTimer.C);
        // RFC 3261 §17.2.1: timer G only where the transport may lose the response.
        return t.IsReliable
            ? To(completed, end, new Send(refusal), expire)
            : To(completed, end, new Send(refusal), new Start(SipTimer.G, t.Sip.T1), expire);
    }

    private static Step<InviteServerState, MachineEffect> GiveUp(Proceeding state, TransactionTimings t)
    {
        var refused = Refuse(state.Invite.CreateResponse(500, "No Answer From The Focus", StatelessTag.Of(state.Invite)), t);
        return refused with { Effects = refused.Effects.Add(new Failed(TransactionFailure.Timeout)) };
    }

    private static Step<InviteServerState, MachineEffect> Repeat(Completed state, TransactionTimings t)
    {
        var wait = t.Doubled(state.Wait);
        return To(state with { Wait = wait }, new Send(state.Refusal), new Start(SipTimer.G, wait));
    }

    private static Step<InviteServerState, MachineEffect> Confirm(TransactionTimings t)
    {
        ImmutableArray<MachineEffect> stop = [new Cancel(SipTimer.G), new Cancel(SipTimer.H)];
        return t.IsReliable
            ? new(new Terminated(), stop)
            : new(new Confirmed(), stop.Add(new Start(SipTimer.I, t.ForCopies(SipTimer.I))));
    }

    private static Step<InviteServerState, MachineEffect> To(InviteServerState state, params ReadOnlySpan<MachineEffect> effects) =>
        new(state, [.. effects]);
}
