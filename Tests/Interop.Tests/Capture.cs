using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Xunit;

namespace ConfCluster.Interop.Tests;

/// <summary>
/// What travelled over loopback, read by tshark. Ours is what 127.0.0.1 sent; foreign programs send from other loopback addresses.
/// Capturing needs root or the right to it.
/// </summary>
internal sealed class Capture : IDisposable
{
    /// <summary>Notes of tshark that are no fault, by how they begin, each with its reason. Whatever else it says about a packet of ours is.</summary>
    private static readonly Dictionary<string, string> NoFaults = new()
    {
        ["Encrypted RTCP Payload - not dissected"] = "SRTCP is encrypted; what is inside is read in a test of its own",
        ["Connection establish request (SYN): server port"] = "how TCP begins",
        ["Connection establish acknowledge (SYN+ACK): server port"] = "how TCP begins",
        ["Connection finish (FIN)"] = "how TCP ends",
        ["This frame initiates the connection closing"] = "how TCP ends",
        ["This frame undergoes the connection closing"] = "how TCP ends",
        ["Possible traceroute"] = "a guess at ports from 33434 on, which the system gives to a phone now and then",
        ["Connection reset (RST)"] = "how TCP ends when the peer is a process that was stopped",
    };

    /// <summary>Where the packet that ends a capture comes from and goes to, so that no node hears it.</summary>
    private const string Marker = "127.0.0.9";

    private static readonly string[] MayShowKey = ["inline", "key", "salt"];

    private readonly string _directory = Directory.CreateTempSubdirectory("confcluster-capture-").FullName;
    private readonly ChildProcess? _dumpcap;
    private readonly string _file;
    private readonly string[] _decode;
    private readonly int _captured;

    private Capture(int sipPort, string filter)
    {
        _captured = sipPort;
        var program = Peers.Require("dumpcap", "wireshark-common");
        Peers.Require("tshark", "tshark");
        _file = Path.Combine(_directory, "loopback.pcapng");
        _decode = DecodeAs(sipPort);
        _dumpcap = ChildProcess.Start(program, ["-q", "-i", "lo", "-f", filter, "-B", "16", "-w", _file]);
    }

    public static async Task<Capture> StartAsync(NodeUnderTest node, string more = "")
    {
        var capture = new Capture(node.SipPort, $"port {node.SipPort} or udp portrange {node.FirstMediaPort}-{node.FirstMediaPort + 499}{more}");
        var deadline = DateTime.UtcNow.AddSeconds(20);
        while (!capture._dumpcap!.HasExited && !capture._dumpcap.Output.Contains("File: ", StringComparison.Ordinal) && DateTime.UtcNow < deadline)
            await Task.Delay(50);
        var refused = capture._dumpcap.HasExited;
        Peers.RequireThat(!refused, $"no right to capture on loopback: {capture._dumpcap.Output}");
        return capture;
    }

    /// <summary>Ends the capture when all of what was sent has been written: a packet of the test's own, sent last, stands in the file.</summary>
    public async Task StopAsync()
    {
        var mark = RandomNumberGenerator.GetBytes(32);
        using var marker = new UdpClient(new IPEndPoint(IPAddress.Parse(Marker), 0));
        await marker.SendAsync(mark, Marker, _captured);
        var deadline = DateTime.UtcNow.AddSeconds(20);
        while (!await HoldsAsync(mark))
        {
            Assert.True(DateTime.UtcNow < deadline, $"the capture did not see the mark that ends it: {_dumpcap!.Output}");
            await Task.Delay(50);
        }

        _dumpcap!.Signal(15);
        await _dumpcap.WaitAsync(TimeSpan.FromSeconds(20));
    }

    /// <summary>One row of fields per packet that the display filter lets through.</summary>
    public Task<IReadOnlyList<string[]>> ReadAsync(string filter, params string[] fields) => ReadAsync(_file, _decode, filter, fields);

    /// <summary>What tshark has to say against packets of ours; empty is what we want.</summary>
    public Task<IReadOnlyList<string>> ComplaintsAsync(string ours = "ip.src == 127.0.0.1") => ComplaintsAsync(_file, _decode, ours);

