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
/// <param name="warn">Hears why a server that we called was not trusted. Clients are only counted: anybody can be a bad one, as often as it likes.</param>
internal sealed class TlsSecurity(TlsSettings settings, TlsCertificates certificates, TimeProvider clock, Action<string> warn) : IStreamSecurity
{
    private const SslProtocols Versions = SslProtocols.Tls12 | SslProtocols.Tls13;

    public SipTransport Transport => SipTransport.Tls;

    public TimeSpan HandshakeTimeout => settings.HandshakeTimeout;

    public async Task<SecuredStream?> AcceptAsync(Socket socket, CancellationToken limit)
    {
        var verdict = new PeerVerdict();
        return (await RunAsync(socket, verdict, Server, isOurs: false, needsProof: true, limit)).Stream;

        Task Server(SslStream tls) =>
            tls.AuthenticateAsServerAsync((_, hello, _, _) => ValueTask.FromResult(ServerOptions(hello.ServerName, verdict)), null, limit);
    }

    public async Task<SecuredStream?> ConnectAsync(Socket socket, string name, CancellationToken limit)
    {
        var verdict = new PeerVerdict();
        var options = ClientOptions(name, verdict);
        var (secured, failure) = await RunAsync(
            socket, verdict, tls => tls.AuthenticateAsClientAsync(options, limit), isOurs: true, needsProof: settings.VerifyServer, limit);
        if (secured is null) warn($"no TLS with the server {name}: {Sentence(failure)}");
        return secured;
    }

    private static string Sentence(HandshakeFailure failure) => failure switch
    {
        HandshakeFailure.TimedOut => "its handshake took longer than sip.tls.handshake-timeout.",
        HandshakeFailure.Closed => "it closed the connection in the handshake.",
        HandshakeFailure.Protocol => "it speaks no TLS 1.2 or newer that we do, or refuses us.",
        HandshakeFailure.Untrusted => "its certificate is not valid, or leads to no root in sip.tls.trust.",
        HandshakeFailure.NoCertificate => "it shows no certificate.",
        HandshakeFailure.WrongName => "its certificate is valid but does not have this name (RFC 5922 §7.3).",
        _ => throw new InvalidOperationException($"no sentence for {failure}"),
    };

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
        var policy = new X509ChainPolicy
        {
            RevocationMode = X509RevocationMode.NoCheck,
            // A certificate may name addresses (RFC 5280 §4.2.2.1), and whoever shows it may be anybody: the handshake would wait for what is fetched there.
            DisableCertificateDownloads = true,
            VerificationTime = clock.GetUtcNow().LocalDateTime,
        };
        if (current.Trust is not { } trust) return policy;
        policy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        policy.CustomTrustStore.AddRange(trust);
        return policy;
    }

    private static async Task<(SecuredStream? Stream, HandshakeFailure Failure)> RunAsync(
        Socket socket, PeerVerdict verdict, Func<SslStream, Task> handshake, bool isOurs, bool needsProof, CancellationToken limit)
    {
        var tls = new SslStream(new NetworkStream(socket));
        HandshakeFailure failure;
        try
        {
            await handshake(tls);
            return (new SecuredStream(tls, isOurs ? null : verdict.TlsPeer(), verdict.Names, needsProof, isOurs), default);
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
        return (null, failure);
    }
}
