using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Parsing;

namespace ConfCluster.Actors.Phone.Load;

/// <summary>What came over the connection: one message, valid until the next call.</summary>
internal delegate void LoadFrame(ReadOnlySpan<byte> frame);

/// <summary>
/// The TCP connection of one phone of a load (RFC 3261 §18), which is opened by its first message and used by the load's thread only. Nothing here blocks:
/// what does not fit yet waits.
/// </summary>
internal sealed class LoadConnection : IDisposable
{
    private readonly Socket _socket;
    private readonly Task _connecting;
    private readonly SipFramer _framer = new();
    private readonly Queue<byte[]> _waiting = new();
    private int _written;
    private bool _lost;

    /// <exception cref="IOException">No port or no descriptor is left.</exception>
    public LoadConnection(IPAddress local, IPEndPoint server)
    {
        _socket = new Socket(server.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true, Blocking = false };
        try
        {
            _socket.Bind(new IPEndPoint(local, 0));
        }
        catch (SocketException e)
        {
            _socket.Dispose();
            throw new IOException($"no TCP socket to be had: {e.Message}", e);
        }

        Flow = new SipFlow(SipTransport.Tcp, (IPEndPoint)_socket.LocalEndPoint!, server, 1);
        _connecting = _socket.ConnectAsync(server);
    }

    public SipFlow Flow { get; }

    /// <summary>Takes the bytes over and zeroes them once they are written. False: the connection is lost.</summary>
    public bool TrySend(byte[] bytes)
    {
        _waiting.Enqueue(bytes);
        return TryFlush();
    }

    /// <summary>Writes what waits and hands on whole messages. False: the connection is lost, or what came is no SIP.</summary>
    /// <param name="piece">Room for what one read yields.</param>
    public bool TryDrain(byte[] piece, LoadFrame received)
    {
        if (!_connecting.IsCompleted) return true;
        while (TryFlush())
        {
            var length = _socket.Receive(piece, SocketFlags.None, out var error);
            if (error == SocketError.WouldBlock) return true;
            if (error != SocketError.Success || length == 0) break;
            _framer.Append(piece.AsSpan(0, length));
            SipFrameOutcome outcome;
            while ((outcome = _framer.Next(out var frame, out _)) is SipFrameOutcome.Done or SipFrameOutcome.Ping)
                if (outcome == SipFrameOutcome.Done)
                    received(frame);
            if (outcome == SipFrameOutcome.Malformed) break;
        }

        _lost = true;
        return false;
    }

    public void Dispose()
    {
        _socket.Dispose();
        _framer.Dispose();
        while (_waiting.TryDequeue(out var bytes)) CryptographicOperations.ZeroMemory(bytes);
    }

    private bool TryFlush()
    {
        if (_lost || _connecting.IsFaulted) return false;
        while (_connecting.IsCompletedSuccessfully && _waiting.TryPeek(out var bytes))
        {
            _written += _socket.Send(bytes, _written, bytes.Length - _written, SocketFlags.None, out var error);
            if (error == SocketError.WouldBlock) return true;
            if (error != SocketError.Success) return false;
            if (_written < bytes.Length) continue;
            CryptographicOperations.ZeroMemory(_waiting.Dequeue());
            _written = 0;
        }

        return true;
    }
}
