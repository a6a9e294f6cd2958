using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using ConfCluster.Protocols.Sip.Authentication;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Parsing;

namespace ConfCluster.Actors.Sip;

/// <summary>
/// One connection, TCP or TLS: a loop that reads and cuts the stream, a loop that writes what waits. Garbage closes it. It carries our
/// requests to the address that it leads to, and to the one its client proved to be its own (RFC 5923 §8).
/// </summary>
internal sealed class StreamConnection : IDisposable
{
    /// <summary>Messages that may wait for a slow reader; one that lets more pile up is cut off.</summary>
    private const int MaxWaiting = 256;

    private static readonly TimeSpan Linger = TimeSpan.FromMilliseconds(500);

    private readonly Socket _socket;
    private readonly SecuredStream _secured;
    private readonly SipIntake _intake;
    private readonly TimeProvider _clock;
    private readonly Action<StreamConnection> _closed;
    private readonly Channel<byte[]> _outgoing = Channel.CreateBounded<byte[]>(new BoundedChannelOptions(MaxWaiting) { SingleReader = true });
    private readonly CancellationTokenSource _stop = new();
    private volatile IPEndPoint? _alias;
    private int _isClosed;

    public StreamConnection(SipFlow flow, Socket socket, SecuredStream secured, SipIntake intake, TimeProvider clock, Action<StreamConnection> closed)
    {
        (Flow, _socket, _secured, _intake, _clock, _closed) = (flow, socket, secured, intake, clock, closed);
        LastMessage = clock.GetTimestamp();
    }

    public SipFlow Flow { get; }

    /// <summary>When a whole message or a keep-alive came, or something was sent.</summary>
    public long LastMessage { get; private set; }

    public void Start()
    {
        _ = _intake.WatchAsync($"{Flow.Transport} read", ReadAsync);
        _ = _intake.WatchAsync($"{Flow.Transport} write", WriteAsync);
    }

    /// <summary>Whether a message for that address may take this connection (RFC 5923 §8.1, §8.2: address and name must fit).</summary>
    public bool Reaches(SipTransport transport, IPEndPoint target, SipMessage message) =>
        Flow.Transport == transport && (Flow.Remote.Equals(target) || target.Equals(_alias)) && _secured.MayCarry(message);

    /// <summary>False: it is closed, or its peer does not read.</summary>
    public bool TrySend(byte[] bytes)
    {
        if (_outgoing.Writer.TryWrite(bytes)) return true;
        Dispose();
        return false;
    }

    /// <summary>Both loops end now; the one that writes says goodbye and closes the socket.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isClosed, 1) != 0) return;
        _outgoing.Writer.TryComplete();
        _stop.Cancel();
        _closed(this);
    }

    private async Task ReadAsync()
    {
        var buffer = GC.AllocateUninitializedArray<byte>(8192, pinned: true);
        using var framer = new SipFramer();
        try
        {
            while (await _secured.Stream.ReadAsync(buffer.AsMemory(), _stop.Token) is > 0 and var read)
            {
                framer.Append(buffer.AsSpan(0, read));
                buffer.AsSpan(0, read).Clear();
                if (Drain(framer)) continue;
                // RFC 3261 §18.3: an error that costs the framing closes the stream, after the 400 had its chance.
                await Task.Delay(Linger, _clock, _stop.Token);
                break;
            }
        }
        catch (Exception e) when (IsClosure(e))
        {
            // The peer or we closed it: the flow is gone either way.
        }
        finally
        {
            Dispose();
        }
    }

    private bool Drain(SipFramer framer)
    {
        while (true)
        {
            switch (framer.Next(out var frame, out var error))
            {
                case SipFrameOutcome.Done:
                    LastMessage = _clock.GetTimestamp();
                    var request = _intake.Receive(frame, Flow, _secured.Peer) as SipRequest;
                    if (request is not null && ConnectionAlias.Of(request, Flow, _secured.Peer) is { } alias) _alias = alias;
                    break;
                case SipFrameOutcome.Ping:
                    // RFC 5626 §3.5.1: the pong is a single CRLF.
                    LastMessage = _clock.GetTimestamp();
                    TrySend("\r\n"u8.ToArray());
                    break;
                case SipFrameOutcome.Malformed:
                    _intake.Malformed(error, frame, Flow);
                    return false;
                default:
                    return true;
            }
        }
    }

    private async Task WriteAsync()
    {
        try
        {
            await foreach (var bytes in _outgoing.Reader.ReadAllAsync())
            {
                await _secured.Stream.WriteAsync(bytes, _stop.Token);
                LastMessage = _clock.GetTimestamp();
                bytes.AsSpan().Clear();
            }

            await _secured.SayGoodbyeAsync();
        }
        catch (Exception e) when (IsClosure(e))
        {
            // Nobody reads any more; transactions over this flow time out.
        }
        finally
        {
            Dispose();
            while (_outgoing.Reader.TryRead(out var unsent)) unsent.AsSpan().Clear();
            await _secured.Stream.DisposeAsync();
            _socket.Dispose();
        }
    }

    private static bool IsClosure(Exception e) => e is IOException or SocketException or ObjectDisposedException or OperationCanceledException;
}
