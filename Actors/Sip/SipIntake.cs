using System.Collections.Concurrent;
using ConfCluster.Protocols.Sip.Admission;
using ConfCluster.Protocols.Sip.Authentication;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Parsing;
using ConfCluster.Protocols.Sip.Transactions;

namespace ConfCluster.Actors.Sip;

/// <summary>A message that a socket loop has read and parsed.</summary>
/// <param name="Peer">Whom the TLS handshake of its connection proved; null otherwise.</param>
internal sealed record SipReceived(SipMessage Message, SipFlow Flow, TlsPeer? Peer = null);

/// <summary>Bytes that are no SIP message; <paramref name="Answerable"/> is what a 400 can be made from, or null.</summary>
internal sealed record SipMalformed(SipError Error, SipRequest? Answerable, SipFlow Flow);

/// <summary>A message could not be sent; <paramref name="Key"/> names its transaction, if it has one.</summary>
internal sealed record SipUnsent(TransactionKey? Key);

/// <summary>A socket loop ended by an exception that it does not know.</summary>
internal sealed record SipLoopFailed(string Loop, Exception Reason);

/// <summary>Something waits in the intake.</summary>
internal sealed record SipWaiting
{
    public static readonly SipWaiting Instance = new();
}

/// <summary>
/// Between the socket loops and the endpoint: parses outside the actor, and bounds what waits, since a mailbox has no bound of its own.
/// What belongs to something that is running goes first, so new calls in any number delay no BYE. A CANCEL keeps its place behind its INVITE.
/// </summary>
internal sealed class SipIntake(Action<object> post, int maxMessageSize, TimeProvider clock)
{
    /// <summary>Messages that may wait for the endpoint; more are dropped and counted, and UDP senders send again.</summary>
    public const int MaxWaiting = 20_000;

    /// <summary>Of these, requests that would begin something.</summary>
    public const int MaxNew = 5_000;

    private readonly ConcurrentQueue<(object Message, long At)> _running = new();
    private readonly ConcurrentQueue<(object Message, long At)> _new = new();
    private int _waiting;

    public int Waiting => Volatile.Read(ref _waiting);

    /// <summary>For each <see cref="SipWaiting"/> one message.</summary>
    /// <param name="waited">How long it waited.</param>
    public object Take(out TimeSpan waited)
    {
        if (!_running.TryDequeue(out var next) && !_new.TryDequeue(out next)) throw new InvalidOperationException("nothing waits");
        Interlocked.Decrement(ref _waiting);
        waited = clock.GetElapsedTime(next.At);
        return next.Message;
    }

    /// <summary>What was received, or null when it is no message.</summary>
    public SipMessage? Receive(ReadOnlySpan<byte> bytes, SipFlow flow, TlsPeer? peer = null)
    {
        var read = SipReader.TryRead(bytes, out var message, out var error);
        if (bytes.Length > maxMessageSize) (read, error) = (false, new SipError(SipErrorKind.TooLong, "Message too long"));
        if (read) Post(new SipReceived(message!, flow, peer));
        else Post(new SipMalformed(error, message as SipRequest, flow));
        return read ? message : null;
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
        var isNew = IsNew(message);
        if (Interlocked.Increment(ref _waiting) > MaxWaiting || (isNew && _new.Count > MaxNew))
        {
            Interlocked.Decrement(ref _waiting);
            SipCounters.Dropped.Add(1);
            return;
        }

        (isNew ? _new : _running).Enqueue((message, clock.GetTimestamp()));
        post(SipWaiting.Instance);
    }

    private static bool IsNew(object message) => message switch
    {
        SipMalformed => true,
        SipReceived { Message: SipRequest request } => request.Method == SipMethod.Cancel || AdmissionRules.BeginsSomething(request),
        _ => false,
    };
}
