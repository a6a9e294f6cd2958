using System.Net;
using System.Net.Sockets;
using ConfCluster.Protocols.Sip.Authentication;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Parsing;
using ConfCluster.Protocols.Sip.Transactions;

namespace ConfCluster.Actors.Sip;

/// <summary>
/// The stream side (RFC 3261 §18), TCP or TLS by its <see cref="IStreamSecurity"/>: accepts, connects where no connection is open. A message
/// goes over the connection that its flow names while that lives, else over one to the same remote address.
/// </summary>
internal sealed class StreamListener : IDisposable
{
    private static readonly TimeSpan AcceptPause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan ConnectPatience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan ShortPatience = TimeSpan.FromSeconds(2);

    private readonly Socket _socket;
    private readonly IStreamSecurity _security;
    private readonly ConnectionTable _table;
    private readonly SipIntake _intake;
    private readonly TimeProvider _clock;
    private readonly CancellationTokenSource _stop = new();
    private volatile bool _isClosed;

    /// <exception cref="SocketException">The address is taken or not ours.</exception>
    public StreamListener(IPEndPoint endPoint, IStreamSecurity security, ConnectionTable table, SipIntake intake, TimeProvider clock)
    {
        (_security, _table, _intake, _clock) = (security, table, intake, clock);
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

    public void Start() => _ = _intake.WatchAsync($"{_security.Transport} accept", AcceptAsync);

    /// <param name="hasOtherWay">It can go as a datagram when nobody takes the connection, so that is not waited for as long.</param>
    public void Send(SipMessage message, SipFlow flow, TransactionKey? key, bool hasOtherWay = false)
    {
        var bytes = SipWriter.ToBytes(message);
        if (_table.Of(flow) is { } connection && connection.TrySend(bytes)) return;
        // An answer that no transaction waits for is not worth a connection, which anybody could make us open.
        if (message is SipResponse && key is null) return;
        var target = message is SipResponse response ? ViaStamp.Reconnect(response, flow).Remote : flow.Remote;
        if (_table.To(_security.Transport, target, message) is { } other && other.TrySend(bytes)) return;
        _ = _intake.WatchAsync($"{_security.Transport} connect",
            () => ConnectAsync(bytes, target, DomainIdentity.OfNextHop(message), key, hasOtherWay ? ShortPatience : ConnectPatience));
    }

    public void Dispose()
    {
        _isClosed = true;
        _socket.Dispose();
        _stop.Cancel();
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
        if (socket.RemoteEndPoint is IPEndPoint remote && _table.TryTakePlace(remote.Address))
        {
            _ = _intake.WatchAsync($"{_security.Transport} handshake", () => SecureAsync(socket));
            return;
        }

        SipCounters.RefusedConnections.Add(1);
        socket.Dispose();
    }

    private async Task SecureAsync(Socket socket)
    {
        using var limit = new CancellationTokenSource(_security.HandshakeTimeout, _clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, _stop.Token);
        var secured = await _security.AcceptAsync(socket, either.Token);
        if (secured is not null) Open(socket, secured, Local.Port);
        else Abandon(socket);
    }

    private async Task ConnectAsync(byte[] bytes, IPEndPoint target, string name, TransactionKey? key, TimeSpan patience)
    {
        if (_table.TryTakePlace() && await TryConnectAsync(target, name, patience) is { } connection && connection.TrySend(bytes)) return;
        bytes.AsSpan().Clear();
        _intake.Unsent(key);
    }

    private async Task<StreamConnection?> TryConnectAsync(IPEndPoint target, string name, TimeSpan patience)
    {
        using var limit = new CancellationTokenSource(patience, _clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, _stop.Token);
        var socket = new Socket(target.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(target, either.Token);
            if (await _security.ConnectAsync(socket, name, either.Token) is { } secured) return Open(socket, secured, Local.Port);
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            // Nobody there, or nobody in time.
        }

        Abandon(socket);
        return null;
    }

    /// <param name="port">Ours: a peer may send requests over a connection that we opened, and for them we are where we listen.</param>
    private StreamConnection? Open(Socket socket, SecuredStream secured, int port)
    {
        if (!TryAddresses(socket, out var local, out var remote))
        {
            Abandon(socket);
            return null;
        }

        var flow = new SipFlow(_security.Transport, new IPEndPoint(local.Address, port), remote, _table.NextNumber());
        var connection = new StreamConnection(flow, socket, secured, _intake, _clock, _table.Remove);
        _table.Add(connection);
        connection.Start();
        if (_isClosed) connection.Dispose();
        return connection;
    }

    /// <summary>False: reset by the peer between accept and here.</summary>
    private static bool TryAddresses(Socket socket, out IPEndPoint local, out IPEndPoint remote)
    {
        (local, remote) = (null!, null!);
        try
        {
            socket.NoDelay = true;
            (local, remote) = ((IPEndPoint)socket.LocalEndPoint!, (IPEndPoint)socket.RemoteEndPoint!);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private void Abandon(Socket socket)
    {
        socket.Dispose();
        _table.GiveBackPlace();
    }
}
