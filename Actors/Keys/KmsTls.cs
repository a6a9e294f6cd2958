using System.Net.Security;
using System.Security.Authentication;
using ConfCluster.Actors.Settings;
using ConfCluster.Actors.Sip.Tls;

namespace ConfCluster.Actors.Keys;

/// <summary>The KMS's side of HTTPS: TLS 1.2 and newer, with a certificate that was given or that the node makes, looked at again at an interval.</summary>
public sealed class KmsTls : IDisposable
{
    private readonly TlsCertificates _certificates;

    private KmsTls(TlsCertificates certificates) => _certificates = certificates;

    /// <summary>Null, with a sentence, when there is no certificate.</summary>
    /// <param name="warn">For what the operator should know of the certificate.</param>
    public static KmsTls? Open(KmsSettings settings, TimeProvider clock, Action<string> warn, out string problem)
    {
        ArgumentNullException.ThrowIfNull(settings);
        var certificates = TlsCertificates.Open(settings.Https!, settings.HttpsNames, clock, warn, out problem);
        if (certificates is not null) return new KmsTls(certificates);
        problem = $"The KMS has no certificate for HTTPS: {problem}.";
        return null;
    }

    /// <summary>For one handshake.</summary>
    /// <param name="serverName">The name that the client asked for (RFC 6066 §3); empty: none.</param>
    public SslServerAuthenticationOptions OptionsFor(string serverName) => new()
    {
        EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
        ServerCertificateContext = _certificates.Current.ChooseFor(serverName),
    };

    public void Dispose() => _certificates.Dispose();
}
