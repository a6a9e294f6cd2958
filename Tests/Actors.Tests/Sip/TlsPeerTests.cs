using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Akka.Actor;
using ConfCluster.Actors.Participant;
using ConfCluster.Actors.Settings;
using ConfCluster.Actors.Sip;
using ConfCluster.Protocols.Sip.Authentication;
using ConfCluster.Protocols.Sip.Messages;
using Xunit;

namespace ConfCluster.Actors.Tests.Sip;

/// <summary>Who is at the other end of a TLS connection: clients that come in, servers that we go to, connections used both ways.</summary>
public sealed class TlsPeerTests : TlsScene
{
    [Theory]
    [InlineData(ClientCertificates.None, false)]
    [InlineData(ClientCertificates.Request, false)]
    [InlineData(ClientCertificates.None, true)]
    [InlineData(ClientCertificates.Request, true)]
    [InlineData(ClientCertificates.Require, true)]
    public void A_client_comes_in_as_the_mode_allows(ClientCertificates mode, bool shows)
    {
        using var certificate = Authority.Issue("alice", [], ["sip:alice@example.com"]);
        var phone = Tls(Start(WithTls(tls => tls with { ClientCertificates = mode })), certificate: shows ? certificate : null);
        phone.Send(phone.Request("OPTIONS"));
        Assert.Equal(200, phone.Response().StatusCode);
    }

    [Theory]
    [InlineData(ClientCertificates.Require, "none", "NoCertificate")]
    [InlineData(ClientCertificates.Request, "foreign", "Untrusted")]
    [InlineData(ClientCertificates.Require, "foreign", "Untrusted")]
    [InlineData(ClientCertificates.Request, "expired", "Untrusted")]
    [Trait("RFC", "5922 §7.4")]
    public void A_client_that_does_not_prove_itself_is_refused_in_the_handshake(ClientCertificates mode, string kind, string reason)
    {
        using var foreign = new TestAuthority("Foreign CA");
        using var certificate = kind == "foreign" ? foreign.Issue("mallory", ["conf.test"]) : Authority.Issue("old", ["conf.test"], years: 2);
        var endpoint = Start(WithTls(tls => tls with { ClientCertificates = mode }));
        Assert.True(IsRefused(endpoint, kind == "none" ? null : certificate));
        AwaitAssert(() => Assert.Contains(reason, Failures));
        AwaitAssert(() => Assert.Equal(0, Listening(endpoint).Connections));
    }

    [Fact]
    public void A_certificate_of_a_stranger_makes_the_node_fetch_nothing()
    {
        using var web = Listener();
        using var foreign = new TestAuthority("Foreign CA");
        using var certificate = foreign.Issue("mallory", ["peer.test"], issuerAt: $"http://127.0.0.1:{((IPEndPoint)web.LocalEndPoint!).Port}/ca.cer");
        var endpoint = Start(WithTls(tls => tls with { ClientCertificates = ClientCertificates.Require }));
        Assert.True(IsRefused(endpoint, certificate));
        AwaitAssert(() => Assert.Contains("Untrusted", Failures));
        Assert.False(web.Poll(0, SelectMode.SelectRead));
        using var listener = Listener();
        endpoint.Tell(Options("peer.test", listener));
        using var peer = AcceptOrNull(listener, certificate);
        Participants.ExpectMsg<SipTransactionFailed>();
        Assert.False(web.Poll(0, SelectMode.SelectRead));
    }

    [Fact]
    public void Changed_roots_count_for_new_connections()
    {
        using var foreign = new TestAuthority("Foreign CA");
        using var certificate = foreign.Issue("bob", ["bob.test"]);
        var endpoint = Start(WithTls(tls => tls with { ClientCertificates = ClientCertificates.Require }));
        Assert.True(IsRefused(endpoint, certificate));
        Write("ca.pem", foreign.Pem);
        Clock.Advance(TimeSpan.FromSeconds(30));
        var phone = Tls(endpoint, certificate: certificate);
        phone.Send(phone.Request("OPTIONS"));
        Assert.Equal(200, phone.Response().StatusCode);
    }

    [Fact]
    [Trait("RFC", "5922 §7.1")]
    public void The_names_of_a_verified_client_come_with_its_requests()
    {
        var heard = new List<TlsPeer?>();
        using var certificate = Authority.Issue("alice", ["alice.test"], ["sip:alice@example.com"]);
        foreach (var mode in (ClientCertificates[])[ClientCertificates.Request, ClientCertificates.None])
        {
            using var scene = new SocketsAlone(WithTls(tls => tls with { ClientCertificates = mode }), Clock, r => heard.Add(r.Peer));
            using var phone = TlsPhone.Connect(scene.Local, certificate: certificate);
            phone.Send(phone.Request("OPTIONS"));
            AwaitAssert(() => Assert.Equal(mode == ClientCertificates.Request ? 1 : 2, heard.Count));
        }

        Assert.Equal("CN=alice", heard[0]!.Subject);
        Assert.Equal("sip:alice@example.com", Assert.Single(heard[0]!.Uris));
        Assert.Equal("alice.test", Assert.Single(heard[0]!.DnsNames));
        Assert.Null(heard[1]);
    }

