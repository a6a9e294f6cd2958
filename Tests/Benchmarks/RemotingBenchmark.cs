using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography.X509Certificates;
using Akka.Actor;
using Akka.Actor.Setup;
using Akka.Configuration;
using Akka.Remote.Transport.DotNetty;
using ConfCluster.Actors.Nodes;
using ConfCluster.Actors.Nodes.Links;
using ConfCluster.Actors.Settings;
using ConfCluster.Support;

namespace ConfCluster.Benchmarks;

/// <summary>
/// Messages between two processes over the engine's remoting: in the clear and over TLS by its own transport, and over the mutual TLS of a cluster's nodes by ours; how
/// many per second one way, with so many under way, and how long one takes there and back. The other process is this program once more.
/// </summary>
internal static class RemotingBenchmark
{
    private const string Name = "remoting";
    private const string Other = "other";
    private const int Batch = 1_000;
    private const int Batches = 200;
    private const int UnderWay = 5 * Batch;
    private const int Rounds = 20;
    private const int Trips = 3_000;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>The process that counts and answers.</summary>
    /// <param name="directory">Of the certificates.</param>
    /// <param name="way">A name of <see cref="Way"/>.</param>
    public static async Task AnswerAsync(int port, string directory, string way)
    {
        using var system = Begin(port, directory, Enum.Parse<Way>(way), number: 2);
        system.ActorOf(Props.Create(() => new Counter()), Other);
        Console.WriteLine("ready");
        // Until the one that started this closes it.
        await Console.In.ReadLineAsync();
        Console.WriteLine(Process.GetCurrentProcess().TotalProcessorTime.TotalSeconds.ToString(CultureInfo.InvariantCulture));
        await system.Terminate();
    }

