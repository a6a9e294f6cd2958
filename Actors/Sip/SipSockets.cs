using System.Net;
using System.Security.Cryptography;
using ConfCluster.Actors.Settings;
using ConfCluster.Protocols.Sip.Messages;

namespace ConfCluster.Actors.Sip;

/// <summary>The listeners of a node, and the Via that it writes (RFC 3261 §18.1.1, RFC 3581 §3).</summary>
internal sealed class SipSockets
{
    private readonly UdpListener? _udp;
    private readonly TcpListener? _tcp;
    private readonly string? _advertised;

    /// <exception cref="System.Net.Sockets.SocketException">An address is taken or not ours; nothing stays bound.</exception>
    public SipSockets(SipSettings settings, SipIntake intake, TimeProvider clock)
    {
        _advertised = settings.Advertised;
        try
        {
            _udp = settings.Udp is { } udp ? new UdpListener(udp, intake) : null;
            _tcp = settings.Tcp is { } tcp ? new TcpListener(tcp, settings.MaxConnections, settings.ConnectionIdleTimeout, intake, clock) : null;
        }
        catch (System.Net.Sockets.SocketException)
        {
            Close();
            throw;
        }
    }

    public IPEndPoint? Udp => _udp?.Local;

    public IPEndPoint? Tcp => _tcp?.Local;

    public int ConnectionCount => _tcp?.ConnectionCount ?? 0;

    public void Start()
    {
        _udp?.Start();
        _tcp?.Start();
    }

    public void Send(SipMessage message, SipFlow flow)
    {
        if (flow.IsReliable) _tcp?.Send(message, flow);
        else _udp?.Send(message, flow.Remote);
    }

    /// <summary>The request with our Via on top and a branch that was never used before.</summary>
    public SipRequest WithVia(SipRequest request, SipFlow flow)
    {
        var local = (flow.IsReliable ? Tcp : Udp) ?? flow.Local;
        var host = _advertised ?? (local.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6 ? $"[{local.Address}]" : local.Address.ToString());
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
}
