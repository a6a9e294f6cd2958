using System.Security.Cryptography.X509Certificates;
using ConfCluster.Actors.Settings;
using Xunit;

namespace ConfCluster.Actors.Tests.Sip;

/// <summary>Which certificate the node shows, from where, and for how long.</summary>
public sealed class TlsCertificateTests : TlsScene
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(30);

    [Theory]
    [Trait("RFC", "6066 §3")]
    [InlineData("conf.test", "node")]
    [InlineData("other.test", "other")]
    [InlineData("OTHER.test", "other")]
    [InlineData("domain.test", "domain")]
    [InlineData("unknown.test", "node")]
    [InlineData("", "node")]
    public void A_client_is_shown_the_certificate_of_the_name_it_asks_for(string name, string subject)
    {
        using var other = Authority.Issue("other", ["other.test"]);
        using var domain = Authority.Issue("domain", [], ["sip:domain.test"]);
        var more = new[] { Write("other.pem", TestAuthority.PemOf(other)), Write("domain.pem", TestAuthority.PemOf(domain)) }
            .Select(path => new CertificateFiles(path, null, null));
        var endpoint = Start(WithTls(tls => tls with { Certificates = [.. tls.Certificates, .. more] }));
        Assert.Equal($"CN={subject}", Tls(endpoint, name).Shown.Subject);
    }

    [Fact]
    public void A_changed_file_counts_for_new_connections_and_old_ones_live_on()
    {
        var endpoint = Start(WithTls());
        var before = Tls(endpoint);
        using var renewed = Authority.Issue("renewed", ["conf.test"]);
        Write("node.pem", TestAuthority.PemOf(renewed));
        Assert.Equal("CN=node", Tls(endpoint).Shown.Subject);
        Clock.Advance(Interval);
        Assert.Equal("CN=renewed", Tls(endpoint).Shown.Subject);
        before.Send(before.Request("OPTIONS"));
        Assert.Equal(200, before.Response().StatusCode);
    }

    [Theory]
    [InlineData("")]
    [InlineData("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")]
    public void A_broken_file_is_told_once_and_the_old_certificate_stays(string broken)
    {
        var endpoint = Start(WithTls());
        Listening(endpoint);
        Write("node.pem", broken);
        EventFilter.Warning(contains: "the old one stays").ExpectOne(() =>
        {
            Clock.Advance(Interval);
            Clock.Advance(Interval);
        });
        Assert.Equal("CN=node", Tls(endpoint).Shown.Subject);
        using var repaired = Authority.Issue("repaired", ["conf.test"]);
        Write("node.pem", TestAuthority.PemOf(repaired));
        Clock.Advance(Interval);
        Assert.Equal("CN=repaired", Tls(endpoint).Shown.Subject);
    }

    [Fact]
    public void A_node_without_a_certificate_to_begin_with_says_so()
    {
        var listening = Listening(Start(WithTls(tls => tls with { Certificates = [new CertificateFiles(PathOf("none.pem"), null, null)] })));
        Assert.Null(listening.Tls);
        Assert.Contains("SIP over TLS has no certificate", listening.Refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void PKCS_12_with_a_password_and_PEM_with_a_locked_key_are_read()
    {
        using var certificate = Authority.Issue("locked", ["conf.test"]);
        var password = Write("password", "correct horse\nsecond line\n");
        File.WriteAllBytes(PathOf("node.pfx"), certificate.Export(X509ContentType.Pfx, "correct horse"));
        using var key = certificate.GetECDsaPrivateKey()!;
        var parameters = new System.Security.Cryptography.PbeParameters(
            System.Security.Cryptography.PbeEncryptionAlgorithm.Aes256Cbc, System.Security.Cryptography.HashAlgorithmName.SHA256, 1000);
        CertificateFiles[] ways =
        [
            new(PathOf("node.pfx"), null, password),
            new(Write("c.pem", certificate.ExportCertificatePem()), Write("k.pem", key.ExportEncryptedPkcs8PrivateKeyPem("correct horse", parameters)), password),
        ];
        foreach (var files in ways) Assert.Equal("CN=locked", Tls(Start(WithTls(tls => tls with { Certificates = [files] }))).Shown.Subject);
    }

    [Fact]
    public void A_node_makes_a_certificate_for_its_names_and_keeps_it_over_restarts()
    {
        Clock.SetUtcNow(TimeProvider.System.GetUtcNow());
        var settings = WithTls(tls => tls with { Certificates = [] }) with { Advertised = "conf.example.com" };
        var first = Start(settings);
        var shown = Tls(first).Shown;
        Assert.True(shown.MatchesHostname("localhost") && shown.MatchesHostname("127.0.0.1") && shown.MatchesHostname("conf.example.com"));
        var pinned = X509CertificateLoader.LoadCertificateFromFile(PathOf("tls/certificate.pem"));
        using var chain = new X509Chain { ChainPolicy = { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck } };
        chain.ChainPolicy.CustomTrustStore.Add(pinned);
        Assert.True(chain.Build(shown));
        if (!OperatingSystem.IsWindows()) Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(PathOf("tls/key.pem")));

        Sys.Stop(first);
        Assert.Equal(shown.Thumbprint, Tls(Start(settings)).Shown.Thumbprint);
        Assert.NotEqual(shown.Thumbprint, Tls(Start(settings with { Advertised = "other.example.com" })).Shown.Thumbprint);
    }

    [Fact]
    public void It_is_renewed_while_the_node_runs()
    {
        Clock.SetUtcNow(TimeProvider.System.GetUtcNow());
        var endpoint = Start(WithTls(tls => tls with { Certificates = [], ReloadInterval = TimeSpan.FromDays(1) }));
        var first = Tls(endpoint).Shown.Thumbprint;
        Clock.Advance(TimeSpan.FromDays(360));
        Assert.Equal(first, Tls(endpoint).Shown.Thumbprint);
        Clock.Advance(TimeSpan.FromDays(10));
        Assert.NotEqual(first, Tls(endpoint).Shown.Thumbprint);
    }
}