    /// <summary>Packets that were never on a wire in the clear, such as RTCP after decryption, in a file of their own.</summary>
    public static async Task<IReadOnlyList<string>> ComplaintsAsync(IEnumerable<byte[]> packets, string protocol)
    {
        var program = Peers.Require("text2pcap", "wireshark-common");
        var directory = Directory.CreateTempSubdirectory("confcluster-packets-").FullName;
        try
        {
            var hex = Path.Combine(directory, "packets.txt");
            await File.WriteAllLinesAsync(hex, packets.Select(p => $"000000 {string.Join(' ', p.Select(b => b.ToString("x2", CultureInfo.InvariantCulture)))}"));
            var file = Path.Combine(directory, "packets.pcap");
            using var written = await ChildProcess.RunAsync(program, ["-q", "-u", "5005,5005", hex, file], TimeSpan.FromSeconds(30));
            Assert.True(written.ExitCode == 0, written.Output);
            string[] decode = ["-d", $"udp.port==5005,{protocol}"];
            var seen = await ReadAsync(file, decode, protocol, "frame.number", "frame.len");
            Assert.Equal(packets.Count(), seen.Count);
            return await ComplaintsAsync(file, decode, protocol);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private async Task<bool> HoldsAsync(byte[] mark)
    {
        await using var file = new FileStream(_file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var bytes = new MemoryStream();
        await file.CopyToAsync(bytes);
        return bytes.ToArray().AsSpan().IndexOf(mark) >= 0;
    }

    private static async Task<IReadOnlyList<string>> ComplaintsAsync(string file, string[] decode, string ours)
    {
        var rows = await ReadAsync(file, decode, $"({ours}) && (_ws.malformed || _ws.expert)", "frame.number", "_ws.expert.message", "_ws.col.Info");
        return
        [
            .. from row in rows
               let notes = row[1].Split('|', StringSplitOptions.RemoveEmptyEntries).Where(n => !NoFaults.Keys.Any(n.StartsWith)).ToArray()
               where notes.Length > 0 || row[1].Length == 0
               select $"packet {row[0]}, {row[2]}: {string.Join(" | ", notes)}",
        ];
    }

    /// <summary>How a complaint looks from close: the packets that tshark does not like, without their keys.</summary>
    public async Task<string> DetailsAsync()
    {
        using var tshark = await ChildProcess.RunAsync(
            "tshark", ["-r", _file, .. _decode, "-V", "-Y", "ip.src == 127.0.0.1 && (sip || rtcp || rtp) && (_ws.malformed || _ws.expert)"], TimeSpan.FromSeconds(60));
        var lines = tshark.Output.Split('\n').Where(l => !MayShowKey.Any(word => l.Contains(word, StringComparison.OrdinalIgnoreCase)));
        var text = string.Join('\n', lines);
        return text.Length <= 8000 ? text : text[..8000];
    }

    public void Dispose()
    {
        _dumpcap?.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    private static async Task<IReadOnlyList<string[]>> ReadAsync(string file, string[] decode, string filter, params string[] fields)
    {
        using var tshark = await ChildProcess.RunAsync(
            "tshark",
            ["-r", file, .. decode, "-Y", filter, "-T", "fields", "-E", "separator=/t", "-E", "aggregator=|", .. fields.SelectMany(f => new[] { "-e", f })],
            TimeSpan.FromSeconds(60));
        Assert.True(tshark.ExitCode == 0, tshark.Output);
        return
        [
            .. tshark.Output.Split('\n').Where(l => l.Contains('\t', StringComparison.Ordinal) || (fields.Length == 1 && l.Length > 0))
                .Select(l => l.TrimEnd('\r').Split('\t')).Where(r => r.Length == fields.Length),
        ];
    }

    private static string[] DecodeAs(int sipPort)
    {
        var port = sipPort.ToString(CultureInfo.InvariantCulture);
        return ["-d", $"udp.port=={port},sip", "-d", $"tcp.port=={port},sip"];
    }
}
