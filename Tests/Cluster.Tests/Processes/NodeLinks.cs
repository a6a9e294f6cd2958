using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;

namespace ConfCluster.Cluster.Tests.Processes;

/// <summary>
/// Stands between the nodes of a cluster, so that a test can part them or slow them down without rights on the machine: each node listens for the others on a port of its own,
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
    private volatile Dictionary<int, TimeSpan> _delays = [];
    private int _strangers;

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
    /// <exception cref="InvalidOperationException">There is a connection of which it is not known whose it is.</exception>
    public void Part(params int[][] groups)
    {
        ThrowForStrangers();
        Set(groups.SelectMany((g, i) => g.Select(n => (n, i))).ToDictionary(p => p.n, p => p.i));
    }

    /// <summary>What one of these nodes sends to others or is sent comes later, each way; none: all at once again.</summary>
    /// <exception cref="InvalidOperationException">There is a connection of which it is not known whose it is.</exception>
    public void Slow(TimeSpan delay, params int[] nodes)
    {
        ThrowForStrangers();
        _delays = nodes.ToDictionary(n => n, _ => delay);
    }

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
        var from = -1;
        using (caller)
        using (var called = new TcpClient())
        {
            try
            {
                from = NodeOf((IPEndPoint)caller.Client.RemoteEndPoint!);
                if (from == 0) Interlocked.Increment(ref _strangers);
                await UntilOpenAsync(from, to);
                await called.ConnectAsync(IPAddress.Parse($"127.0.0.{to}"), port, _stop.Token);
                var (one, other) = (caller.GetStream(), called.GetStream());
                var ways = new[] { PumpAsync(one, other, from, to), PumpAsync(other, one, from, to) };
                await Task.WhenAny(ways);
                caller.Close();
                called.Close();
                await Task.WhenAll(ways);
            }
            catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException or OperationCanceledException)
            {
                // One of the nodes is gone, or the test is over.
            }
            finally
            {
                if (from == 0) Interlocked.Decrement(ref _strangers);
            }
        }
    }

    private void ThrowForStrangers()
    {
        var strangers = Volatile.Read(ref _strangers);
        if (strangers > 0) throw new InvalidOperationException($"{strangers} connections between nodes are of processes that are not known");
    }

    private async Task PumpAsync(NetworkStream from, NetworkStream to, int one, int other)
    {
        var way = Channel.CreateBounded<(long Due, byte[] Bytes)>(64);
        var take = TakeAsync(from, way.Writer, one, other);
        try
        {
            await GiveAsync(way.Reader, to, one, other);
        }
        finally
        {
            from.Close();
            to.Close();
        }

        await take;
    }

    private async Task TakeAsync(NetworkStream from, ChannelWriter<(long Due, byte[] Bytes)> way, int one, int other)
    {
        try
        {
            var buffer = new byte[16384];
            while (await from.ReadAsync(buffer, _stop.Token) is var length and > 0)
                await way.WriteAsync((Environment.TickCount64 + (long)DelayOf(one, other).TotalMilliseconds, buffer[..length]), _stop.Token);
        }
        finally
        {
            way.Complete();
        }
    }

    private async Task GiveAsync(ChannelReader<(long Due, byte[] Bytes)> way, NetworkStream to, int one, int other)
    {
        await foreach (var (due, bytes) in way.ReadAllAsync(_stop.Token))
        {
            if (due - Environment.TickCount64 is var wait and > 0) await Task.Delay(TimeSpan.FromMilliseconds(wait), _stop.Token);
            await UntilOpenAsync(one, other);
            await to.WriteAsync(bytes, _stop.Token);
        }
    }

    private TimeSpan DelayOf(int one, int other)
    {
        var delays = _delays;
        var (a, b) = (delays.GetValueOrDefault(one), delays.GetValueOrDefault(other));
        return a > b ? a : b;
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

    /// <summary>By the socket's inode in the tables of the system. 0: nobody's that is known, as when it has ended meanwhile.</summary>
    private int NodeOf(IPEndPoint local)
    {
        if (InodeOf(local) is not { } inode) return 0;
        var socket = $"socket:[{inode}]";
        foreach (var (process, number) in _processes)
            if (Directory.Exists($"/proc/{process}/fd") && Directory.EnumerateFileSystemEntries($"/proc/{process}/fd").Any(f => new FileInfo(f).LinkTarget == socket))
                return number;
        return 0;
    }

    /// <summary>A socket of both families stands in the table of IPv6, with its address mapped.</summary>
    private static string? InodeOf(IPEndPoint local)
    {
        var address = Convert.ToHexString(local.Address.MapToIPv4().GetAddressBytes().Reverse().ToArray());
        foreach (var (table, before) in new[] { ("/proc/net/tcp", ""), ("/proc/net/tcp6", "0000000000000000FFFF0000") })
        {
            var row = File.ReadLines(table).Select(l => l.Split(' ', StringSplitOptions.RemoveEmptyEntries)).FirstOrDefault(l => l[1] == $"{before}{address}:{local.Port:X4}");
            if (row is not null) return row[9];
        }

        return null;
    }
}
