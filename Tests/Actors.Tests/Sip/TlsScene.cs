using System.Diagnostics.Metrics;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using Akka.Actor;
using ConfCluster.Actors.Settings;
using ConfCluster.Actors.Sip;

namespace ConfCluster.Actors.Tests.Sip;

/// <summary>An endpoint with a TLS listener, and certificates in a directory of the test.</summary>
public abstract class TlsScene : SipEndpointScene
{
    private readonly string _directory = Directory.CreateTempSubdirectory("confcluster-tls-").FullName;
    private readonly MeterListener _meters = new();
    private readonly List<string> _failures = [];

    protected TlsScene()
    {
        Authority = Own(new TestAuthority("Test CA"));
        Own(_meters);
        _meters.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Name == "confcluster_sip_tls_handshake_failures") listener.EnableMeasurementEvents(instrument);
        };
        _meters.SetMeasurementEventCallback<long>((_, _, tags, _) =>
        {
            lock (_failures) _failures.Add((string)tags[0].Value!);
        });
        _meters.Start();
    }

    private protected TestAuthority Authority { get; }

    /// <summary>Why handshakes failed, in all endpoints of this process.</summary>
    protected string[] Failures
    {
        get
        {
            lock (_failures) return [.. _failures];
        }
    }

    protected string PathOf(string name) => Path.Combine(_directory, name);

    protected string Write(string name, string text)
    {
        File.WriteAllText(PathOf(name), text);
        return PathOf(name);
    }

    /// <summary>TLS only, with a certificate for 127.0.0.1 and conf.test of the test's authority, which is trusted.</summary>
    protected SipSettings WithTls(Func<TlsSettings, TlsSettings>? change = null)
    {
        using var certificate = Authority.Issue("node", ["conf.test", "127.0.0.1"]);
        var tls = new TlsSettings(
            new IPEndPoint(IPAddress.Loopback, 0), [new CertificateFiles(Write("node.pem", TestAuthority.PemOf(certificate)), null, null)], PathOf("tls"),
            ClientCertificates.None, Write("ca.pem", Authority.Pem), VerifyServer: true, TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(30));
        return Settings with { Udp = null, Tcp = null, Tls = change?.Invoke(tls) ?? tls };
    }

    private protected TlsPhone Tls(IActorRef endpoint, string name = "", X509Certificate2? certificate = null) =>
        Own(TlsPhone.Connect(Listening(endpoint).Tls!, name, certificate));

    protected override void AfterAll()
    {
        base.AfterAll();
        Directory.Delete(_directory, recursive: true);
    }
}
