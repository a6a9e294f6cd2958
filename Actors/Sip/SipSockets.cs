using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using ConfCluster.Actors.Settings;
using ConfCluster.Actors.Sip.Tls;
using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Transactions;

namespace ConfCluster.Actors.Sip;

/// <summary>The listeners of a node, and the Via that it writes (RFC 3261 §18.1.1, RFC 3581 §3).</summary>
internal sealed class SipSockets
{
    private readonly SipSettings _settings;
    private readonly SipIntake _intake;
    private readonly ConnectionTable _connections;
    private Pair<UdpListener> _udp;
    private Pair<StreamListener> _tcp;
    private Pair<StreamListener> _tls;
    private TlsCertificates? _certificates;
    private string? _refusal;

    private SipSockets(SipSettings settings, SipIntake intake, TimeProvider clock)
    {
        (_settings, _intake) = (settings, intake);
        _connections = new ConnectionTable(settings.MaxConnections, settings.Admission, settings.ConnectionIdleTimeout, clock);
    }

    /// <summary>Why nothing is bound, in a sentence for the operator; null when all is well.</summary>
    public string? Refusal => _refusal;

    /// <param name="warn">For what the operator should know of a certificate.</param>
    public static SipSockets Bind(SipSettings settings, SipIntake intake, TimeProvider clock, Action<string> warn)
    {
        var sockets = new SipSockets(settings, intake, clock);
        sockets._refusal = sockets.TryBind("UDP", settings.Udp, ref sockets._udp, at => new UdpListener(at, intake))
            ?? sockets.TryBindStream("TCP", settings.Tcp, ref sockets._tcp, new NoSecurity(), clock);
        if (sockets._refusal is null && settings.Tls is { } tls) sockets._refusal = sockets.BindTls(tls, clock, warn);
        if (sockets._refusal is not null) sockets.Close();
        return sockets;
    }

    public SipListening Listening(int transactions) => new(_udp.First?.Local, _tcp.First?.Local, transactions, _connections.Open, _refusal)
    {
        Tls = _tls.First?.Local,
        Second = _settings.SecondAddress is null ? null : new SecondListeners(_udp.Second?.Local, _tcp.Second?.Local, _tls.Second?.Local),
        Handshakes = _connections.Places - _connections.Open,
    };

    public void Start()
    {
        _udp.First?.Start();
        _udp.Second?.Start();
        foreach (var streams in new[] { _tcp, _tls })
        {
            streams.First?.Start();
            streams.Second?.Start();
        }
    }

    /// <param name="hasOtherWay">It can go as a datagram when nobody takes the connection, so that is not waited for as long.</param>
    public void Send(SipMessage message, SipFlow flow, TransactionKey? key, bool hasOtherWay = false)
    {
        if (!flow.IsReliable && _udp.For(flow) is { } udp) udp.Send(message, flow.Remote, key);
        else if (flow.IsReliable && StreamOf(flow) is { } listener) listener.Send(message, flow, key, hasOtherWay);
        else _intake.Unsent(key);
    }

    /// <summary>The same way over TCP: to the address and port where the peer takes datagrams (RFC 3261 §18.1.1); null: we have none.</summary>
    public SipFlow? Tcp(SipFlow flow) => _tcp.For(flow) is { } listener ? new SipFlow(SipTransport.Tcp, listener.Local, flow.Remote) : null;

    /// <summary>The request with our Via on top and a branch that was never used before.</summary>
    public SipRequest WithVia(SipRequest request, SipFlow flow)
    {
        var local = (flow.IsReliable ? StreamOf(flow)?.Local : _udp.For(flow)?.Local) ?? flow.Local;
        var host = _settings.AdvertisedFor(local.AddressFamily)
            ?? (local.AddressFamily == AddressFamily.InterNetworkV6 ? $"[{local.Address}]" : local.Address.ToString());
        request = SipNodeChoice.At(request, host, transport => transport switch
        {
            SipTransport.Udp => _udp.For(flow)?.Local.Port,
            SipTransport.Tcp => _tcp.For(flow)?.Local.Port,
            _ => _tls.For(flow)?.Local.Port,
        });
        var branch = Via.MagicCookie + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(12));
        var parameters = SipParameters.Empty.With("branch", branch).With("rport", null);
        // RFC 5923 §8.1: the peer may use the connection that we open for its requests to us. Only where we verify who it is.
        if (flow is { Transport: SipTransport.Tls, Connection: 0 } && _settings.Tls is { VerifyServer: true }) parameters = parameters.With("alias", null);
        var via = new Via(flow.Transport.ToString().ToUpperInvariant(), host, local.Port, parameters);
        return request with { Headers = request.Headers.Prepend("Via", via.ToString()) };
    }

    public void Sweep() => _connections.Sweep();

    public void Close()
    {
        _udp.Dispose();
        _tcp.Dispose();
        _tls.Dispose();
        _connections.Close();
        _certificates?.Dispose();
        (_udp, _tcp, _tls) = (default, default, default);
    }

    private StreamListener? StreamOf(SipFlow flow) => (flow.Transport == SipTransport.Tls ? _tls : _tcp).For(flow);

    private string? BindTls(TlsSettings settings, TimeProvider clock, Action<string> warn)
    {
        string?[] names =
        [
            _settings.Advertised, _settings.SecondAddress is { } second && !second.Equals(IPAddress.IPv6Any) ? second.ToString() : null,
            _settings.SecondAdvertised,
        ];
        _certificates = TlsCertificates.Open(settings, [.. names.OfType<string>()], clock, warn, out var problem);
        if (_certificates is null) return $"SIP over TLS has no certificate: {problem}.";
        return TryBindStream("TLS", settings.Listen, ref _tls, new TlsSecurity(settings, _certificates, clock, warn), clock);
    }

    private string? TryBindStream(string transport, IPEndPoint? at, ref Pair<StreamListener> pair, IStreamSecurity security, TimeProvider clock) =>
        TryBind(transport, at, ref pair, endPoint => new StreamListener(endPoint, security, _connections, _intake, clock));

    private string? TryBind<T>(string transport, IPEndPoint? at, ref Pair<T> pair, Func<IPEndPoint, T> bind)
        where T : class, IDisposable
    {
        (var first, var refusal) = TryBind(transport, at, bind);
        pair = new Pair<T>(first, null, at?.AddressFamily);
        if (refusal is not null || _settings.Second(at) is not { } beside) return refusal;
        (var second, refusal) = TryBind(transport, beside, bind);
        pair = pair with { Second = second };
        return refusal;
    }

    private static (T? Listener, string? Refusal) TryBind<T>(string transport, IPEndPoint? at, Func<IPEndPoint, T> bind)
        where T : class
    {
        if (at is null) return (null, null);
        try
        {
            return (bind(at), null);
        }
        catch (SocketException e)
        {
            var why = e.SocketErrorCode switch
            {
                SocketError.AddressAlreadyInUse => "another process listens there",
                SocketError.AddressNotAvailable => "no interface of this machine has that address",
                SocketError.AccessDenied => "this user may not open that port",
                _ => e.Message,
            };
            return (null, $"SIP cannot listen on {transport} {at}: {why}.");
        }
    }

    /// <summary>The listeners of one transport: the first, and one of the other family beside it.</summary>
    private readonly record struct Pair<T>(T? First, T? Second, AddressFamily? FirstFamily) : IDisposable
        where T : class, IDisposable
    {
        public T? For(SipFlow flow) => Second is not null && flow.Remote.AddressFamily != FirstFamily ? Second : First;

        public void Dispose()
        {
            First?.Dispose();
            Second?.Dispose();
        }
    }
}
