using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace ConfCluster.Cluster.Tests.Processes;

/// <summary>
/// Stands between the nodes of a cluster, so that a test can part them without rights on the machine: each node listens for the others on a port of its own,
/// and they know it by one of ours. Whose connection it is, is found out from its process (Linux). While two nodes are parted what they send each other waits, as it would
/// with TCP in a network without a way; nothing is lost and nothing is refused. Everything else (phones, HTTP, the journal) goes its usual way.
/// </summary>
internal sealed class NodeLinks : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<int, int> _processes = new();
    private readonly List<TcpListener> _listeners = [];
    private readonly List<Task> _running = [];
    private volatile TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile Dictionary<int, int> _sides = [];

    /// <param name="shown">The port by which nodes know each other, the same at all addresses.</param>
    /// <param name="real">Where each node listens, by its number from 1.</param>
    public NodeLinks(int shown, IReadOnlyList<int> real)
    {
        for (var i = 0; i < real.Count; i++)
        {
            var (number, port) = (i + 1, real[i]);
            var listener = new TcpListener(IPAddress.Parse($"127.0.0.{number}"), shown);
            listener.Start();
            _listeners.Add(listener);
            _running.Add(AcceptAsync(listener, number, port));
        }
    }

    /// <summary>Which process a node is, from its start on.</summary>
    public void Learn(int number, int process) => _processes[process] = number;

    /// <summary>Nodes that are in different groups hear nothing of each other.</summary>
    public void Part(params int[][] groups) => Set(groups.SelectMany((g, i) => g.Select(n => (n, i))).ToDictionary(p => p.n, p => p.i));

    public void Heal() => Set([]);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        foreach (var listener in _listeners) listener.Stop();
        await Task.WhenAll(_running);
        _stop.Dispose();
    }

    private void Set(Dictionary<int, int> sides)
    {
        _sides = sides;
        var before = _changed;
        _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        before.SetResult();
    }

    private async Task AcceptAsync(TcpListener listener, int to, int port)
    {
        var links = new List<Task>();
        try
        {
            while (true) links.Add(LinkAsync(await listener.AcceptTcpClientAsync(_stop.Token), to, port));
        }
        catch (OperationCanceledException)
        {
            await Task.WhenAll(links);
        }
    }

    private async Task LinkAsync(TcpClient caller, int to, int port)
    {
        using (caller)
        using (var called = new TcpClient())
        {
            try
            {
                var from = NodeOf((IPEndPoint)caller.Client.RemoteEndPoint!);
                await UntilOpenAsync(from, to);
                await called.ConnectAsync(IPAddress.Parse($"127.0.0.{to}"), port, _stop.Token);
                var ways = new[] { PumpAsync(caller, called, from, to), PumpAsync(called, caller, from, to) };
                await Task.WhenAny(ways);
                caller.Close();
                called.Close();
                await Task.WhenAll(ways);
            }
            catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException or OperationCanceledException)
            {
                // One of the nodes is gone, or the test is over.
            }
        }
    }

    private async Task PumpAsync(TcpClient from, TcpClient to, int one, int other)
    {
        var buffer = new byte[16384];
        while (true)
        {
            var length = await from.GetStream().ReadAsync(buffer, _stop.Token);
            if (length == 0) return;
            await UntilOpenAsync(one, other);
            await to.GetStream().WriteAsync(buffer.AsMemory(0, length), _stop.Token);
        }
    }

    private async Task UntilOpenAsync(int one, int other)
    {
        while (true)
        {
            var changed = _changed.Task;
            var sides = _sides;
            if (!sides.TryGetValue(one, out var a) || !sides.TryGetValue(other, out var b) || a == b) return;
            await changed.WaitAsync(_stop.Token);
        }
    }

    /// <summary>By the socket's inode in the tables of the system. 0: nobody's that is known.</summary>
    private int NodeOf(IPEndPoint local)
    {
        var hexadecimal = $"{Convert.ToHexString(local.Address.GetAddressBytes().Reverse().ToArray())}:{local.Port:X4}";
        var row = File.ReadLines("/proc/net/tcp").Select(l => l.Split(' ', StringSplitOptions.RemoveEmptyEntries)).FirstOrDefault(l => l[1] == hexadecimal);
        if (row is null) return 0;
        var socket = string.Create(CultureInfo.InvariantCulture, $"socket:[{row[9]}]");
        foreach (var (process, number) in _processes)
            if (Directory.Exists($"/proc/{process}/fd") && Directory.EnumerateFileSystemEntries($"/proc/{process}/fd").Any(f => new FileInfo(f).LinkTarget == socket))
                return number;
        return 0;
    }
}
