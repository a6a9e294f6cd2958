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
    private static readonly TimeSpan AcceptPause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan ConnectPatience = TimeSpan.FromSeconds(10);

    private readonly Socket _socket;
    private readonly SipIntake _intake;
    private readonly TimeProvider _clock;
    private readonly int _maxConnections;
    private readonly TimeSpan _idle;
    private readonly ConcurrentDictionary<long, TcpConnection> _connections = new();
    private volatile bool _isClosed;
    private long _number;

    /// <exception cref="SocketException">The address is taken or not ours.</exception>
    public TcpListener(IPEndPoint endPoint, int maxConnections, TimeSpan idle, SipIntake intake, TimeProvider clock)
    {
        (_intake, _clock, _maxConnections, _idle) = (intake, clock, maxConnections, idle);
        _socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        // A restarted node must not wait for the old connections' TIME_WAIT.
        _socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        try
        {
            _socket.Bind(endPoint);
            _socket.Listen(512);
        }
        catch (SocketException)
        {
            _socket.Dispose();
            throw;
        }

        Local = (IPEndPoint)_socket.LocalEndPoint!;
    }

    public IPEndPoint Local { get; }

    public int ConnectionCount => _connections.Count;

    public void Start() => _ = _intake.WatchAsync("TCP", AcceptAsync);

    public void Send(SipMessage message, SipFlow flow, TransactionKey? key)
    {
        var bytes = SipWriter.ToBytes(message);
        if (_connections.TryGetValue(flow.Connection, out var connection) && connection.TrySend(bytes)) return;
        // An answer that no transaction waits for is not worth a connection, which anybody could make us open.
        if (message is SipResponse && key is null) return;
        var target = message is SipResponse response ? ViaStamp.Reconnect(response, flow).Remote : flow.Remote;
        if (_connections.Values.FirstOrDefault(c => c.Flow.Remote.Equals(target)) is { } other && other.TrySend(bytes)) return;
        _ = _intake.WatchAsync("connect", () => ConnectAsync(bytes, target, key));
    }

    /// <summary>Closes what carried no whole message for the idle time: a drip of single bytes is no use.</summary>
    public void Sweep()
    {
        foreach (var connection in _connections.Values)
            if (_clock.GetElapsedTime(connection.LastMessage) > _idle)
                connection.Dispose();
    }

    public void Dispose()
    {
        _isClosed = true;
        _socket.Dispose();
        foreach (var connection in _connections.Values) connection.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (true)
        {
            try
            {
                Admit(await _socket.AcceptAsync());
            }
            catch (SocketException) when (!_isClosed)
            {
                // A peer that reset before it was accepted, or no file descriptor left: wait for better times, but go on listening.
                await Task.Delay(AcceptPause, _clock);
            }
            catch (Exception e) when (_isClosed && e is SocketException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    private void Admit(Socket socket)
    {
        if (_connections.Count < _maxConnections)
        {
            Open(socket);
            return;
        }

        SipCounters.RefusedConnections.Add(1);
        socket.Dispose();
    }

    private async Task ConnectAsync(byte[] bytes, IPEndPoint target, TransactionKey? key)
    {
        if (_connections.Count < _maxConnections && await TryConnectAsync(target) is { } connection && connection.TrySend(bytes)) return;
        _intake.Unsent(key);
    }

    private async Task<TcpConnection?> TryConnectAsync(IPEndPoint target)
    {
        using var patience = new CancellationTokenSource(ConnectPatience, _clock);
        Socket? socket = null;
        try
        {
            socket = new Socket(target.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            await socket.ConnectAsync(target, patience.Token);
            return Open(socket);
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            socket?.Dispose();
            return null;
        }
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
