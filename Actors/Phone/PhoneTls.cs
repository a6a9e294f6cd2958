using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ConfCluster.Actors.Sip.Tls;

namespace ConfCluster.Actors.Phone;

/// <summary>
/// The softphone's TLS connection (RFC 3261 §26.3.1, RFC 5922 §7.3): a task reads it, the phone's thread takes what came and writes.
/// </summary>
internal sealed class PhoneTls : IDisposable
{
    private readonly SslStream _stream;
    private readonly ConcurrentQueue<byte[]> _pieces = new();
    private volatile bool _ended;

    private PhoneTls(SslStream stream) => _stream = stream;

    /// <summary>Something came, or the end.</summary>
    public bool HasMore => !_pieces.IsEmpty || _ended;

    /// <exception cref="AuthenticationException">The server did not prove to be that name, or there was no handshake.</exception>
    /// <exception cref="IOException">The connection broke.</exception>
    public static async Task<PhoneTls> OpenAsync(Socket socket, SoftPhoneOptions options, string host, CancellationToken stop)
    {
        X509Certificate2Collection? trust = null;
        if (options.TlsTrust is { } file)
        {
            if (!CertificateLoader.TryLoad([], file, out var material, out var problem)) throw new AuthenticationException(problem);
            trust = material!.Trust;
        }

        var stream = new SslStream(new NetworkStream(socket));
        var verdict = new PeerVerdict();
        try
        {
            await stream.AuthenticateAsClientAsync(Options(options, host, trust, verdict), stop).ConfigureAwait(false);
        }
        catch (AuthenticationException) when (verdict.Failure is { } failure)
        {
            throw new AuthenticationException($"the server's certificate is refused: {failure}");
        }

        var tls = new PhoneTls(stream);
        _ = tls.ReadAsync();
        return tls;
    }

    /// <summary>The next piece; 0: the connection has ended.</summary>
    public int Take(Span<byte> buffer)
    {
        if (!_pieces.TryDequeue(out var piece)) return 0;
        piece.CopyTo(buffer);
        CryptographicOperations.ZeroMemory(piece);
        return piece.Length;
    }

    public bool TrySend(ReadOnlySpan<byte> bytes)
    {
        try
        {
            _stream.Write(bytes);
            return true;
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            return false;
        }
    }

    public void Dispose() => _stream.Dispose();

    private static SslClientAuthenticationOptions Options(SoftPhoneOptions options, string host, X509Certificate2Collection? trust, PeerVerdict verdict)
    {
        var policy = new X509ChainPolicy { RevocationMode = X509RevocationMode.NoCheck };
        if (trust is not null)
        {
            policy.TrustMode = X509ChainTrustMode.CustomRootTrust;
            policy.CustomTrustStore.AddRange(trust);
        }

        return new SslClientAuthenticationOptions
        {
            // RFC 6066 §3: no literal addresses in SNI.
            TargetHost = IPAddress.TryParse(host, out _) ? "" : host,
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
            CertificateChainPolicy = policy,
            RemoteCertificateValidationCallback = (_, certificate, _, errors) => verdict.OfServer(certificate, errors, host, !options.TlsInsecure),
        };
    }

    private async Task ReadAsync()
    {
        var buffer = new byte[16_384];
        try
        {
            while (await _stream.ReadAsync(buffer).ConfigureAwait(false) is > 0 and var read)
            {
                _pieces.Enqueue(buffer.AsSpan(0, read).ToArray());
                CryptographicOperations.ZeroMemory(buffer.AsSpan(0, read));
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            // The call is over, or will be told so.
        }

        _ended = true;
    }
}
