using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using ConfCluster.Actors.Settings;
using ConfCluster.Protocols.Sip.Authentication;

namespace ConfCluster.Actors.Sip.Tls;

/// <summary>Why a handshake came to nothing.</summary>
internal enum HandshakeFailure : byte
{
    /// <summary>Not done within the time limit.</summary>
    TimedOut,

    /// <summary>The connection broke, or the peer refused us without a word.</summary>
    Closed,

    /// <summary>No TLS, a version below 1.2, no cipher in common, or an alert of the peer.</summary>
    Protocol,

    /// <summary>A certificate that leads to no trusted root, is out of date, or is not made for this use.</summary>
    Untrusted,

    /// <summary>None was sent, and one is required.</summary>
    NoCertificate,

    /// <summary>RFC 5922 §7.3: a good certificate of somebody else.</summary>
    WrongName,
}

/// <summary>What one handshake learned about its peer's certificate.</summary>
internal sealed class PeerVerdict
{
    private string _subject = "";

    /// <summary>Why the peer was refused; null while it was not.</summary>
    public HandshakeFailure? Failure { get; private set; }

    /// <summary>The names of a certificate that was verified.</summary>
    public CertificateNames? Names { get; private set; }

    public TlsPeer? TlsPeer() => Names is { } names ? new TlsPeer(names.Uris, names.DnsNames, _subject) : null;

    public bool OfClient(X509Certificate? certificate, SslPolicyErrors errors, ClientCertificates mode)
    {
        if (certificate is null) return mode != ClientCertificates.Require || Fail(HandshakeFailure.NoCertificate);
        // One that nobody asked for proves nothing.
        if (mode == ClientCertificates.None) return true;
        return Take(certificate, errors);
    }

    /// <summary>RFC 5922 §7.3. The name is compared here, since SslStream would allow wildcards.</summary>
    public bool OfServer(X509Certificate? certificate, SslPolicyErrors errors, string name, bool verify)
    {
        if (!verify) return true;
        if (certificate is null) return Fail(HandshakeFailure.NoCertificate);
        if (!Take(certificate, errors & ~SslPolicyErrors.RemoteCertificateNameMismatch)) return false;
        return DomainIdentity.Authenticates(Names!, name) || Fail(HandshakeFailure.WrongName);
    }

    private bool Take(X509Certificate certificate, SslPolicyErrors errors)
    {
        if (errors != SslPolicyErrors.None) return Fail(HandshakeFailure.Untrusted);
        (Names, _subject) = (CertificateLoader.NamesOf((X509Certificate2)certificate), certificate.Subject);
        return true;
    }

    private bool Fail(HandshakeFailure reason)
    {
        (Failure, Names) = (reason, null);
        return false;
    }
}
