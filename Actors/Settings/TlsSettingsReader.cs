using System.Collections.Immutable;
using System.Net;

namespace ConfCluster.Actors.Settings;

/// <summary>The part of the settings under <c>sip.tls</c>.</summary>
internal static class TlsSettingsReader
{
    public static TlsSettings? Read(SettingsScope read, string dataDirectory)
    {
        var enabled = read.Switch("sip.tls.enabled");
        var settings = new TlsSettings(
            new IPEndPoint(read.Address("sip.tls.address"), read.Number("sip.tls.port", 0, 65535)), Certificates(read),
            Path.Combine(dataDirectory, "tls"),
            read.OneOf(
                "sip.tls.client-certificates", ("none", ClientCertificates.None), ("request", ClientCertificates.Request),
                ("require", ClientCertificates.Require)),
            OrNull(read.Text("sip.tls.trust")), read.Switch("sip.tls.verify-server"),
            read.Duration("sip.tls.handshake-timeout", TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(5)),
            read.Duration("sip.tls.reload-interval", TimeSpan.FromSeconds(1), TimeSpan.FromDays(1)));
        return enabled ? settings : null;
    }

    private static ImmutableArray<CertificateFiles> Certificates(SettingsScope read)
    {
        var (certificate, key, password) = (OrNull(read.Text("sip.tls.certificate")), OrNull(read.Text("sip.tls.key")), OrNull(read.Text("sip.tls.password-file")));
        var others = read.Texts("sip.tls.more-certificates");
        if (certificate is not null) return [new CertificateFiles(certificate, key, password), .. others.Select(o => new CertificateFiles(o, null, password))];
        if (key is not null || !others.IsEmpty) read.Refuse("sip.tls.certificate", "", "needed when sip.tls.key or sip.tls.more-certificates is set", 0);
        return [];
    }

    private static string? OrNull(string text) => text.Length == 0 ? null : text;
}
