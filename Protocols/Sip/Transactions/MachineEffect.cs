using ConfCluster.Protocols.Sip.Messages;

namespace ConfCluster.Protocols.Sip.Transactions;

/// <summary>What one transaction wants done, in order; the layer adds whose it is and where it goes.</summary>
public abstract record MachineEffect
{
    private MachineEffect()
    {
    }

    public sealed record Send(SipMessage Message) : MachineEffect;

    public sealed record PassRequest(SipRequest Request) : MachineEffect;

    public sealed record PassAck(SipRequest Request) : MachineEffect;

    public sealed record PassResponse(SipResponse Response) : MachineEffect;

    public sealed record Failed(TransactionFailure Reason) : MachineEffect;

    public sealed record Start(SipTimer Timer, TimeSpan After) : MachineEffect;

    public sealed record Cancel(SipTimer Timer) : MachineEffect;
}

/// <summary>A state of one of the four machines.</summary>
public interface ITransactionState
{
    /// <summary>The transaction is to be destroyed (RFC 3261 §17.1.1.2).</summary>
    bool IsTerminated { get; }
}
