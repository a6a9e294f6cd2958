using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using Akka.Actor;
using Akka.Configuration;
using Akka.Event;
using Akka.Remote.Transport;

namespace ConfCluster.Actors.Nodes.Links;

/// <summary>
/// The engine's connections to other nodes, over mutual TLS. Stands in for the engine's own transport, which ends the whole node when a handshake with
/// another one does not come to its end (the other was killed, stood still, or is no node): here that connection fails and nothing else. On the wire it is the same:
/// each message behind its length in four octets, the lowest first.
/// </summary>
public sealed class NodeTransport : Transport, IDisposable
{
    private const int Backlog = 512;
    private const int MostPayload = 1 << 29;
    private static readonly TimeSpan AcceptPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan ShutdownPatience = TimeSpan.FromSeconds(3);
    private readonly ConcurrentDictionary<NodeLink, byte> _links = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly CancellationToken _stopped;
    private readonly Doorstep _doorstep = new(TimeProvider.System);
    private readonly Seldom _refusals;
    private readonly Seldom _strangers;
    private readonly Seldom _failures;
    private readonly ILoggingAdapter _log;
    private readonly TimeSpan _timeout;
    private readonly NodeTls _tls;
    private Socket? _listener;
    private Address? _local;

    /// <param name="system">Made with a <see cref="NodeTlsSetup"/>.</param>
    /// <param name="config">The section of the transport: hostname, port, public-hostname, public-port, connection-timeout, maximum-frame-size.</param>
    public NodeTransport(ActorSystem system, Config config)
    {
        ArgumentNullException.ThrowIfNull(system);
        ArgumentNullException.ThrowIfNull(config);
        var setup = system.Settings.Setup.Get<NodeTlsSetup>();
        if (!setup.HasValue) throw new ConfigurationException($"{nameof(NodeTransport)} needs a {nameof(NodeTlsSetup)}");
        (System, Config, SchemeIdentifier, _tls) = (system, config, "ssl.tcp", setup.Value.Tls);
        _stopped = _stop.Token;
        MaximumPayloadBytes = config.GetByteSize("maximum-frame-size", null) ?? throw new ConfigurationException("maximum-frame-size is missing");
        _timeout = config.GetTimeSpan("connection-timeout");
        _log = Logging.GetLogger(system, typeof(NodeTransport));
        if (MaximumPayloadBytes is < 1 or > MostPayload) throw new ConfigurationException($"maximum-frame-size is not from 1 to {MostPayload} octets");
        (_refusals, _strangers, _failures) = (Warns(), Warns(), Warns());

        Seldom Warns() => new(TimeProvider.System, said => _log.Warning("{0}", said));
    }

    public override async Task<(Address, TaskCompletionSource<IAssociationEventListener>)> Listen()
    {
        var host = Config.GetString("hostname");
        var address = await AddressOfAsync(host, _stopped);
        _listener = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        _listener.Bind(new IPEndPoint(address, Config.GetInt("port")));
        _listener.Listen(Backlog);
        var shown = Config.GetString("public-hostname");
        var port = Config.GetInt("public-port");
        _local = new Address(SchemeIdentifier, System.Name, string.IsNullOrEmpty(shown) ? host : shown, port > 0 ? port : ((IPEndPoint)_listener.LocalEndPoint!).Port);
        var listener = new TaskCompletionSource<IAssociationEventListener>(TaskCreationOptions.RunContinuationsAsynchronously);
        _ = AcceptAsync(_listener, listener.Task);
        return (_local, listener);
    }

    public override bool IsResponsibleFor(Address remote) => true;

    /// <exception cref="InvalidAssociationException">There is no connection, or who answers is no node.</exception>
    public override async Task<AssociationHandle> Associate(Address remoteAddress)
    {
        ArgumentNullException.ThrowIfNull(remoteAddress);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(_stopped);
        limit.CancelAfter(_timeout);
        string? refusal = null;
        Socket? socket = null;
        SslStream? stream = null;
        NodeLink? link = null;
        try
        {
            var address = await AddressOfAsync(remoteAddress.Host, limit.Token);
            socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            if (((IPEndPoint)_listener!.LocalEndPoint!).Address is var own && own.AddressFamily == address.AddressFamily) socket.Bind(new IPEndPoint(own, 0));
            await socket.ConnectAsync(new IPEndPoint(address, remoteAddress.Port!.Value), limit.Token);
            stream = new SslStream(new NetworkStream(socket, ownsSocket: true));
            await stream.AuthenticateAsClientAsync(_tls.ForCalled(r => refusal = r), limit.Token);
            return link = Begin(new NodeLink(_local!, remoteAddress, stream, (int)MaximumPayloadBytes, _log));
        }
        catch (Exception e) when (IsFailure(e))
        {
            if (refusal is not null) _strangers.Say($"{remoteAddress} is no node of this cluster: {refusal}");
            // Without the cause: the engine would end the node for one that is about certificates.
            throw new InvalidAssociationException(
                $"no connection to {remoteAddress}: {refusal ?? (e is OperationCanceledException ? $"not within {_timeout.TotalSeconds} s" : e.Message)}");
        }
        finally
        {
            if (link is null) await DisposeAsync(stream, socket);
        }
    }

