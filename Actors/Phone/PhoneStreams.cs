using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Parsing;

namespace ConfCluster.Actors.Phone;

/// <summary>What came over a connection: one message, valid until the next call.</summary>
internal delegate void StreamFrame(ReadOnlySpan<byte> frame, SipFlow flow);

/// <summary>
/// TCP beside a softphone's datagrams: it listens at the same port (RFC 3261 §18.2.1), where a server may send what is too large for a datagram, and
/// opens connections for such requests of its own (RFC 3261 §18.1.1). Everything is done by the phone's one thread.
/// </summary>
internal sealed class PhoneStreams : IDisposable
{
    private const int MaxConnections = 8;
    private const int MaxPiece = 16_384;

    /// <summary>Nothing else is done while a connection is opened, so not for long; who does not take it gets a datagram.</summary>
    private static readonly TimeSpan ConnectPatience = TimeSpan.FromSeconds(1);

    private readonly Socket? _listener;
    private readonly IPEndPoint _local;
    private readonly List<Connection> _open = [];
    private readonly byte[] _piece = GC.AllocateUninitializedArray<byte>(MaxPiece, pinned: true);
    private long _number;

    private PhoneStreams(Socket? listener, IPEndPoint local) => (_listener, _local) = (listener, local);

    /// <summary>Null when the flow is a connection itself. Somebody else may have the port: then requests come as datagrams only.</summary>
    public static PhoneStreams? Beside(SipFlow flow)
    {
        if (flow.IsReliable) return null;
        var listener = new Socket(flow.Local.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            listener.Bind(flow.Local);
            listener.Listen(MaxConnections);
            listener.Blocking = false;
            return new PhoneStreams(listener, flow.Local);
        }
        catch (SocketException)
        {
            listener.Dispose();
            return new PhoneStreams(null, flow.Local);
        }
    }

    /// <summary>The sockets that something may come over.</summary>
    public void AddTo(List<Socket> readable)
    {
        if (_listener is not null) readable.Add(_listener);
        foreach (var connection in _open) readable.Add(connection.Socket);
    }

    /// <summary>Takes what is there, whole messages to <paramref name="received"/>.</summary>
    public void Drain(StreamFrame received)
    {
        while (_listener is not null && _listener.Poll(TimeSpan.Zero, SelectMode.SelectRead)) Accept();
        foreach (var connection in _open.ToArray())
            if (!TryDrain(connection, received))
                Close(connection);
    }

    /// <summary>Over the connection that the flow names, or one to the same place, or a new one. False: nobody takes it.</summary>
    public bool TrySend(ReadOnlySpan<byte> bytes, SipFlow flow)
    {
        var connection = _open.Find(c => c.Flow.Connection == flow.Connection) ?? _open.Find(c => c.Flow.Remote.Equals(flow.Remote)) ?? Connect(flow.Remote);
        if (connection is null) return false;
        try
        {
            for (var sent = 0; sent < bytes.Length;)
            {
                if (!connection.Socket.Poll(ConnectPatience, SelectMode.SelectWrite)) return false;
                sent += connection.Socket.Send(bytes[sent..]);
            }

            return true;
        }
        catch (SocketException)
        {
            // It is closed when it is next looked at: it may be the one that is being read.
            return false;
        }
    }

    public void Dispose()
    {
        _listener?.Dispose();
        foreach (var connection in _open.ToArray()) Close(connection);
        CryptographicOperations.ZeroMemory(_piece);
    }

    private void Accept()
    {
        try
        {
            var socket = _listener!.Accept();
            if (_open.Count < MaxConnections) Open(socket);
            else socket.Dispose();
        }
        catch (SocketException)
        {
            // Reset before it was accepted.
        }
    }

    private Connection? Connect(IPEndPoint remote)
    {
        var socket = new Socket(remote.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { Blocking = false };
        try
        {
            if (!socket.ConnectAsync(remote).Wait(ConnectPatience)) throw new SocketException((int)SocketError.TimedOut);
            return Open(socket);
        }
        catch (Exception e) when (e is SocketException or AggregateException { InnerException: SocketException })
        {
            socket.Dispose();
            return null;
        }
    }

    private Connection Open(Socket socket)
    {
        socket.Blocking = false;
        socket.NoDelay = true;
        var connection = new Connection(socket, new SipFlow(SipTransport.Tcp, _local, (IPEndPoint)socket.RemoteEndPoint!, ++_number), new SipFramer());
        _open.Add(connection);
        return connection;
    }

    /// <summary>False: it has ended, or what came is no SIP.</summary>
    private bool TryDrain(Connection connection, StreamFrame received)
    {
        while (connection.Socket.Poll(TimeSpan.Zero, SelectMode.SelectRead))
        {
            if (Receive(connection.Socket) is not (> 0 and var length)) return false;
            connection.Framer.Append(_piece.AsSpan(0, length));
            CryptographicOperations.ZeroMemory(_piece.AsSpan(0, length));
            SipFrameOutcome outcome;
            while ((outcome = connection.Framer.Next(out var frame, out _)) is SipFrameOutcome.Done or SipFrameOutcome.Ping)
                if (outcome == SipFrameOutcome.Done)
                    received(frame, connection.Flow);
            if (outcome == SipFrameOutcome.Malformed) return false;
        }

        return true;
    }

    private int Receive(Socket socket)
    {
        try
        {
            return socket.Receive(_piece);
        }
        catch (SocketException)
        {
            return 0;
        }
    }

    private void Close(Connection connection)
    {
        _open.Remove(connection);
        connection.Socket.Dispose();
        connection.Framer.Dispose();
    }

    private sealed class Connection(Socket socket, SipFlow flow, SipFramer framer)
    {
        public Socket Socket => socket;

        public SipFlow Flow => flow;

        public SipFramer Framer => framer;
    }
}
