using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using ConfCluster.Actors.Settings;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Transactions;

namespace ConfCluster.Actors.Sip;

/// <summary>The listeners of a node, and the Via that it writes (RFC 3261 §18.1.1, RFC 3581 §3).</summary>
internal sealed class SipSockets
{
    private readonly UdpListener? _udp;
    private readonly TcpListener? _tcp;
    private readonly string? _advertised;
    private readonly SipIntake _intake;

    private SipSockets(UdpListener? udp, TcpListener? tcp, string? advertised, SipIntake intake) =>
        (_udp, _tcp, _advertised, _intake) = (udp, tcp, advertised, intake);

    /// <summary>Why nothing is bound, in a sentence for the operator; null when all is well.</summary>
    public string? Refusal { get; private init; }

    public IPEndPoint? Udp => _udp?.Local;

    public IPEndPoint? Tcp => _tcp?.Local;

    public int ConnectionCount => _tcp?.ConnectionCount ?? 0;

    public static SipSockets Bind(SipSettings settings, SipIntake intake, TimeProvider clock)
    {
        var (udp, refusal) = TryBind("UDP", settings.Udp, at => new UdpListener(at, intake));
        if (refusal is not null) return new SipSockets(null, null, settings.Advertised, intake) { Refusal = refusal };
        (var tcp, refusal) = TryBind(
            "TCP", settings.Tcp, at => new TcpListener(at, settings.MaxConnections, settings.ConnectionIdleTimeout, intake, clock));
        if (refusal is null) return new SipSockets(udp, tcp, settings.Advertised, intake);
        udp?.Dispose();
        return new SipSockets(null, null, settings.Advertised, intake) { Refusal = refusal };
    }

    public void Start()
    {
        _udp?.Start();
        _tcp?.Start();
    }

    public void Send(SipMessage message, SipFlow flow, TransactionKey? key)
    {
        if (flow.IsReliable && _tcp is not null) _tcp.Send(message, flow, key);
        else if (!flow.IsReliable && _udp is not null) _udp.Send(message, flow.Remote, key);
        else _intake.Unsent(key);
    }

    /// <summary>The request with our Via on top and a branch that was never used before.</summary>
    public SipRequest WithVia(SipRequest request, SipFlow flow)
    {
        var local = (flow.IsReliable ? Tcp : Udp) ?? flow.Local;
        var host = _advertised ?? (local.AddressFamily == AddressFamily.InterNetworkV6 ? $"[{local.Address}]" : local.Address.ToString());
        var branch = Via.MagicCookie + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(12));
        var via = new Via(flow.IsReliable ? "TCP" : "UDP", host, local.Port, SipParameters.Empty.With("branch", branch).With("rport", null));
        return request with { Headers = request.Headers.Prepend("Via", via.ToString()) };
    }

    public void Sweep() => _tcp?.Sweep();

    public void Close()
    {
        _udp?.Dispose();
        _tcp?.Dispose();
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
}
