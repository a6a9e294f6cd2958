using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Parsing;
using ConfCluster.Protocols.Sip.Transactions;

namespace ConfCluster.Actors.Sip;

/// <summary>A message that a socket loop has read and parsed.</summary>
internal sealed record SipReceived(SipMessage Message, SipFlow Flow);

/// <summary>Bytes that are no SIP message; <paramref name="Answerable"/> is what a 400 can be made from, or null.</summary>
internal sealed record SipMalformed(SipError Error, SipRequest? Answerable, SipFlow Flow);

/// <summary>A message could not be sent; <paramref name="Key"/> names its transaction, if it has one.</summary>
internal sealed record SipUnsent(TransactionKey? Key);

/// <summary>A socket loop ended by an exception that it does not know.</summary>
internal sealed record SipLoopFailed(string Loop, Exception Reason);

/// <summary>
/// Between the socket loops and the endpoint's mailbox: parses outside the actor, and bounds what waits there, since a mailbox has no
/// bound of its own.
/// </summary>
internal sealed class SipIntake(Action<object> post, int maxMessageSize)
{
    /// <summary>Messages that may wait for the endpoint; more are dropped and counted, and UDP senders send again.</summary>
    public const int MaxWaiting = 20_000;

    private int _waiting;

    /// <summary>The endpoint took one message.</summary>
    public void Taken() => Interlocked.Decrement(ref _waiting);

    public void Receive(ReadOnlySpan<byte> bytes, SipFlow flow)
    {
        var read = SipReader.TryRead(bytes, out var message, out var error);
        if (bytes.Length > maxMessageSize) (read, error) = (false, new SipError(SipErrorKind.TooLong, "Message too long"));
        if (read) Post(new SipReceived(message!, flow));
        else Post(new SipMalformed(error, message as SipRequest, flow));
    }

    public void Malformed(SipError error, ReadOnlySpan<byte> headerBlock, SipFlow flow)
    {
        _ = SipReader.TryRead(headerBlock, out var message, out _);
        Post(new SipMalformed(error, message as SipRequest, flow));
    }

    public void Unsent(TransactionKey? key) => Post(new SipUnsent(key));

    /// <summary>Runs a socket loop and makes the endpoint fail with it, since nobody else would notice.</summary>
    public async Task WatchAsync(string loop, Func<Task> run)
    {
        try
        {
            await run();
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            post(new SipLoopFailed(loop, e));
        }
    }

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
