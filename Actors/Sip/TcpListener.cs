using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Parsing;
using ConfCluster.Protocols.Sip.Transactions;

namespace ConfCluster.Actors.Sip;

/// <summary>
/// The stream side (RFC 3261 §18): accepts, keeps the table of connections, connects where none is open. A message goes over the
/// connection that its flow names while that lives, else over one to the same remote address.
/// </summary>
internal sealed class TcpListener : IDisposable
{
    private readonly Socket _socket;
    private readonly SipIntake _intake;
    private readonly TimeProvider _clock;
    private readonly int _maxConnections;
    private readonly TimeSpan _idle;
    private readonly ConcurrentDictionary<long, TcpConnection> _connections = new();
    private long _number;

    /// <exception cref="SocketException">The address is taken or not ours.</exception>
    public TcpListener(IPEndPoint endPoint, int maxConnections, TimeSpan idle, SipIntake intake, TimeProvider clock)
    {
        (_intake, _clock, _maxConnections, _idle) = (intake, clock, maxConnections, idle);
        _socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        // A restarted node must not wait for the old connections' TIME_WAIT.
        _socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        _socket.Bind(endPoint);
        _socket.Listen(512);
        Local = (IPEndPoint)_socket.LocalEndPoint!;
    }

    public IPEndPoint Local { get; }

    public int ConnectionCount => _connections.Count;

    public void Start() => _ = AcceptAsync();

    public void Send(SipMessage message, SipFlow flow)
    {
        var bytes = SipWriter.ToBytes(message);
        if (_connections.TryGetValue(flow.Connection, out var connection) && connection.TrySend(bytes)) return;
        var target = message is SipResponse response ? ViaStamp.Reconnect(response, flow).Remote : flow.Remote;
        if (_connections.Values.FirstOrDefault(c => c.Flow.Remote.Equals(target)) is { } other && other.TrySend(bytes)) return;
        _ = ConnectAsync(message, bytes, target);
    }

    /// <summary>Closes what nobody used for the idle time.</summary>
    public void Sweep()
    {
        foreach (var connection in _connections.Values)
            if (_clock.GetElapsedTime(connection.LastActivity) > _idle)
                connection.Dispose();
    }

    public void Dispose()
    {
        _socket.Dispose();
        foreach (var connection in _connections.Values) connection.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var socket = await _socket.AcceptAsync();
                if (_connections.Count >= _maxConnections)
                {
                    SipCounters.RefusedConnections.Add(1);
                    socket.Dispose();
                    continue;
                }

                Open(socket);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The listener is closed.
        }
    }

    private async Task ConnectAsync(SipMessage message, byte[] bytes, IPEndPoint target)
    {
        var socket = new Socket(target.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(target);
            if (Open(socket) is { } connection && connection.TrySend(bytes)) return;
        }
        catch (SocketException)
        {
            socket.Dispose();
        }

        _intake.Unsent(message);
    }

    private TcpConnection? Open(Socket socket)
    {
        try
        {
            var connection = new TcpConnection(Interlocked.Increment(ref _number), socket, _intake, _clock, c => _connections.TryRemove(c.Flow.Connection, out _));
            _connections[connection.Flow.Connection] = connection;
            connection.Start();
            return connection;
        }
        catch (SocketException)
        {
            // Reset by the peer between accept and here.
            socket.Dispose();
            return null;
        }
    }
}
