using System.Collections.Immutable;
using System.Net;
using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.Mikey;
using ConfCluster.Protocols.Mikey.Kms;
using ConfCluster.Protocols.Sip.Admission;

namespace ConfCluster.Actors.Settings;

/// <summary>This node as a key management server.</summary>
/// <param name="KeyFile">Wraps the users' keys, and ticket protection keys come from it; the same on all KMS nodes.</param>
/// <param name="Rate">Messages of one source.</param>
public sealed record KmsSettings(bool IsEnabled, KmsRules Rules, string UserFile, string KeyFile, string AuditFile, BucketRate Rate, int MaxReplays)
{
    /// <summary>For users with certificates: the KMS's own RSA certificate and key, and the roots of theirs. Null: there are no such users.</summary>
    public (string Certificate, string Key, string Trust)? Rsa { get; init; }

    /// <summary>POST /mikey over HTTPS; null: over the node's own HTTP only.</summary>
    public TlsSettings? Https { get; init; }

    /// <summary>Further hosts of a certificate that the node makes for that.</summary>
    public ImmutableArray<string> HttpsNames { get; init; } = [];

    internal static KmsSettings Read(SettingsScope read, string dataDirectory)
    {
        var identity = read.Text("kms.identity");
        if (!KmsUserTable.IsName(identity)) read.Refuse("kms.identity", identity, "a URI", "");
        return new KmsSettings(
            read.Switch("kms.enabled"),
            new KmsRules(
                Identity.Uri(identity), read.Duration("kms.max-ticket-validity", TimeSpan.FromMinutes(1), TimeSpan.FromDays(30)),
                read.Duration("kms.ticket-key-period", TimeSpan.FromMinutes(1), TimeSpan.FromDays(365))),
            PathOf(read, "kms.user-file", dataDirectory, "users"), PathOf(read, "kms.key-file", dataDirectory, "key"),
            PathOf(read, "kms.audit-file", dataDirectory, "audit.jsonl"),
            new BucketRate(read.Number("kms.rate", 1, 1_000_000), read.Number("kms.burst", 1, 1_000_000)), read.Number("kms.max-replays", 100, 10_000_000))
        {
            Rsa = Three(read, "kms.certificate-file", "kms.certificate-key-file", "kms.trust-file"),
            Https = ReadHttps(read, dataDirectory),
            HttpsNames = read.Texts("kms.https.names"),
        };
    }

    private static TlsSettings? ReadHttps(SettingsScope read, string dataDirectory)
    {
        var (certificate, key, password) = (read.Text("kms.https.certificate"), read.Text("kms.https.key"), read.Text("kms.https.password-file"));
        if (certificate.Length == 0 && key.Length > 0) read.Refuse("kms.https.certificate", certificate, "needed when kms.https.key is set", 0);
        var isOn = read.Switch("kms.https.enabled");
        var settings = new TlsSettings(
            new IPEndPoint(read.Address("kms.https.address"), read.Number("kms.https.port", 1, 65535)),
            certificate.Length == 0 ? [] : [new CertificateFiles(certificate, OrNull(key), OrNull(password))], Path.Combine(dataDirectory, "kms", "tls"),
            ClientCertificates.None, Trust: null, VerifyServer: false,
            read.Duration("kms.https.handshake-timeout", TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(5)),
            read.Duration("kms.https.reload-interval", TimeSpan.FromSeconds(1), TimeSpan.FromDays(1)));
        return isOn ? settings : null;
    }

    private static string? OrNull(string text) => text.Length == 0 ? null : text;

    /// <summary>All or none.</summary>
    internal static (string, string, string)? Three(SettingsScope read, string first, string second, string third)
    {
        var (a, b, c) = (read.Text(first), read.Text(second), read.Text(third));
        if (a.Length == 0 && b.Length == 0 && c.Length == 0) return null;
        foreach (var (path, file) in new[] { (first, a), (second, b), (third, c) })
            if (file.Length == 0)
                read.Refuse(path, file, $"a file, since one of {first}, {second} and {third} is set", "");
        return (a, b, c);
    }