    public override async Task<bool> Shutdown()
    {
        _listener?.Dispose();
        var links = _links.Keys.ToList();
        foreach (var link in links) link.Close();
        var closed = Task.WhenAll(links.Select(l => l.Closed));
        var isClosed = await Task.WhenAny(closed, Task.Delay(ShutdownPatience)) == closed;
        await _stop.CancelAsync();
        Dispose();
        return isClosed;
    }

    /// <summary>The engine calls <see cref="Shutdown"/>, which ends with it.</summary>
    public void Dispose()
    {
        _listener?.Dispose();
        _stop.Dispose();
    }

    private NodeLink Begin(NodeLink link)
    {
        _links.TryAdd(link, 0);
        _ = ForgetAsync(link);
        link.Begin(_stopped);
        return link;
    }

    private async Task ForgetAsync(NodeLink link)
    {
        await link.Closed;
        _links.TryRemove(link, out _);
    }

    private async Task AcceptAsync(Socket listener, Task<IAssociationEventListener> told)
    {
        try
        {
            var listening = await told.WaitAsync(_stopped);
            while (!_stopped.IsCancellationRequested)
                if (await NextAsync(listener) is { } socket)
                    _ = WatchAsync(AdmitAsync(socket, listening));
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException or SocketException)
        {
            if (!_stopped.IsCancellationRequested) _log.Debug("Listens no more: {0}", e.Message);
        }
    }

    /// <summary>What nobody waits for must not fail unheard.</summary>
    private async Task WatchAsync(Task admission)
    {
        await admission.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (admission.Exception is { InnerException: { } failure }) _failures.Say($"A caller could not be let in: {failure}");
    }

    /// <summary>Null: none could be taken, as when there are no file descriptors left; after a pause the next one may.</summary>
    private async Task<Socket?> NextAsync(Socket listener)
    {
        try
        {
            return await listener.AcceptAsync(_stopped);
        }
        catch (SocketException e) when (e.SocketErrorCode != SocketError.OperationAborted)
        {
            _failures.Say($"A connection of another node could not be taken: {e.Message}");
            await Task.Delay(AcceptPause, _stopped);
            return null;
        }
    }

    private async Task AdmitAsync(Socket socket, IAssociationEventListener listening)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(_stopped);
        limit.CancelAfter(_timeout);
        SslStream? stream = null;
        NodeLink? link = null;
        string? refusal = null;
        var caller = "somebody";
        try
        {
            var peer = (IPEndPoint)socket.RemoteEndPoint!;
            caller = peer.ToString();
            // Who waits in vain calls again.
            if (!_doorstep.TryEnter(peer.Address, limit)) return;
            socket.NoDelay = true;
            stream = new SslStream(new NetworkStream(socket, ownsSocket: true));
            await stream.AuthenticateAsServerAsync(_tls.ForCaller(r => refusal = r), limit.Token);
            var remote = new Address(SchemeIdentifier, System.Name, peer.Address.ToString(), peer.Port);
            link = Begin(new NodeLink(_local!, remote, stream, (int)MaximumPayloadBytes, _log));
            listening.Notify(new InboundAssociation(link));
        }
        catch (Exception e) when (IsFailure(e))
        {
            _refusals.Say($"{caller} is no node of this cluster: {refusal ?? "its handshake came to no end"}");
        }
        finally
        {
            _doorstep.Leave(limit);
            if (link is null) await DisposeAsync(stream, socket);
        }
    }

    /// <summary>What a peer, or a machine without descriptors, can bring about.</summary>
    private static bool IsFailure(Exception e) =>
        e is SocketException or IOException or AuthenticationException or CryptographicException or OperationCanceledException or ObjectDisposedException;

    private static async ValueTask DisposeAsync(SslStream? stream, Socket? socket)
    {
        if (stream is not null) await stream.DisposeAsync();
        socket?.Dispose();
    }

    /// <summary>Of several the first.</summary>
    private static async Task<IPAddress> AddressOfAsync(string host, CancellationToken limit)
    {
        if (IPAddress.TryParse(host, out var address)) return address;
        return (await Dns.GetHostAddressesAsync(host, limit)) is [var first, ..] ? first : throw new SocketException((int)SocketError.HostNotFound);
    }
}