    [Theory]
    [Trait("RFC", "5922 §7.3")]
    [InlineData("peer.test", "", true, true)]
    [InlineData("127.0.0.1", "", true, true)]
    [InlineData("else.test", "", true, false)]
    [InlineData("domain.test", "sip:domain.test", true, true)]
    [InlineData("peer.test", "sip:domain.test", true, false)]
    [InlineData("else.test", "", false, true)]
    public void A_server_must_prove_the_name_that_was_looked_up(string host, string uri, bool verify, bool reached)
    {
        using var certificate = Authority.Issue("peer", ["peer.test", "127.0.0.1"], uri.Length > 0 ? [uri] : []);
        using var listener = Listener();
        var endpoint = Start(WithTls(tls => tls with { VerifyServer = verify }));
        endpoint.Tell(Options(host, listener));
        using var peer = AcceptOrNull(listener, certificate);
        if (reached)
        {
            var request = (SipRequest)peer!.Receive();
            Assert.Equal(("TLS", verify), (request.Headers.TopVia!.Transport, request.Headers.TopVia.Parameters.Has("alias")));
            return;
        }

        Participants.ExpectMsg<SipTransactionFailed>();
        Assert.Contains("WrongName", Failures);
    }

    [Fact]
    public void A_server_of_a_foreign_authority_is_not_told_a_word()
    {
        using var foreign = new TestAuthority("Foreign CA");
        using var certificate = foreign.Issue("peer", ["peer.test"]);
        using var listener = Listener();
        var endpoint = Start(WithTls());
        endpoint.Tell(Options("peer.test", listener));
        using var peer = AcceptOrNull(listener, certificate);
        Participants.ExpectMsg<SipTransactionFailed>();
        Assert.Contains("Untrusted", Failures);
        Assert.True(peer is null || peer.IsRefused());
    }

    [Fact]
    public void A_connection_of_ours_is_used_again_for_the_same_name_only()
    {
        using var certificate = Authority.Issue("peer", ["peer.test", "second.test"]);
        using var listener = Listener();
        var endpoint = Start(WithTls());
        endpoint.Tell(Options("peer.test", listener));
        using var peer = AcceptOrNull(listener, certificate)!;
        peer.Receive();
        endpoint.Tell(Options("second.test", listener));
        Assert.Equal("second.test", ((SipRequest)peer.Receive()).RequestUri.Host);
        endpoint.Tell(Options("else.test", listener));
        using var other = AcceptOrNull(listener, certificate);
        Participants.ExpectMsg<SipTransactionFailed>();
        Assert.Equal(1, Listening(endpoint).Connections);
    }

    [Theory]
    [Trait("RFC", "5923 §8.2")]
    [InlineData(true, ";alias", "proxy.test", true)]
    [InlineData(true, "", "proxy.test", false)]
    [InlineData(true, ";alias", "else.test", false)]
    [InlineData(false, ";alias", "proxy.test", false)]
    public void An_alias_brings_our_requests_back_over_the_connection_of_a_proven_peer(bool proven, string alias, string host, bool reused)
    {
        using var certificate = Authority.Issue("proxy", ["proxy.test"]);
        using var elsewhere = Listener();
        var endpoint = Start(WithTls(tls => tls with { ClientCertificates = ClientCertificates.Request }));
        var proxy = Tls(endpoint, certificate: proven ? certificate : null);
        var port = ((IPEndPoint)elsewhere.LocalEndPoint!).Port;
        proxy.Send(proxy.Request("OPTIONS").Replace($"{proxy.Local};rport", $"proxy.test:{port};rport{alias}", StringComparison.Ordinal));
        Assert.Equal(200, proxy.Response().StatusCode);
        endpoint.Tell(Options(host, elsewhere));
        if (reused)
        {
            Assert.Equal(host, ((SipRequest)proxy.Receive()).RequestUri.Host);
            return;
        }

        using var fresh = AcceptOrNull(elsewhere, certificate);
        // Whoever is new at that address proves its name, or hears nothing.
        if (host == "proxy.test") Assert.Equal(host, ((SipRequest)fresh!.Receive()).RequestUri.Host);
        else Participants.ExpectMsg<SipTransactionFailed>();
    }

    private bool IsRefused(IActorRef endpoint, X509Certificate2? certificate)
    {
        try
        {
            return Tls(endpoint, certificate: certificate).IsRefused();
        }
        catch (Exception e) when (e is AuthenticationException or IOException)
        {
            return true;
        }
    }

    private static SendRequest Options(string host, Socket listener)
    {
        var at = (IPEndPoint)listener.LocalEndPoint!;
        var headers = SipHeaders.Empty.Append("Max-Forwards", "70").Append("From", "<sip:room@127.0.0.1>;tag=1").Append("To", $"<sip:{host}>")
            .Append("Call-ID", $"call-{host}").Append("CSeq", "1 OPTIONS");
        var request = new SipRequest(SipMethod.Options, SipUri.Sip(null, host)) { Headers = headers };
        return new SendRequest(new("p"), request, new SipFlow(SipTransport.Tls, new IPEndPoint(IPAddress.Loopback, 5061), at));
    }

    private static Socket Listener()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        socket.Listen();
        return socket;
    }

    private static TlsPhone? AcceptOrNull(Socket listener, X509Certificate2 certificate)
    {
        if (!listener.Poll(TimeSpan.FromSeconds(5), SelectMode.SelectRead)) return null;
        try
        {
            return TlsPhone.Accept(listener, certificate);
        }
        catch (Exception e) when (e is AuthenticationException or IOException)
        {
            return null;
        }
    }

    /// <summary>The sockets without the endpoint, to see what they hand to it.</summary>
    private sealed class SocketsAlone : IDisposable
    {
        private readonly SipSockets _sockets;

        public SocketsAlone(SipSettings settings, TimeProvider clock, Action<SipReceived> received)
        {
            SipIntake? intake = null;
            intake = new SipIntake(_ => received((SipReceived)intake!.Take(out var _)), 65_535, clock);
            _sockets = SipSockets.Bind(settings, intake, clock, _ => { });
            _sockets.Start();
        }

        public IPEndPoint Local => _sockets.Listening(0).Tls!;

        public void Dispose() => _sockets.Close();
    }
}
