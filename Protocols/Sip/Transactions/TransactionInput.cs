using ConfCluster.Protocols.Sip.Messages;

namespace ConfCluster.Protocols.Sip.Transactions;

/// <summary>What may happen to a server transaction (RFC 3261 §17.2).</summary>
public abstract record ServerInput
{
    private ServerInput()
    {
    }

    /// <summary>A copy of the request.</summary>
    public sealed record Again : ServerInput;

    public sealed record Ack(SipRequest Request) : ServerInput;

    /// <summary>The core answers.</summary>
    public sealed record Respond(SipResponse Response) : ServerInput;

    public sealed record Fired(SipTimer Timer) : ServerInput;

    public sealed record TransportError : ServerInput;
}

/// <summary>What may happen to a client transaction (RFC 3261 §17.1).</summary>
public abstract record ClientInput
{
    private ClientInput()
    {
    }

    public sealed record Received(SipResponse Response) : ClientInput;

    public sealed record Fired(SipTimer Timer) : ClientInput;

    public sealed record TransportError : ClientInput;
}
