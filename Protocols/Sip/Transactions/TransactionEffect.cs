using ConfCluster.Protocols.Sip.Messages;

namespace ConfCluster.Protocols.Sip.Transactions;

/// <summary>What the transaction layer asks its owner to do, in order.</summary>
public abstract record TransactionEffect
{
    private TransactionEffect()
    {
    }

    /// <summary>
    /// Put the message on the wire over that flow (RFC 3261 §18). A failure is reported to the transaction of <see cref="Key"/>; null: the
    /// message belongs to none.
    /// </summary>
    public sealed record Send(SipMessage Message, SipFlow Flow) : TransactionEffect
    {
        public TransactionKey? Key { get; init; }
    }

    /// <summary>A new request for the core; answer it with the key. Never an ACK.</summary>
    public sealed record PassRequest(TransactionKey Key, SipRequest Request, SipFlow Flow) : TransactionEffect;

    /// <summary>An ACK to a 2xx (RFC 3261 §13.2.2.4, RFC 6026 §7.1), or one that matches nothing.</summary>
    public sealed record PassAck(SipRequest Request, SipFlow Flow) : TransactionEffect;

    /// <summary>A response to a request that the core sent.</summary>
    public sealed record PassResponse(TransactionKey Key, SipResponse Response, SipFlow Flow) : TransactionEffect;

    /// <summary>A response that matches no transaction: dropped (RFC 6026 §8.9), counted.</summary>
    public sealed record StrayResponse(SipResponse Response) : TransactionEffect;

    /// <summary>Timer B, F or H fired, or the transport failed: no answer will come (RFC 3261 §8.1.3.1: treat as 408 or 503).</summary>
    public sealed record Failed(TransactionKey Key, TransactionFailure Reason) : TransactionEffect;

    public sealed record Start(TransactionKey Key, SipTimer Timer, TimeSpan After) : TransactionEffect;

    public sealed record Cancel(TransactionKey Key, SipTimer Timer) : TransactionEffect;

    /// <summary>The transaction is gone from the table; its timers too.</summary>
    public sealed record Ended(TransactionKey Key) : TransactionEffect;
}

public enum TransactionFailure : byte { Timeout, Transport }
