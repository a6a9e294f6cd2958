using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Parsing;

namespace ConfCluster.Actors.Sip;

/// <summary>One connection: a loop that reads and cuts the stream, a loop that writes what waits. Garbage closes it.</summary>
internal sealed class TcpConnection : IDisposable
{
    /// <summary>Messages that may wait for a slow reader; one that lets more pile up is cut off.</summary>
    private const int MaxWaiting = 256;

    private static readonly TimeSpan Linger = TimeSpan.FromMilliseconds(500);

    private readonly Socket _socket;
    private readonly SipIntake _intake;
    private readonly TimeProvider _clock;
    private readonly Action<TcpConnection> _closed;
    private readonly Channel<byte[]> _outgoing = Channel.CreateBounded<byte[]>(new BoundedChannelOptions(MaxWaiting) { SingleReader = true });
    private int _isClosed;

    public TcpConnection(long number, Socket socket, SipIntake intake, TimeProvider clock, Action<TcpConnection> closed)
    {
        (_socket, _intake, _clock, _closed) = (socket, intake, clock, closed);
        socket.NoDelay = true;
        Flow = new SipFlow(SipTransport.Tcp, (IPEndPoint)socket.LocalEndPoint!, (IPEndPoint)socket.RemoteEndPoint!, number);
        LastMessage = clock.GetTimestamp();
    }

    public SipFlow Flow { get; }

    /// <summary>When a whole message or a keep-alive came, or something was sent.</summary>
    public long LastMessage { get; private set; }

    public void Start()
    {
        _ = _intake.WatchAsync("TCP read", ReadAsync);
        _ = _intake.WatchAsync("TCP write", WriteAsync);
    }

    /// <summary>False: it is closed, or its peer does not read.</summary>
    public bool TrySend(byte[] bytes)
    {
        if (_outgoing.Writer.TryWrite(bytes)) return true;
        Dispose();
        return false;
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isClosed, 1) != 0) return;
        _outgoing.Writer.TryComplete();
        _socket.Dispose();
        _closed(this);
    }

    private async Task ReadAsync()
    {
        var buffer = GC.AllocateUninitializedArray<byte>(8192, pinned: true);
        using var framer = new SipFramer();
        try
        {
            while (await _socket.ReceiveAsync(buffer.AsMemory(), SocketFlags.None) is > 0 and var read)
            {
                framer.Append(buffer.AsSpan(0, read));
                buffer.AsSpan(0, read).Clear();
                if (Drain(framer)) continue;
                // RFC 3261 §18.3: an error that costs the framing closes the stream, after the 400 had its chance.
                await Task.Delay(Linger, _clock);
                break;
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
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
                    _intake.Receive(frame, Flow);
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
                for (var sent = 0; sent < bytes.Length;) sent += await _socket.SendAsync(bytes.AsMemory(sent), SocketFlags.None);
                LastMessage = _clock.GetTimestamp();
                bytes.AsSpan().Clear();
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Nobody reads any more; transactions over this flow time out.
        }
        finally
        {
            Dispose();
        }
    }
}
