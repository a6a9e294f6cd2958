using System.Buffers.Binary;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Threading.Channels;
using Akka.Actor;
using Akka.Event;
using Akka.Remote.Transport;
using ConfCluster.Protocols.Wire;
using Google.Protobuf;

namespace ConfCluster.Actors.Nodes.Links;

/// <summary>
/// One connection to another node. What is written waits in a queue and goes out as much at once as there is; who reads is told each message whole. Ends when either side
/// closes, or at a message that is longer than any may be.
/// </summary>
internal sealed class NodeLink(Address local, Address remote, Stream stream, int longest, ILoggingAdapter log) : AssociationHandle(local, remote)
{
    private const int Header = 4;
    private const int Batch = 1 << 16;
    private static readonly TimeSpan ClosePatience = TimeSpan.FromSeconds(2);
    private readonly Channel<ByteString> _queue = Channel.CreateUnbounded<ByteString>(new UnboundedChannelOptions { SingleReader = true });
    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _closing = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _queued;

    /// <summary>Completes, without a failure, when nothing of it is left.</summary>
    public Task Closed => _closed.Task;

    /// <summary>Octets that may wait: two messages of the greatest length.</summary>
    private long Room => 2L * longest;

    public void Begin(CancellationToken stop) => _ = RunAsync(stop);

    /// <summary>False: too much waits already, or it is closed; the engine comes again with it.</summary>
    public override bool Write(ByteString payload)
    {
        ArgumentNullException.ThrowIfNull(payload);
        var length = Header + payload.Length;
        if (Interlocked.Add(ref _queued, length) <= Room && _queue.Writer.TryWrite(payload)) return true;
        Interlocked.Add(ref _queued, -length);
        return false;
    }

    [Obsolete("The engine's own word: reasons are logged by the caller.")]
    public override void Disassociate() => Close();

    /// <summary>What waits still goes out, if the other side takes it soon.</summary>
    public void Close()
    {
        _queue.Writer.TryComplete();
        _closing.TrySetResult();
    }

    private async Task RunAsync(CancellationToken stop)
    {
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var (writing, reading) = (UntilEndAsync(WriteAsync(ends.Token)), UntilEndAsync(ReadAsync(ends.Token)));
        if (await Task.WhenAny(writing, reading, _closing.Task) == _closing.Task)
        {
            ends.CancelAfter(ClosePatience);
            await Task.WhenAny(writing, reading);
        }

        _queue.Writer.TryComplete();
        await ends.CancelAsync();
        await UntilEndAsync(stream.DisposeAsync().AsTask());
        await Task.WhenAll(writing, reading);
        _closed.SetResult();
        // Who begins to listen later hears it then, and need not wait for a handshake of its own to time out.
        (await ReadHandlerSource.Task).Notify(new Disassociated(DisassociateInfo.Unknown));
    }

    /// <summary>Whatever ends it, the connection is over, and its listener hears of that.</summary>
    private async Task UntilEndAsync(Task part)
    {
        await part.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (part.Exception?.InnerException is not { } failure) return;
        // The other side is gone, or this one closes. A node may ask for another certificate in the middle (RFC 8446 §4.6.2), which none of ours does.
        if (failure is IOException or System.Net.Sockets.SocketException or ObjectDisposedException or AuthenticationException)
            log.Debug("The connection to {0} has ended: {1}", RemoteAddress, failure.Message);
        else
            log.Error(failure, "The connection to {0} is closed: {1}", RemoteAddress, failure.Message);
    }

    private async Task WriteAsync(CancellationToken stop)
    {
        // Keys may be in it.
        var buffer = new byte[Batch];
        try
        {
            while (await _queue.Reader.WaitToReadAsync(stop))
            {
                var length = 0;
                while (_queue.Reader.TryRead(out var payload))
                {
                    if (length + Header + payload.Length > Batch) length = await FlushAsync(buffer, length, stop);
                    BinaryPrimitives.WriteInt32LittleEndian(buffer.AsSpan(length), payload.Length);
                    length += Header;
                    if (payload.Length <= Batch - length)
                    {
                        payload.Span.CopyTo(buffer.AsSpan(length));
                        length += payload.Length;
                        continue;
                    }

                    length = await FlushAsync(buffer, length, stop);
                    await stream.WriteAsync(payload.Memory, stop);
                    Interlocked.Add(ref _queued, -payload.Length);
                }

                await FlushAsync(buffer, length, stop);
            }
        }
        finally
        {
            CryptographicOperations.ZeroMemory(buffer);
        }
    }

    /// <returns>How much is in the buffer now: nothing.</returns>
    private async ValueTask<int> FlushAsync(byte[] buffer, int length, CancellationToken stop)
    {
        if (length == 0) return 0;
        await stream.WriteAsync(buffer.AsMemory(0, length), stop);
        Interlocked.Add(ref _queued, -length);
        return 0;
    }

    private async Task ReadAsync(CancellationToken stop)
    {
        var reader = await ReadHandlerSource.Task.WaitAsync(stop);
        using var framer = new LengthFramer(longest, Batch);
        while (await stream.ReadAsync(framer.Room(), stop) is var read and > 0)
        {
            framer.Came(read);
            LengthFrame outcome;
            while ((outcome = framer.Next(out var message)) == LengthFrame.Whole) reader.Notify(new InboundPayload(ByteString.CopyFrom(message)));
            if (outcome != LengthFrame.TooLong) continue;
            log.Error("The connection to {0} is closed: a message of {1} octets; the longest has {2} (maximum-frame-size)", RemoteAddress, framer.Announced, longest);
            return;
        }
    }
}