    public static async Task RunAsync(TextWriter output)
    {
        var directory = Directory.CreateTempSubdirectory("confcluster-remoting-");
        try
        {
            new ClusterAuthority(directory.FullName, TimeProvider.System).Make(["127.0.0.1", "127.0.0.2"]);
            await output.WriteLineAsync(
                "| messages of | over | per second, median of 20 rounds (least to most) | processor time for each, both processes | there and back, p50 / p99 |");
            await output.WriteLineAsync("|---|---|---|---|---|");
            foreach (var size in (int[])[32, 1024])
                foreach (var way in Enum.GetValues<Way>())
                    await output.WriteLineAsync(await MeasureAsync(size, directory.FullName, way));
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    private enum Way { EngineTcp, EngineTls, NodeTls }

    private static async Task<string> MeasureAsync(int size, string directory, Way way)
    {
        var (port, own) = (FreePorts.Next("127.0.0.2"), FreePorts.Next());
        using var answering = Start(port, directory, way);
        using var system = Begin(own, directory, way, number: 1);
        if (await answering.StandardOutput.ReadLineAsync() != "ready") throw new InvalidOperationException(await answering.StandardError.ReadToEndAsync());
        var protocol = way == Way.EngineTcp ? "akka.tcp" : "akka.ssl.tcp";
        var other = await system.ActorSelection($"{protocol}://{Name}@127.0.0.2:{port}/user/{Other}").ResolveOne(Patience);
        var sender = system.ActorOf(Props.Create(() => new Sender(other, new byte[size])));
        // Once for the compiler.
        await sender.Ask<TimeSpan>(Sender.Go, Patience);
        var before = Process.GetCurrentProcess().TotalProcessorTime;
        var rates = new List<double>();
        for (var i = 0; i < Rounds; i++) rates.Add(Batch * Batches / (await sender.Ask<TimeSpan>(Sender.Go, Patience)).TotalSeconds);
        var spent = Process.GetCurrentProcess().TotalProcessorTime - before;
        var trips = new List<double>();
        for (var i = 0; i < Trips; i++)
        {
            var since = Stopwatch.GetTimestamp();
            await other.Ask<int>(Counter.Echo, Patience);
            trips.Add(Stopwatch.GetElapsedTime(since).TotalMicroseconds);
        }

        await answering.StandardInput.WriteLineAsync();
        var theirs = double.Parse((await answering.StandardOutput.ReadLineAsync())!, CultureInfo.InvariantCulture);
        await answering.WaitForExitAsync();
        await system.Terminate();
        rates.Sort();
        trips.Sort();
        // The other's includes its start and the first round, so it is an upper bound.
        var each = (spent.TotalSeconds + theirs) / (Rounds * Batch * Batches) * 1e6;
        var name = way switch { Way.EngineTcp => "TCP, the engine's transport", Way.EngineTls => "TLS, the engine's transport", _ => "mutual TLS, our transport" };
        return FormattableString.Invariant(
            $"| {size} octets | {name} | {rates[Rounds / 2]:F0} ({rates[0]:F0} to {rates[^1]:F0}) | {each:F1} µs | {trips[Trips / 2]:F0} / {Late(trips):F0} µs |");

        static double Late(List<double> sorted) => sorted[sorted.Count * 99 / 100];
    }

    private static Process Start(int port, string directory, Way way)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        if (Path.GetFileNameWithoutExtension(start.FileName) == "dotnet") start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "ConfCluster.Benchmarks.dll"));
        foreach (var argument in (string[])["remoting-answer", $"{port}", directory, $"{way}"]) start.ArgumentList.Add(argument);
        return Process.Start(start) ?? throw new InvalidOperationException("this program did not start once more");
    }

    /// <summary>As a node's, but for the cluster.</summary>
    private static ActorSystem Begin(int port, string directory, Way way, int number)
    {
        var address = $"127.0.0.{number}";
        var setup = ActorSystemSetup.Create(BootstrapSetup.Create().WithConfig(ConfigurationFactory.ParseString(
            $$"""
            akka {
              loglevel = WARNING
              actor.provider = remote
              remote.dot-netty.tcp {
                hostname = "{{address}}"
                port = {{port}}
                enable-ssl = {{(way == Way.EngineTcp ? "off" : "on")}}
                {{(way == Way.NodeTls ? $"transport-class = \"{typeof(NodeTransport).AssemblyQualifiedName}\"" : "")}}
                connection-timeout = 15s
                maximum-frame-size = 16000000b
                send-buffer-size = 2000000b
                receive-buffer-size = 2000000b
              }
            }
            """)));
        if (way == Way.EngineTcp) return ActorSystem.Create(Name, setup);
        var authority = new ClusterAuthority(directory, TimeProvider.System);
        if (way == Way.EngineTls)
        {
            var certificate = X509Certificate2.CreateFromPemFile(authority.CertificateOf(address), authority.KeyOf(address));
            return ActorSystem.Create(Name, setup.And(new DotNettySslSetup(certificate, suppressValidation: true)));
        }

        var tls = new ClusterTls(
            new CertificateFiles(authority.CertificateOf(address), authority.KeyOf(address), null), authority.PathOf(ClusterAuthority.RootFile), Patience);
        var certificates = NodeTls.Open(tls, TimeProvider.System, _ => { }, out var problem) ?? throw new InvalidOperationException(problem);
        return ActorSystem.Create(Name, setup.And(new NodeTlsSetup(certificates)));
    }

    /// <summary>Says after each batch that it is there.</summary>
    private sealed class Counter : ReceiveActor
    {
        public const string Echo = "echo";

        private int _count;

        public Counter()
        {
            Receive<byte[]>(_ =>
            {
                if (++_count % Batch == 0) Sender.Tell(_count);
            });
            Receive<string>(_ => Sender.Tell(_count));
        }
    }

    /// <summary>Sends all batches, with so many messages under way at most, and tells how long they took.</summary>
    private sealed class Sender : ReceiveActor
    {
        public const string Go = "go";

        private readonly IActorRef _other;
        private readonly byte[] _message;
        private IActorRef _asker = ActorRefs.Nobody;
        private long _since;
        private int _sent;
        private int _there;

        public Sender(IActorRef other, byte[] message)
        {
            (_other, _message) = (other, message);
            Receive<string>(_ =>
            {
                (_asker, _since, _sent, _there) = (Context.Sender, Stopwatch.GetTimestamp(), 0, 0);
                while (_sent < UnderWay) SendBatch();
            });
            Receive<int>(_ =>
            {
                _there += Batch;
                if (_sent < Batch * Batches) SendBatch();
                if (_there == Batch * Batches) _asker.Tell(Stopwatch.GetElapsedTime(_since));
            });
        }

        private void SendBatch()
        {
            for (var i = 0; i < Batch; i++) _other.Tell(_message, Self);
            _sent += Batch;
        }
    }
}
