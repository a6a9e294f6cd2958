using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace ConfCluster.Cluster.Tests.Processes;

/// <summary>
/// A NAT for the SIP datagrams of one phone: to the phone the nodes are at 127.0.K.1, .2 and so on, to the nodes the phone is at 127.0.9.K. As a real one stands on the
/// way of every packet and this one does not, it changes the nodes' addresses in the text, which are as long on both sides; the phone's own it leaves alone.
/// Media goes past it.
/// </summary>
internal sealed class SipNat : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly List<Task> _running = [];
    private readonly ConcurrentDictionary<int, Socket> _inside = new();
    private readonly int _number;
    private readonly int _port;
    private readonly int _nodes;
    private IPEndPoint? _phone;
    private int _kept;

    /// <param name="number">K, from 1 to 8.</param>
    /// <param name="port">At which the nodes take datagrams.</param>
    /// <param name="isSymmetric">Each node sees another port of the phone, and only that node gets in there; else all see one, and whoever sends there gets in.</param>
    public SipNat(int number, int port, int nodes, bool isSymmetric)
    {
        (_number, _port, _nodes) = (number, port, nodes);
        var open = isSymmetric ? null : Bind($"127.0.9.{number}", 0);
        for (var node = 1; node <= nodes; node++)
        {
            var (inside, outside) = (Bind($"127.0.{number}.{node}", port), open ?? Bind($"127.0.9.{number}", 0));
            _inside[node] = inside;
            _running.Add(OutAsync(inside, outside, Node(node)));
            if (isSymmetric) _running.Add(InAsync(outside, Node(node)));
        }

        if (open is not null) _running.Add(InAsync(open, null));
    }

    /// <summary>Datagrams that came from where the phone had sent nothing, and were kept out.</summary>
    public int Kept => Volatile.Read(ref _kept);

    /// <summary>A node as the phone knows it: HOST:PORT.</summary>
    public string Of(int node) => $"127.0.{_number}.{node}:{_port}";

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_running);
        _stop.Dispose();
    }

    private static Socket Bind(string address, int port)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(IPAddress.Parse(address), port));
        return socket;
    }

    private IPEndPoint Node(int number) => new(IPAddress.Parse($"127.0.0.{number}"), _port);

    private async Task OutAsync(Socket inside, Socket outside, IPEndPoint node)
    {
        await foreach (var (packet, from) in ReceiveAsync(inside))
        {
            _phone = from;
            await outside.SendToAsync(Translated(packet, $"127.0.{_number}.", "127.0.0."), SocketFlags.None, node);
        }
    }

    /// <param name="only">From whom something gets in; null: from anybody.</param>
    private async Task InAsync(Socket outside, IPEndPoint? only)
    {
        await foreach (var (packet, from) in ReceiveAsync(outside))
        {
            if (only is not null && !from.Equals(only) || _phone is null) Interlocked.Increment(ref _kept);
            else await _inside[from.Address.GetAddressBytes()[3]].SendToAsync(Translated(packet, "127.0.0.", $"127.0.{_number}."), SocketFlags.None, _phone);
        }
    }

    private byte[] Translated(byte[] packet, string from, string to)
    {
        var text = Encoding.Latin1.GetString(packet);
        for (var node = 1; node <= _nodes; node++) text = text.Replace($"{from}{node}:{_port}", $"{to}{node}:{_port}", StringComparison.Ordinal);
        return Encoding.Latin1.GetBytes(text);
    }

    private async IAsyncEnumerable<(byte[] Packet, IPEndPoint From)> ReceiveAsync(Socket socket)
    {
        using var own = socket;
        var buffer = new byte[65_536];
        while (!_stop.IsCancellationRequested)
        {
            SocketReceiveFromResult got;
            try
            {
                got = await socket.ReceiveFromAsync(buffer, SocketFlags.None, new IPEndPoint(IPAddress.Any, 0), _stop.Token);
            }
            catch (OperationCanceledException)
            {
                yield break;
            }
            catch (SocketException)
            {
                // The echo of a datagram to a node that was killed.
                continue;
            }

            yield return (buffer[..got.ReceivedBytes], (IPEndPoint)got.RemoteEndPoint);
        }
    }
}
