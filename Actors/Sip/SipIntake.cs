using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Parsing;

namespace ConfCluster.Actors.Sip;

/// <summary>A message that a socket loop has read and parsed.</summary>
internal sealed record SipReceived(SipMessage Message, SipFlow Flow);

/// <summary>Bytes that are no SIP message; <paramref name="Answerable"/> is what a 400 can be made from, or null.</summary>
internal sealed record SipMalformed(SipError Error, SipRequest? Answerable, SipFlow Flow);

/// <summary>A request of ours could not be sent: no connection.</summary>
internal sealed record SipUnsent(SipMessage Message);

/// <summary>
/// Between the socket loops and the endpoint's mailbox: parses outside the actor, and bounds what waits there, since a mailbox has no
/// bound of its own.
/// </summary>
internal sealed class SipIntake(Action<object> post)
{
    /// <summary>Messages that may wait for the endpoint; more are dropped and counted, and UDP senders send again.</summary>
    public const int MaxWaiting = 20_000;

    private int _waiting;

    /// <summary>The endpoint took one message.</summary>
    public void Taken() => Interlocked.Decrement(ref _waiting);

    public void Receive(ReadOnlySpan<byte> bytes, SipFlow flow)
    {
        if (SipReader.TryRead(bytes, out var message, out var error)) Post(new SipReceived(message!, flow));
        else Post(new SipMalformed(error, message as SipRequest, flow));
    }

    public void Malformed(SipError error, ReadOnlySpan<byte> headerBlock, SipFlow flow)
    {
        _ = SipReader.TryRead(headerBlock, out var message, out _);
        Post(new SipMalformed(error, message as SipRequest, flow));
    }

    public void Unsent(SipMessage message) => Post(new SipUnsent(message));

    private void Post(object message)
    {
        if (Interlocked.Increment(ref _waiting) > MaxWaiting)
        {
            Interlocked.Decrement(ref _waiting);
            SipCounters.Dropped.Add(1);
            return;
        }

        post(message);
    }
}
