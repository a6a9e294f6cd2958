using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Parsing;

namespace ConfCluster.Actors.Tests.Sip;

/// <summary>A SIP peer over TLS, client or server side; it keeps what certificate the node showed and judges nothing.</summary>
internal sealed class TlsPhone : SipPeer
{
    private readonly Socket _socket;
    private readonly SslStream _tls;
    private readonly SipFramer _framer = new();
    private readonly byte[] _buffer = new byte[16_384];

    private TlsPhone(Socket socket, SslStream tls) => (_socket, _tls) = (socket, tls);

    public override IPEndPoint Local => (IPEndPoint)_socket.LocalEndPoint!;

    public override string Transport => "TLS";

    public X509Certificate2 Shown => (X509Certificate2)_tls.RemoteCertificate!;

    public SslProtocols Version => _tls.SslProtocol;

    /// <exception cref="AuthenticationException">The handshake failed.</exception>
    public static TlsPhone Connect(
        IPEndPoint node, string name = "", X509Certificate2? certificate = null, SslProtocols versions = SslProtocols.None)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveTimeout = Patience, SendTimeout = Patience, NoDelay = true };
        socket.Connect(node);
        var tls = new SslStream(new NetworkStream(socket, ownsSocket: true));
        tls.AuthenticateAsClient(new SslClientAuthenticationOptions
        {
            TargetHost = name,
            EnabledSslProtocols = versions,
            ClientCertificateContext = certificate is null ? null : SslStreamCertificateContext.Create(certificate, null, offline: true),
            RemoteCertificateValidationCallback = (_, shown, _, _) => shown is not null,
        });
        return new TlsPhone(socket, tls);
    }

    /// <summary>The other side: takes one connection of the node.</summary>
    public static TlsPhone Accept(Socket listener, X509Certificate2 certificate)
    {
        var socket = listener.Accept();
        socket.ReceiveTimeout = Patience;
        var tls = new SslStream(new NetworkStream(socket, ownsSocket: true));
        // Or the test would fetch what the certificate names.
        var context = SslStreamCertificateContext.Create(certificate, null, offline: true);
        tls.AuthenticateAsServer(new SslServerAuthenticationOptions { ServerCertificateContext = context });
        return new TlsPhone(socket, tls);
    }

    public override void Send(ReadOnlySpan<byte> bytes) => _tls.Write(bytes);

    public override SipMessage Receive()
    {
        while (true)
        {
            if (_framer.Next(out var frame, out _) == SipFrameOutcome.Done) return Read(frame);
            var read = _tls.Read(_buffer);
            if (read == 0) throw new EndOfStreamException();
            _framer.Append(_buffer.AsSpan(0, read));
        }
    }

    /// <summary>Raw bytes; none when the node has closed.</summary>
    public byte[] ReceiveBytes() => _buffer.AsSpan(0, _tls.Read(_buffer)).ToArray();

    /// <summary>Whether the node has refused us, which TLS 1.3 tells a client only after its own side is done.</summary>
    public bool IsRefused()
    {
        try
        {
            return _tls.Read(_buffer) == 0;
        }
        catch (IOException)
        {
            return true;
        }
    }

    public override void Dispose()
    {
        _tls.Dispose();
        _socket.Dispose();
        _framer.Dispose();
    }
}
