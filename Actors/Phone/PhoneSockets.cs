using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Parsing;

namespace ConfCluster.Actors.Phone;

/// <summary>A softphone's sockets: SIP over UDP or one TCP or TLS connection, and an even RTP port with the next one for RTCP (RFC 3550 §11).</summary>
internal sealed class PhoneSockets : IMediaSink, IDisposable
{
    private const int PortAttempts = 64;

    private PhoneWay _way;

    private PhoneSockets(PhoneWay way, Socket rtp, Socket rtcp) => (_way, Rtp, Rtcp) = (way, rtp, rtcp);

    public PhoneWay Way => _way;

    public Socket Sip => _way.Sip;

    /// <summary>What SIP is read from and written to in place of the socket; null: the socket itself.</summary>
    public PhoneTls? Tls => _way.Tls;

    /// <summary>Beside datagrams (RFC 3261 §18.2.1: the same port over TCP); null: SIP goes over a connection anyway.</summary>
    public PhoneStreams? Streams { get; private init; }

    public Socket Rtp { get; }

    public Socket Rtcp { get; }

    public SipFlow Flow => _way.Flow;

    public MediaAddress RtpAddress => MediaAddress.From((IPEndPoint)Rtp.LocalEndPoint!);

    public MediaAddress RtcpAddress => MediaAddress.From((IPEndPoint)Rtcp.LocalEndPoint!);

    /// <exception cref="SocketException">The target is not reachable, or there is no port.</exception>
    /// <exception cref="AuthenticationException">Over TLS: the server is not who it should be.</exception>
    public static async Task<PhoneSockets> OpenAsync(PhoneTarget target, SoftPhoneOptions options, CancellationToken stop)
    {
        var way = await PhoneWay.OpenAsync(target, options, stop).ConfigureAwait(false);
        try
        {
            var (rtp, rtcp) = MediaPorts(way.Flow.Local.Address);
            rtp.Blocking = rtcp.Blocking = false;
            return new PhoneSockets(way, rtp, rtcp) { Streams = PhoneStreams.Beside(way.Flow) };
        }
        catch (SocketException)
        {
            way.Dispose();
            throw;
        }
    }

    /// <summary>SIP goes another way from now on; media stays.</summary>
    public void Take(PhoneWay way)
    {
        if (way.Sip != _way.Sip) _way.Dispose();
        _way = way;
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
            return new PhoneSockets(new PhoneWay(sip, null, flow), rtp, rtcp) { Streams = PhoneStreams.Beside(flow) };
        }
        catch (SocketException)
        {
            sip.Dispose();
            throw;
        }
    }

    /// <summary>False: nobody takes it.</summary>
    public bool TrySend(SipMessage message, SipFlow flow)
    {
        var bytes = SipWriter.ToBytes(message);
        try
        {
            if (Tls is { } tls) return tls.TrySend(bytes);
            if (flow.IsReliable && Streams is { } streams) return streams.TrySend(bytes, flow);
            if (!flow.IsReliable) return Sip.SendTo(bytes, flow.Remote) == bytes.Length;
            for (var sent = 0; sent < bytes.Length;)
            {
                // The connection is ours alone and its buffer larger than any message of ours; still, wait rather than cut one.
                if (!Sip.Poll(TimeSpan.FromSeconds(1), SelectMode.SelectWrite)) return false;
                sent += Sip.Send(bytes.AsSpan(sent));
            }

            return true;
        }
        catch (SocketException)
        {
            return false;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(bytes);
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
        Streams?.Dispose();
        _way.Dispose();
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
