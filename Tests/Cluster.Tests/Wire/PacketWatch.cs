using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using ConfCluster.Cluster.Tests.Processes;
using Xunit;

namespace ConfCluster.Cluster.Tests.Wire;

/// <summary>
/// Sees all media of the nodes of a cluster on loopback, by dumpcap (package tshark). Without it, or without the right to capture, a test is skipped with the reason;
/// with <c>CI=true</c> it fails.
/// </summary>
internal sealed class PacketWatch : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(50);
    private readonly TemporaryDirectory _directory = new();
    private readonly StringBuilder _said = new();
    private readonly Process _dumpcap;
    private readonly string _file;
    private readonly int _port;

    private PacketWatch(string program, int firstPort, int lastPort)
    {
        (_port, _file) = (firstPort, Path.Combine(_directory.Path, "loopback.pcap"));
        var start = new ProcessStartInfo(program) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        string[] arguments = ["-P", "-i", "lo", "-f", $"udp portrange {firstPort}-{lastPort}", "-s", "0", "-B", "16", "-w", _file];
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        _dumpcap = Leftovers.Of(Process.Start(start) ?? throw new InvalidOperationException($"{program} did not start"));
        _dumpcap.OutputDataReceived += Keep;
        _dumpcap.ErrorDataReceived += Keep;
        _dumpcap.BeginOutputReadLine();
        _dumpcap.BeginErrorReadLine();
    }

    private string Said
    {
        get
        {
            lock (_said) return _said.ToString();
        }
    }

    /// <summary>From now on nothing from or to these ports is missed.</summary>
    public static async Task<PacketWatch> StartAsync(int firstPort, int lastPort)
    {
        var program = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Select(d => Path.Combine(d, "dumpcap")).FirstOrDefault(File.Exists);
        Require(program is not null, "dumpcap is not installed (package tshark)");
        var watch = new PacketWatch(program!, firstPort, lastPort);
        var sees = false;
        try
        {
            await watch.UntilAsync(() => watch._dumpcap.HasExited || watch.Said.Contains("File: ", StringComparison.Ordinal), "dumpcap to begin");
            Require(!watch._dumpcap.HasExited, $"no right to capture on loopback: {watch.Said}");
            sees = true;
            return watch;
        }
        finally
        {
            if (!sees) await watch.DisposeAsync();
        }
    }

    /// <summary>Ends it when all of what was sent stands in the file: a packet of its own, sent last, does.</summary>
    public async Task<IReadOnlyList<Datagram>> StopAsync()
    {
        byte[] mark = [(byte)'M', .. RandomNumberGenerator.GetBytes(32)];
        using var marker = new UdpClient(new IPEndPoint(IPAddress.Loopback, 0));
        await marker.SendAsync(mark, "127.0.0.9", _port);
        await UntilAsync(() => Content().AsSpan().IndexOf(mark) >= 0, "the mark that ends the capture");
        NodeProcess.End(_dumpcap.Id);
        using var limit = new CancellationTokenSource(Patience);
        await _dumpcap.WaitForExitAsync(limit.Token);
        Assert.Matches(@"received/dropped on interface '[^']*': \d+/0 ", Said);
        return PcapFile.Read(Content());
    }

    public async ValueTask DisposeAsync()
    {
        if (!_dumpcap.HasExited) _dumpcap.Kill();
        await _dumpcap.WaitForExitAsync();
        _dumpcap.Dispose();
        _directory.Dispose();
    }

    private static void Require(bool isSo, string reason)
    {
        if (Environment.GetEnvironmentVariable("CI") == "true") Assert.True(isSo, reason);
        Skip.IfNot(isSo, reason);
    }

    private void Keep(object sender, DataReceivedEventArgs line)
    {
        lock (_said) _said.AppendLine(line.Data);
    }

    private byte[] Content()
    {
        using var file = new FileStream(_file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var bytes = new MemoryStream();
        file.CopyTo(bytes);
        return bytes.ToArray();
    }

    private async Task UntilAsync(Func<bool> isSo, string what)
    {
        var since = Stopwatch.StartNew();
        while (!isSo())
        {
            Assert.True(since.Elapsed < Patience, $"waited {Patience.TotalSeconds} s for {what}: {Said}");
            await Task.Delay(LookAgain);
        }
    }
}