    private static string PathOf(SettingsScope read, string path, string dataDirectory, string name)
    {
        var file = read.Text(path);
        return file.Length > 0 ? file : Path.Combine(dataDirectory, "kms", name);
    }
}

/// <summary>The focus as a user of a KMS.</summary>
/// <param name="Url">Null: no KMS, so offers with a=key-mgmt are refused.</param>
/// <param name="Identity">Whom the KMS knows the focus as.</param>
/// <param name="Kms">Whom the focus knows the KMS as.</param>
public sealed record KmsUserSettings(Uri? Url, string Identity, string Kms, string PskFile, TimeSpan Timeout, int MaxReplays)
{
    /// <summary>Further nodes of the same KMS.</summary>
    public ImmutableArray<Uri> Others { get; init; } = [];

    /// <summary>RFC 3830 §5.4: how far clocks may differ.</summary>
    public TimeSpan Skew { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>In place of the pre-shared key: the focus's RSA certificate and key, and the certificate of the KMS.</summary>
    public (string Certificate, string Key, string Kms)? Rsa { get; init; }

    /// <summary>After the KMS could not be reached: how long it is asked for no ticket.</summary>
    public TimeSpan Pause { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Roots that the KMS's certificate must lead to; empty: those of the system.</summary>
    public string TlsTrust { get; init; } = "";

    /// <summary>Of our own first offers.</summary>
    public TicketOffers Offers { get; init; }

    internal static KmsUserSettings Read(SettingsScope read)
    {
        var mayBePlain = read.Switch("kms-user.allow-http");
        var url = UrlOf(read, "kms-user.url", read.Text("kms-user.url"), mayBePlain);
        var isUrl = url is not null;
        var others = read.Texts("kms-user.other-urls");
        if (!isUrl && others.Length > 0) read.Refuse("kms-user.other-urls", others[0], "none without kms-user.url", 0);
        var (identity, kms) = (read.Text("kms-user.identity"), read.Text("kms-user.kms-identity"));
        if (!KmsUserTable.IsName(identity)) read.Refuse("kms-user.identity", identity, "a URI", "");
        if (!KmsUserTable.IsName(kms)) read.Refuse("kms-user.kms-identity", kms, "a URI", "");
        var file = read.Text("kms-user.psk-file");
        var rsa = KmsSettings.Three(read, "kms-user.certificate-file", "kms-user.certificate-key-file", "kms-user.kms-certificate-file");
        if (isUrl && file.Length == 0 && rsa is null) read.Refuse("kms-user.psk-file", file, "a file, when kms-user.url is set and no certificate is", "");
        return new KmsUserSettings(
            url, identity, kms, file, read.Duration("kms-user.timeout", TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(30)),
            read.Number("kms-user.max-replays", 100, 10_000_000))
        {
            Others = [.. others.Select(o => UrlOf(read, "kms-user.other-urls", o, mayBePlain)).OfType<Uri>()],
            Rsa = rsa,
            Pause = read.Duration("kms-user.pause", TimeSpan.Zero, TimeSpan.FromHours(1)),
            TlsTrust = read.Text("kms-user.tls-trust-file"),
            Offers = read.OneOf("kms-user.offers", ("never", TicketOffers.Never), ("beside", TicketOffers.Beside), ("only", TicketOffers.Only)),
        };
    }

    /// <summary>Null: empty, or refused.</summary>
    private static Uri? UrlOf(SettingsScope read, string path, string text, bool mayBePlain)
    {
        if (text.Length == 0) return null;
        if (!Uri.TryCreate(text, UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https"))
        {
            read.Refuse(path, text, "an http or https URL, or empty", 0);
            return null;
        }

        if (!mayBePlain && !KmsUrl.IsProtected(url))
            read.Refuse(path, text, "https, or http to this machine; to ask in the clear, set confcluster.kms-user.allow-http = on", 0);
        return url;
    }
}
