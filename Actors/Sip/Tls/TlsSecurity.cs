using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using ConfCluster.Actors.Settings;
using ConfCluster.Protocols.Sip.Authentication;
using ConfCluster.Protocols.Sip.Messages;

namespace ConfCluster.Actors.Sip.Tls;

/// <summary>
/// The TLS handshake of both sides (RFC 3261 §26.3.1, RFC 5922 §7): TLS 1.2 and newer, our certificate by the name that the client asked
/// for, the peer's verified. Left out: revocation lists, the id-kp-sipDomain usage, renegotiation, which is refused.
/// </summary>
internal sealed class TlsSecurity(TlsSettings settings, TlsCertificates certificates, TimeProvider clock) : IStreamSecurity
{
    private const SslProtocols Versions = SslProtocols.Tls12 | SslProtocols.Tls13;

    public SipTransport Transport => SipTransport.Tls;

    public TimeSpan HandshakeTimeout => settings.HandshakeTimeout;

    public Task<SecuredStream?> AcceptAsync(Socket socket, CancellationToken limit)
    {
        var verdict = new PeerVerdict();
        return RunAsync(socket, verdict, Server, isOurs: false, needsProof: true, limit);

        Task Server(SslStream tls) =>
            tls.AuthenticateAsServerAsync((_, hello, _, _) => ValueTask.FromResult(ServerOptions(hello.ServerName, verdict)), null, limit);
    }

    public Task<SecuredStream?> ConnectAsync(Socket socket, string name, CancellationToken limit)
    {
        var verdict = new PeerVerdict();
        var options = ClientOptions(name, verdict);
        return RunAsync(socket, verdict, tls => tls.AuthenticateAsClientAsync(options, limit), isOurs: true, needsProof: settings.VerifyServer, limit);
    }

    private SslServerAuthenticationOptions ServerOptions(string serverName, PeerVerdict verdict)
    {
        var current = certificates.Current;
        var asks = settings.ClientCertificates != ClientCertificates.None;
        return new SslServerAuthenticationOptions
        {
            EnabledSslProtocols = Versions,
            ServerCertificateContext = current.ChooseFor(serverName),
            ClientCertificateRequired = asks,
            CertificateChainPolicy = Policy(current),
            AllowRenegotiation = false,
            // A resumed session would stand on a verification under a trust file that may have changed since.
            AllowTlsResume = !asks,
            RemoteCertificateValidationCallback = (_, certificate, _, errors) => verdict.OfClient(certificate, errors, settings.ClientCertificates),
        };
    }

    private SslClientAuthenticationOptions ClientOptions(string name, PeerVerdict verdict)
    {
        var current = certificates.Current;
        var host = name.Trim('[', ']');
        return new SslClientAuthenticationOptions
        {
            // RFC 6066 §3: no literal addresses in SNI.
            TargetHost = System.Net.IPAddress.TryParse(host, out _) ? "" : host,
            EnabledSslProtocols = Versions,
            ClientCertificateContext = current.ChooseFor(""),
            CertificateChainPolicy = Policy(current),
            AllowTlsResume = false,
            RemoteCertificateValidationCallback = (_, certificate, _, errors) => verdict.OfServer(certificate, errors, name, settings.VerifyServer),
        };
    }

    private X509ChainPolicy Policy(TlsMaterial current)
    {
        var policy = new X509ChainPolicy { RevocationMode = X509RevocationMode.NoCheck, VerificationTime = clock.GetUtcNow().LocalDateTime };
        if (current.Trust is not { } trust) return policy;
        policy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        policy.CustomTrustStore.AddRange(trust);
        return policy;
    }

    private static async Task<SecuredStream?> RunAsync(
        Socket socket, PeerVerdict verdict, Func<SslStream, Task> handshake, bool isOurs, bool needsProof, CancellationToken limit)
    {
        var tls = new SslStream(new NetworkStream(socket));
        HandshakeFailure failure;
        try
        {
            await handshake(tls);
            return new SecuredStream(tls, isOurs ? null : verdict.TlsPeer(), verdict.Names, needsProof, isOurs);
        }
        catch (AuthenticationException)
        {
            failure = verdict.Failure ?? HandshakeFailure.Protocol;
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested)
        {
            failure = HandshakeFailure.TimedOut;
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException)
        {
            failure = verdict.Failure ?? HandshakeFailure.Closed;
        }

        SipCounters.HandshakeFailed(failure);
        await tls.DisposeAsync();
        return null;
    }
}
