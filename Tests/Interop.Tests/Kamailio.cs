using System.Net.Sockets;
using System.Text;

namespace ConfCluster.Interop.Tests;

/// <summary>
/// Kamailio as a record-routing proxy in front of the node (<c>Kamailio/proxy.cfg</c>), on 127.0.0.2, so that the node can tell it from a
/// phone and a capture from the node. It listens on UDP and TCP and goes on to the node over the transport that the test chooses.
/// </summary>
internal sealed class Kamailio : IDisposable
{
    public const string Address = "127.0.0.2";
    private readonly string _directory = Directory.CreateTempSubdirectory("confcluster-kamailio-").FullName;
    private readonly ChildProcess _process;

    private Kamailio(int port, string node, string[] defines)
    {
        var program = Peers.Require("kamailio", "kamailio");
        Port = port;
        _process = ChildProcess.Start(program,
            [
                "-f", Path.Combine(AppContext.BaseDirectory, "Kamailio", "proxy.cfg"), "-DD", "-E", "-m", "16", "-M", "4", "-Y", _directory, "-w", _directory,
                "-A", $"LISTEN_UDP=udp:{Address}:{port}", "-A", $"LISTEN_TCP=tcp:{Address}:{port}", "-A", $"NODE=\"{node}\"",
                .. defines.SelectMany(d => new[] { "-A", d }),
            ], _directory);
    }

    public int Port { get; }

    public string Target => $"{Address}:{Port}";

    public string Output => _process.Output;

    /// <param name="transport">Of the hop from the proxy to the node: udp or tcp.</param>
    public static Task<Kamailio> StartAsync(NodeUnderTest node, string transport, params string[] defines)
    {
        Peers.Require("kamailio", "kamailio");
        return StartAsync(NodeUnderTest.FreePort(Address), node, transport, defines);
    }

    /// <summary>At a port that the node knows already, because it calls out through it.</summary>
    public static async Task<Kamailio> StartAsync(int port, NodeUnderTest node, string transport, params string[] defines)
    {
        var kamailio = new Kamailio(port, $"sip:127.0.0.1:{node.SipPort};transport={transport}", defines);
        if (await kamailio.AnswersAsync()) return kamailio;
        using (kamailio) throw new InvalidOperationException($"kamailio does not answer at {kamailio.Target}:\n{kamailio.Output}");
    }

    public void Dispose()
    {
        // Its workers are children: they end with it when it is asked, not when it is killed.
        _process.Signal(15);
        for (var i = 0; i < 50 && !_process.HasExited; i++) Thread.Sleep(50);
        _process.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    /// <summary>A request that it refuses by itself: it answers as soon as its workers run.</summary>
    private async Task<bool> AnswersAsync()
    {
        using var socket = new UdpClient(new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, 0));
        var probe = Encoding.ASCII.GetBytes(
            $"OPTIONS sip:{Target} SIP/2.0\r\nVia: SIP/2.0/UDP {socket.Client.LocalEndPoint};branch=z9hG4bK{Guid.NewGuid():N}\r\n" +
            $"From: <sip:probe@127.0.0.1>;tag=1\r\nTo: <sip:{Target}>\r\nCall-ID: {Guid.NewGuid():N}\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 0\r\nContent-Length: 0\r\n\r\n");
        for (var attempt = 0; attempt < 100 && !_process.HasExited; attempt++)
        {
            await socket.SendAsync(probe, Address, Port);
            using var limit = new CancellationTokenSource(100);
            try
            {
                await socket.ReceiveAsync(limit.Token);
                return true;
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException)
            {
                await Task.Delay(50);
            }
        }

        return false;
    }
}
