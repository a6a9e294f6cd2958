using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using ConfCluster.Protocols.Sip.Messages;

namespace ConfCluster.Actors.Phone;

/// <summary>A server's address.</summary>
/// <param name="Host">What its certificate is for.</param>
internal readonly record struct PhoneTarget(IPEndPoint At, string Host);

/// <summary>A softphone's way to a server: a socket for datagrams, or a TCP or TLS connection.</summary>
internal sealed class PhoneWay(Socket sip, PhoneTls? tls, SipFlow flow) : IDisposable
{
    public Socket Sip => sip;

    /// <summary>What SIP is read from and written to in place of the socket; null: the socket itself.</summary>
    public PhoneTls? Tls => tls;

    public SipFlow Flow => flow;

    /// <summary>The same socket, to another server.</summary>
    public PhoneWay To(IPEndPoint remote) => new(sip, tls, flow with { Remote = remote });

    /// <exception cref="SocketException">The target is not reachable, or there is no port.</exception>
    /// <exception cref="AuthenticationException">Over TLS: the server is not who it should be.</exception>
    public static async Task<PhoneWay> OpenAsync(PhoneTarget target, SoftPhoneOptions options, CancellationToken stop)
    {
        var transport = options.Transport;
        var address = options.Local ?? PhoneSockets.AddressTowards(target.At);
        var (type, protocol) = transport == SipTransport.Udp ? (SocketType.Dgram, ProtocolType.Udp) : (SocketType.Stream, ProtocolType.Tcp);
        var socket = new Socket(target.At.AddressFamily, type, protocol);
        try
        {
            socket.Bind(new IPEndPoint(address, 0));
            if (transport != SipTransport.Udp)
            {
                socket.NoDelay = true;
                await socket.ConnectAsync(target.At, stop).ConfigureAwait(false);
            }

            var secured = transport == SipTransport.Tls ? await PhoneTls.OpenAsync(socket, options, target.Host, stop).ConfigureAwait(false) : null;
            socket.Blocking = secured is not null;
            return new PhoneWay(socket, secured, new SipFlow(transport, (IPEndPoint)socket.LocalEndPoint!, target.At, transport == SipTransport.Udp ? 0 : 1));
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or AuthenticationException or IOException)
        {
            socket.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        tls?.Dispose();
        sip.Dispose();
    }
}
