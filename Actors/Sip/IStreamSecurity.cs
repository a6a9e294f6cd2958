using System.Net.Security;
using System.Net.Sockets;
using ConfCluster.Protocols.Sip.Authentication;
using ConfCluster.Protocols.Sip.Messages;

namespace ConfCluster.Actors.Sip;

/// <summary>What is done to a fresh connection before SIP flows over it. Null: it failed, was counted, and the socket is to be closed.</summary>
internal interface IStreamSecurity
{
    SipTransport Transport { get; }

    TimeSpan HandshakeTimeout { get; }

    Task<SecuredStream?> AcceptAsync(Socket socket, CancellationToken limit);

    /// <param name="name">Whom the connection must lead to.</param>
    Task<SecuredStream?> ConnectAsync(Socket socket, string name, CancellationToken limit);
}

/// <summary>A connection that SIP may flow over.</summary>
/// <param name="peer">The client's certificate, verified; null on connections of ours and when it sent none.</param>
/// <param name="proven">The names that the peer proved to own; null where nothing is proven.</param>
/// <param name="needsProof">Requests of ours take it for proven names only (RFC 5923 §9).</param>
/// <param name="isOurs">We opened it.</param>
internal sealed class SecuredStream(Stream stream, TlsPeer? peer, CertificateNames? proven, bool needsProof, bool isOurs)
{
    public Stream Stream => stream;

    public TlsPeer? Peer => peer;

    public bool MayCarry(SipMessage message) => !needsProof || ConnectionAlias.MayCarry(message, proven, isOurs);

    /// <summary>RFC 5923 §8.3: a closure alert ends a TLS connection; whoever does not take it within a second is not waited for.</summary>
    public async Task SayGoodbyeAsync()
    {
        if (stream is not SslStream tls) return;
        try
        {
            await tls.ShutdownAsync().WaitAsync(TimeSpan.FromSeconds(1));
        }
        catch (Exception e) when (e is TimeoutException or InvalidOperationException)
        {
            // A full buffer, or the stream has failed already.
        }
    }
}

/// <summary>TCP: nothing to be done.</summary>
internal sealed class NoSecurity : IStreamSecurity
{
    public SipTransport Transport => SipTransport.Tcp;

    public TimeSpan HandshakeTimeout => Timeout.InfiniteTimeSpan;

    public Task<SecuredStream?> AcceptAsync(Socket socket, CancellationToken limit) => Task.FromResult<SecuredStream?>(Of(socket));

    public Task<SecuredStream?> ConnectAsync(Socket socket, string name, CancellationToken limit) => Task.FromResult<SecuredStream?>(Of(socket));

    private static SecuredStream Of(Socket socket) => new(new NetworkStream(socket), null, null, needsProof: false, isOurs: false);
}
