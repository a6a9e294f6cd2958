using System.Net;
using System.Net.Sockets;
using System.Text;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Srtp;
using ConfCluster.Protocols.Wire;
using Xunit;

namespace ConfCluster.Interop.Tests;

/// <summary>tshark reads what we send: signalling and media of whole calls, captured on loopback, without one complaint.</summary>
[Collection("alone")]
public sealed class WireTests(WireNode node) : IClassFixture<WireNode>
{
    private const string Foreign = "127.0.0.3";

    [SkippableFact]
    public async Task Tshark_reads_our_messages_without_a_warning()
    {
        using var capture = await Capture.StartAsync(node, $" or host {Foreign}");
        await CallsAsync();
        await capture.StopAsync();

        var complaints = await capture.ComplaintsAsync();
        Assert.True(complaints.Count == 0, $"{(complaints.Count == 0 ? "" : await capture.DetailsAsync())}\n\n{string.Join('\n', complaints)}");
        await SawAllAsync(capture);
    }

    [SkippableFact]
    public async Task The_check_finds_what_is_wrong()
    {
        using var capture = await Capture.StartAsync(node);
        using var socket = new UdpClient(new IPEndPoint(IPAddress.Loopback, 0));
        var broken = "OPTIONS sip:x@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\n" +
            "Call-ID: 1\r\nCSeq: 1 OPTIONS\r\nContent-Type: application/sdp\r\nContent-Length: 7\r\n\r\nno sdp\n";
        await socket.SendAsync(Encoding.ASCII.GetBytes(broken), "127.0.0.1", node.SipPort);
        await capture.StopAsync();
        Assert.NotEmpty(await capture.ComplaintsAsync());
    }

    [SkippableFact]
    public async Task Tshark_reads_our_RTCP_once_it_is_decrypted()
    {
        Peers.Require("tshark", "tshark");
        using var media = new UdpClient(new IPEndPoint(IPAddress.Loopback, 0));
        using var caller = new RawCaller(node.SipPort, "rtcp");
        var port = ((IPEndPoint)media.Client.LocalEndPoint!).Port;
        await caller.InviteAsync(port, port);
        var packets = await DecryptedRtcpAsync(media, caller.ReceiveKey, 6);
        await caller.ByeAsync();
        var complaints = await Capture.ComplaintsAsync(packets, "rtcp");
        Assert.True(complaints.Count == 0, string.Join('\n', complaints));
        Assert.NotEmpty(await Capture.ComplaintsAsync([.. packets, [0x80, 200, 0, 20, 0, 0, 0, 1]], "rtcp"));
    }

    private static async Task<List<byte[]>> DecryptedRtcpAsync(UdpClient media, string key, int count)
    {
        var profile = SrtpProfile.AesCm128HmacSha1Tag80;
        using var ring = new KeyRing(profile);
        ring.Install(new MasterKey(profile, SecretBytes.CopyOf(Convert.FromBase64String(key)), Mki.None));
        var receiver = new SrtcpReceiver(ring, 4);
        var opened = new List<byte[]>();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (opened.Count < count)
        {
            var packet = (await media.ReceiveAsync(limit.Token)).Buffer;
            if (!RtpHeader.LooksLikeRtcp(packet)) continue;
            Assert.Equal(UnprotectError.None, receiver.Unprotect(packet, out var length));
            opened.Add(packet[..length]);
        }

        return opened;
    }

    private async Task CallsAsync()
    {
        string[] refused = ["no-keys", "bad-key", "wrong-type", "unknown-extension", "unknown-dialog", "bad-sdp", "unknown-method", "out-of-order"];
        string[] answered = ["basic", "hold", "update", "offerless", "offerless-reinvite", "cancel", "late-ack", "in-dialog-options"];
        using var kamailio = await Kamailio.StartAsync(node, "tcp");
        var directory = Directory.CreateTempSubdirectory("confcluster-wire-").FullName;
        try
        {
            using var first = Softphone(directory, "udp");
            using var second = Softphone(directory, "tcp");
            await Task.WhenAll(refused.Concat(answered).Select(s => Sipp.RunAsync(node, $"{s}.xml", $"wire-{s}", 1, "-i", Foreign)));
            await Sipp.RunAsync(node, "basic.xml", "wire-tcp", 1, "-i", Foreign, "-t", "t1");
            using var proxied = Sipp.StartThrough(kamailio.Target, node, "proxy-call.xml", "wire-proxied", "-i", Foreign);
            await proxied.EndsWellAsync();
            await node.UntilParticipants("wire", 2);
            await CalledAsync("dialled.xml");
            await CalledAsync("busy.xml");
            await Task.Delay(TimeSpan.FromSeconds(2));
            await node.EndAsync("wire");
            await first.WaitAsync(TimeSpan.FromSeconds(20));
            await second.WaitAsync(TimeSpan.FromSeconds(20));
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private async Task CalledAsync(string scenario)
    {
        var port = NodeUnderTest.FreePort(Foreign);
        using var callee = Sipp.Await(node, scenario, port, "-i", Foreign);
        await node.ConferenceAsync("invite", "wire", $"sip:bob@{Foreign}:{port}");
        await callee.EndsWellAsync();
    }

    private ChildProcess Softphone(string directory, string transport) =>
        NodeUnderTest.Call([$"sip:wire@127.0.0.1:{node.SipPort}", "--tone", "440", "--for", "60s", "--transport", transport], directory);

    /// <summary>An empty list of complaints is worth what was looked at.</summary>
    private static async Task SawAllAsync(Capture capture)
    {
        var statuses = await Column("sip.Status-Code", "sip.Status-Code");
        Assert.Superset(new HashSet<string>(["100", "200", "400", "415", "420", "481", "488", "500", "501"]), statuses);
        Assert.Superset(new HashSet<string>(["INVITE", "ACK", "BYE"]), await Column("sip.Method", "sip.Method"));
        Assert.NotEmpty(await capture.ReadAsync("ip.src == 127.0.0.1 && tcp && sdp", "frame.number", "frame.len"));
        Assert.True((await capture.ReadAsync("ip.src == 127.0.0.1 && rtp", "frame.number", "frame.len")).Count > 200, "RTP is seen");
        Assert.NotEmpty(await capture.ReadAsync("ip.src == 127.0.0.1 && srtcp", "frame.number", "frame.len"));
        // The SDP of offer and answer name every port that media come from: nothing is left that tshark cannot place.
        Assert.Empty(await capture.ReadAsync("ip.src == 127.0.0.1 && data", "frame.number", "frame.len"));

        async Task<HashSet<string>> Column(string filter, string field) =>
            [.. (await capture.ReadAsync($"ip.src == 127.0.0.1 && {filter}", "frame.number", field)).Select(r => r[1])];
    }
}

public sealed class WireNode : NodeUnderTest
{
    protected override IEnumerable<string> Settings => ["media.rtcp-interval=500ms", "sip.outbound.allow=[\"*@127.0.0.3\"]"];
}
