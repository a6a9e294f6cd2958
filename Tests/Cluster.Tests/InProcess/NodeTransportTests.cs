using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Akka.Actor;
using Akka.Actor.Setup;
using Akka.Configuration;
using ConfCluster.Actors.Nodes;
using ConfCluster.Actors.Nodes.Links;
using ConfCluster.Actors.Settings;
using ConfCluster.Cluster.Tests.Wire;
using Xunit;

namespace ConfCluster.Cluster.Tests.InProcess;

/// <summary>Engines that reach each other over mutual TLS, and what becomes of one whose handshake with somebody fails: nothing.</summary>
public sealed class NodeTransportTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("confcluster-links");
    private readonly List<ActorSystem> _systems = [];
    private readonly List<NodeTls> _certificates = [];
    private readonly ConcurrentQueue<string> _warnings = new();
    private readonly ClusterAuthority _authority;

    public NodeTransportTests()
    {
        _authority = Authority("own");
        _authority.Make(["127.0.0.1"]);
    }

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        foreach (var system in _systems) await system.Terminate().WaitAsync(Patience);
        foreach (var certificates in _certificates) certificates.Dispose();
        _directory.Delete(recursive: true);
    }

    [Fact]
    public async Task Messages_small_and_large_come_in_order_both_ways()
    {
        var (one, other) = (Start(_authority), Start(_authority));
        var echo = Echo(one);
        var texts = Enumerable.Range(0, 300).Select(i => $"{i} {new string('x', i % 50 == 0 ? 90_000 : i)}").ToList();
        var answers = new TaskCompletionSource<IReadOnlyList<string>>(TaskCreationOptions.RunContinuationsAsynchronously);
        var asks = other.ActorOf(Props.Create(() => new Collector(texts.Count, answers)));
        foreach (var text in texts) At(other, echo).Tell(text, asks);
        Assert.Equal(texts, await answers.Task.WaitAsync(Patience));
    }

    [Fact]
    public async Task Who_closes_in_the_handshake_costs_a_connection_and_not_the_node()
    {
        var (one, other) = (Start(_authority), Start(_authority));
        using var closes = new TcpListener(IPAddress.Loopback, 0);
        closes.Start();
        await TalkAsync(one, other);
        for (var i = 0; i < 2; i++)
        {
            await CallAsync(one, closes);
            using var called = await closes.AcceptTcpClientAsync().WaitAsync(Patience);
        }

        await TalkAsync(one, other);
        Assert.False(one.WhenTerminated.IsCompleted);
    }

    [Fact]
    public async Task Who_answers_nothing_is_given_up()
    {
        var one = Start(_authority, "1s");
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        await CallAsync(one, silent);
        using var called = await silent.AcceptTcpClientAsync().WaitAsync(Patience);
        var buffer = new byte[10_000];
        var stream = called.GetStream();
        while (await stream.ReadAsync(buffer).AsTask().WaitAsync(Patience) > 0) continue;
        await TalkAsync(one, Start(_authority));
    }

    [Fact]
    public async Task A_server_of_another_root_is_not_spoken_to()
    {
        var foreign = Authority("foreign");
        foreign.Make(["127.0.0.1"]);
        var (one, other) = (Start(_authority), Start(foreign));
        var heard = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var ear = other.ActorOf(Props.Create(() => new Ear(heard)), "ear");
        At(one, ear).Tell("to a stranger");
        await TalkAsync(one, Start(_authority));
        At(other, Echo(one)).Tell("from a stranger", ear);
        await TalkAsync(other, Start(foreign));
        Assert.False(heard.Task.IsCompleted);
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\n\r\n")]
    [InlineData("")]
    public async Task A_caller_that_is_no_node_is_sent_away(string says)
    {
        var one = Start(_authority);
        using var caller = new TcpClient();
        await caller.ConnectAsync(IPAddress.Loopback, Port(one));
        var stream = caller.GetStream();
        await stream.WriteAsync(System.Text.Encoding.ASCII.GetBytes(says));
        caller.Client.Shutdown(SocketShutdown.Send);
        var buffer = new byte[1000];
        while (await ReadAsync(stream, buffer) > 0) continue;
        await TalkAsync(one, Start(_authority));
    }

    [Fact]
    public async Task A_new_certificate_counts_for_the_next_connection_and_one_that_is_no_nodes_does_not()
    {
        var one = Start(_authority);
        var first = await ShownAsync(one);
        var (certificate, key) = (_authority.CertificateOf("127.0.0.1"), _authority.KeyOf("127.0.0.1"));
        var foreign = Authority("foreign");
        foreign.Make(["127.0.0.1"]);
        File.Copy(foreign.CertificateOf("127.0.0.1"), certificate, overwrite: true);
        File.Copy(foreign.KeyOf("127.0.0.1"), key, overwrite: true);
        await UntilAsync(async () => await ShownAsync(one) == first && _warnings.Any(w => w.Contains("the old one stays", StringComparison.Ordinal)), "the refusal");
        Assert.Equal(first, await ShownAsync(one));

        _authority.Make(["127.0.0.9"]);
        File.Copy(_authority.CertificateOf("127.0.0.9"), certificate, overwrite: true);
        File.Copy(_authority.KeyOf("127.0.0.9"), key, overwrite: true);
        using var next = X509CertificateLoader.LoadCertificateFromFile(certificate);
        await UntilAsync(async () => await ShownAsync(one) == next.Thumbprint, "the new certificate");
        await TalkAsync(one, Start(_authority));
    }

    [Fact]
    public async Task Strangers_who_call_and_say_nothing_keep_no_node_out()
    {
        var one = Start(_authority, "60s");
        var silent = new List<TcpClient>();
        for (var i = 0; i < 80; i++)
        {
            silent.Add(new TcpClient());
            await silent[i].ConnectAsync(IPAddress.Loopback, Port(one));
        }

        await TalkAsync(one, Start(_authority));
        silent.ForEach(s => s.Dispose());
    }

    [Fact]
    public async Task A_certificate_of_a_stranger_makes_no_node_fetch_anything()
    {
        var one = Start(_authority);
        using var web = new TcpListener(IPAddress.Loopback, 0);
        web.Start();
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var issuerKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var issuer = new CertificateRequest("CN=issuer", issuerKey, HashAlgorithmName.SHA256);
        issuer.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using var root = issuer.CreateSelfSigned(DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddDays(1));
        var request = new CertificateRequest("CN=stranger", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(
            new X509AuthorityInformationAccessExtension(null, [$"http://127.0.0.1:{((IPEndPoint)web.LocalEndpoint).Port}/issuer.cer"]));
        using var stranger = request.Create(root, DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddDays(1), [1]).CopyWithPrivateKey(key);
        using var caller = new TcpClient();
        await caller.ConnectAsync(IPAddress.Loopback, Port(one));
        await using var stream = new SslStream(caller.GetStream(), false, (_, certificate, _, _) => certificate is not null);
        await stream.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = "node",
            ClientCertificateContext = SslStreamCertificateContext.Create(stranger, null, offline: true),
        }).WaitAsync(Patience);
        try
        {
            Assert.Equal(0, await stream.ReadAsync(new byte[1]).AsTask().WaitAsync(Patience));
        }
        catch (IOException)
        {
            // Refused, which may come as a reset.
        }

        Assert.False(web.Pending());
    }

    private ClusterAuthority Authority(string name) => new(Path.Combine(_directory.FullName, name), TimeProvider.System);

    private ActorSystem Start(ClusterAuthority authority, string timeout = "15s")
    {
        var tls = new ClusterTls(
            new CertificateFiles(authority.CertificateOf("127.0.0.1"), authority.KeyOf("127.0.0.1"), null), authority.PathOf(ClusterAuthority.RootFile),
            TimeSpan.FromMilliseconds(100));
        var certificates = NodeTls.Open(tls, TimeProvider.System, _warnings.Enqueue, out var problem);
        Assert.True(certificates is not null, problem);
        _certificates.Add(certificates);
        var config = ConfigurationFactory.ParseString(
            $$"""
            akka {
              loglevel = OFF
              stdout-loglevel = OFF
              actor.provider = remote
              remote.retry-gate-closed-for = 100ms
              remote.dot-netty.tcp {
                transport-class = "{{typeof(NodeTransport).AssemblyQualifiedName}}"
                hostname = "127.0.0.1"
                port = 0
                enable-ssl = on
                connection-timeout = {{timeout}}
              }
            }
            """);
        var system = ActorSystem.Create("links", BootstrapSetup.Create().WithConfig(config).And(new NodeTlsSetup(certificates)));
        _systems.Add(system);
        return system;
    }

    private static int Port(ActorSystem system) => ((ExtendedActorSystem)system).Provider.DefaultAddress.Port!.Value;

    private static IActorRef Echo(ActorSystem system) => system.ActorOf(Props.Create(() => new Echoes()));

    private static ActorSelection At(ActorSystem from, IActorRef actor) => from.ActorSelection(actor.Path.ToStringWithAddress(AddressOf(actor)));

    private static Address AddressOf(IActorRef actor) => ((IInternalActorRef)actor).Provider.DefaultAddress;

    /// <summary>Until a connection is there: for a while after one that failed the engine tries none.</summary>
    private static Task CallAsync(ActorSystem from, TcpListener listener) => UntilAsync(() =>
    {
        from.ActorSelection($"akka.ssl.tcp://links@127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}/user/nobody").Tell("hello");
        return Task.FromResult(listener.Pending());
    }, "a call");

    /// <summary>Until an answer comes: the engine may have shut the way for a moment.</summary>
    private static async Task TalkAsync(ActorSystem one, ActorSystem other)
    {
        var echo = Echo(one);
        await UntilAsync(async () =>
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(1));
            try
            {
                return await At(other, echo).Ask<string>("well?", limit.Token) == "well?";
            }
            catch (Exception e) when (e is OperationCanceledException or AskTimeoutException)
            {
                return false;
            }
        }, "an answer");
    }

    private static async Task UntilAsync(Func<Task<bool>> holds, string what)
    {
        var since = Stopwatch.StartNew();
        while (!await holds())
        {
            Assert.True(since.Elapsed < Patience, $"waited for {what}");
            await Task.Delay(50);
        }
    }

    private static async Task<int> ReadAsync(NetworkStream stream, byte[] buffer)
    {
        try
        {
            return await stream.ReadAsync(buffer).AsTask().WaitAsync(Patience);
        }
        catch (IOException)
        {
            return 0;
        }
    }

    private static Task<string> ShownAsync(ActorSystem system) => ShownCertificate.OfAsync(new IPEndPoint(IPAddress.Loopback, Port(system)));

    private sealed class Echoes : ReceiveActor
    {
        public Echoes() => ReceiveAny(m => Sender.Tell(m));
    }

    private sealed class Ear : ReceiveActor
    {
        public Ear(TaskCompletionSource heard) => ReceiveAny(_ => heard.TrySetResult());
    }

    private sealed class Collector : ReceiveActor
    {
        private readonly List<string> _heard = [];

        public Collector(int count, TaskCompletionSource<IReadOnlyList<string>> all) => Receive<string>(text =>
        {
            _heard.Add(text);
            if (_heard.Count == count) all.TrySetResult(_heard);
        });
    }
}
