using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Sip.Messages;

namespace ConfCluster.Actors.Phone;

/// <summary>A softphone's sockets: SIP over UDP or one TCP or TLS connection, and an even RTP port with the next one for RTCP (RFC 3550 §11).</summary>
internal sealed class PhoneSockets : IMediaSink, IDisposable
{
    private const int PortAttempts = 64;

    private PhoneSockets(Socket sip, PhoneTls? tls, Socket rtp, Socket rtcp, SipFlow flow) => (Sip, Tls, Rtp, Rtcp, Flow) = (sip, tls, rtp, rtcp, flow);

    public Socket Sip { get; }

    /// <summary>What SIP is read from and written to in place of the socket; null: the socket itself.</summary>
    public PhoneTls? Tls { get; }

    /// <summary>Beside datagrams (RFC 3261 §18.2.1: the same port over TCP); null: SIP goes over a connection anyway.</summary>
    public PhoneStreams? Streams { get; private init; }

    public Socket Rtp { get; }

    public Socket Rtcp { get; }

    public SipFlow Flow { get; }

    public MediaAddress RtpAddress => MediaAddress.From((IPEndPoint)Rtp.LocalEndPoint!);

    public MediaAddress RtcpAddress => MediaAddress.From((IPEndPoint)Rtcp.LocalEndPoint!);

    /// <exception cref="SocketException">The target is not reachable, or there is no port.</exception>
    /// <exception cref="AuthenticationException">Over TLS: the server is not who it should be.</exception>
    public static async Task<PhoneSockets> OpenAsync(IPEndPoint target, SoftPhoneOptions options, CancellationToken stop)
    {
        var transport = options.Transport;
        var address = options.Local ?? AddressTowards(target);
        var (type, protocol) = transport == SipTransport.Udp ? (SocketType.Dgram, ProtocolType.Udp) : (SocketType.Stream, ProtocolType.Tcp);
        var sip = new Socket(target.AddressFamily, type, protocol);
        Socket? rtp = null, rtcp = null;
        try
        {
            sip.Bind(new IPEndPoint(address, 0));
            if (transport != SipTransport.Udp)
            {
                sip.NoDelay = true;
                await sip.ConnectAsync(target, stop).ConfigureAwait(false);
            }

            var tls = transport == SipTransport.Tls ? await PhoneTls.OpenAsync(sip, options, stop).ConfigureAwait(false) : null;
            (rtp, rtcp) = MediaPorts(address);
            sip.Blocking = tls is not null;
            rtp.Blocking = rtcp.Blocking = false;
            var flow = new SipFlow(transport, (IPEndPoint)sip.LocalEndPoint!, target, transport == SipTransport.Udp ? 0 : 1);
            return new PhoneSockets(sip, tls, rtp, rtcp, flow) { Streams = PhoneStreams.Beside(flow) };
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or AuthenticationException or IOException)
        {
            sip.Dispose();
            rtp?.Dispose();
            rtcp?.Dispose();
            throw;
        }
    }

    /// <summary>To be called over UDP: until a request has come, the remote address of the flow is our own.</summary>
    /// <exception cref="SocketException">The address is taken or not ours.</exception>
    public static PhoneSockets Listen(IPEndPoint at)
    {
        var sip = new Socket(at.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        try
        {
            sip.Bind(at);
            var (rtp, rtcp) = MediaPorts(at.Address);
            sip.Blocking = rtp.Blocking = rtcp.Blocking = false;
            var local = (IPEndPoint)sip.LocalEndPoint!;
            var flow = new SipFlow(SipTransport.Udp, local, local);
            return new PhoneSockets(sip, null, rtp, rtcp, flow) { Streams = PhoneStreams.Beside(flow) };
        }
        catch (SocketException)
        {
            sip.Dispose();
            throw;
        }
    }

    public void Send(int slot, bool rtcp, ReadOnlySpan<byte> packet, in MediaAddress to)
    {
        try
        {
            (rtcp ? Rtcp : Rtp).SendTo(packet, SocketFlags.None, to.ToEndPoint());
        }
        catch (SocketException)
        {
            // A full buffer or a refused port: a lost packet, like any other on the way.
        }
    }

    public void Dispose()
    {
        Tls?.Dispose();
        Streams?.Dispose();
        Sip.Dispose();
        Rtp.Dispose();
        Rtcp.Dispose();
    }

    /// <summary>The system's choice of source for that way; no packet is sent.</summary>
    internal static IPAddress AddressTowards(IPEndPoint target)
    {
        using var probe = new Socket(target.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        probe.Connect(target);
        return ((IPEndPoint)probe.LocalEndPoint!).Address;
    }

    private static (Socket Rtp, Socket Rtcp) MediaPorts(IPAddress address)
    {
        for (var attempt = 1; ; attempt++)
        {
            var rtp = new Socket(address.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
            var rtcp = new Socket(address.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
            try
            {
                rtp.Bind(new IPEndPoint(address, 0));
                var port = ((IPEndPoint)rtp.LocalEndPoint!).Port;
                if (port % 2 != 0) throw new SocketException((int)SocketError.AddressAlreadyInUse);
                rtcp.Bind(new IPEndPoint(address, port + 1));
                return (rtp, rtcp);
            }
            catch (SocketException)
            {
                rtp.Dispose();
                rtcp.Dispose();
                if (attempt == PortAttempts) throw;
            }
        }
    }
}
