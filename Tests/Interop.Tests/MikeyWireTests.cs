using System.Security.Cryptography;
using System.Text.Json;
using ConfCluster.Protocols.Mikey;
using ConfCluster.Protocols.Mikey.Payloads;
using ConfCluster.Protocols.Wire;
using ConfCluster.Support;
using Xunit;

namespace ConfCluster.Interop.Tests;

/// <summary>
/// What others read in our MIKEY messages. tshark 4.0 knows RFC 3830 and IDR; at the first payload that is newer (TR, RANDR, TP, TICKET) or in a GENERIC-ID map
/// it loses the thread, so of MIKEY-TICKET only HDR is compared. GStreamer never comes back from a payload that it does not know, ID included.
/// </summary>
[Collection("alone")]
public sealed class MikeyWireTests(MikeyNode node) : IClassFixture<MikeyNode>
{
    private const string Alice = "sip:alice@example.com";

    [SkippableFact]
    public async Task Tshark_reads_every_field_of_messages_of_RFC_3830_as_we_do()
    {
        var messages = Rfc3830().ToList();
        Assert.True(messages.Count >= 10, $"{messages.Count} messages");
        var read = await MikeyFields.ByTsharkAsync(messages, headOnly: false);
        for (var i = 0; i < messages.Count; i++) Assert.Equal(MikeyFields.ByUs(messages[i], headOnly: false), read[i]);

        // One octet of the SSRC, and the comparison sees it.
        var other = (byte[])messages[^1].Clone();
        other[12] ^= 1;
        Assert.NotEqual(MikeyFields.ByUs(messages[^1], headOnly: false), (await MikeyFields.ByTsharkAsync([other], headOnly: false))[0]);
    }

    [SkippableFact]
    public async Task Tshark_reads_the_header_of_every_ticket_message_as_we_do()
    {
        var messages = Tickets().ToList();
        Assert.True(messages.Count >= 30, $"{messages.Count} messages");
        var read = await MikeyFields.ByTsharkAsync(messages, headOnly: true);
        for (var i = 0; i < messages.Count; i++) Assert.Equal(MikeyFields.ByUs(messages[i], headOnly: true), read[i]);
    }

    [SkippableFact]
    public async Task Tshark_reads_the_messages_of_a_call_as_we_do()
    {
        using var capture = await Capture.StartAsync(node, $" or tcp port {node.HttpPort}");
        await CallAsync();
        await capture.StopAsync();

        var inSip = (await capture.ReadAsync("sip && sdp", "frame.number", "sdp.media_attribute.value"))
            .SelectMany(row => row[1].Split('|')).Where(v => v.StartsWith("mikey ", StringComparison.Ordinal)).Select(v => Convert.FromBase64String(v["mikey ".Length..])).ToList();
        var types = inSip.Select(o => MikeyReader.TryRead(o, out var m, out _) ? m!.Header.Type : throw new InvalidDataException()).ToList();
        Assert.True(types.Count >= 4 && types.Count(t => t == MessageType.TransferInit) == types.Count(t => t == MessageType.TransferResponse), string.Join(' ', types));
        var read = await MikeyFields.ByTsharkAsync(inSip, headOnly: true);
        for (var i = 0; i < inSip.Count; i++) Assert.Equal(MikeyFields.ByUs(inSip[i], headOnly: true), read[i]);

        // To and from the KMS tshark finds them by itself, by their media type.
        var asked = await capture.ReadAsync("http && mikey", "frame.number", "mikey.type", "mikey.csb_id", "mikey.cs_count", "mikey.t.ntp");
        Assert.Equal(["11", "13", "16", "18"], asked.Select(r => r[1]));
        Assert.Equal((asked[0][2], asked[2][2]), (asked[1][2], asked[3][2]));
        Assert.All(asked, r => Assert.Equal("0", r[3]));
        Assert.All(asked, r => Assert.NotEmpty(r[4]));
    }

    [SkippableFact]
    public async Task Requests_that_would_not_fit_into_a_datagram_go_over_TCP()
    {
        using var capture = await Capture.StartAsync(node);
        await CallAsync();
        await capture.StopAsync();
        var offers = await capture.ReadAsync("sip.Method && sdp", "frame.number", "sip.Method", "ip.proto", "sdp.media_attribute.value", "udp.length");
        var withTicket = offers.Where(o => o[3].Contains("mikey ", StringComparison.Ordinal)).ToList();
        Assert.Superset(new HashSet<string>(["INVITE", "UPDATE"]), withTicket.Select(o => o[1]).ToHashSet());
        Assert.All(withTicket, o => Assert.Equal("6", o[2]));
        Assert.All(offers.Where(o => o[2] == "17"), o => Assert.True(int.Parse(o[4], System.Globalization.CultureInfo.InvariantCulture) <= 1308, string.Join(' ', o)));
    }

    [SkippableTheory]
    [InlineData(16, false)]
    [InlineData(32, true)]
    public async Task GStreamer_reads_what_it_can_read_as_we_do(int keyLength, bool is256)
    {
        var library = "/usr/lib/x86_64-linux-gnu/libgstsdp-1.0.so.0";
        Peers.RequireThat(File.Exists(library) || Directory.EnumerateFiles("/usr/lib", "libgstsdp-1.0.so.0", SearchOption.AllDirectories).Any(), "libgstsdp is not installed (package libgstreamer-plugins-base1.0-0)");
        using var key = new TransportedKey(
            KeyType.TekWithSalt, SecretBytes.Create(keyLength, RandomNumberGenerator.Fill), SecretBytes.Create(14, RandomNumberGenerator.Fill), new KeyValidity.Named(Octets.CopyOf([0, 0, 0, 9])));
        var policy = is256 ? SrtpPolicy.AesCm256Tag80 : SrtpPolicy.AesCm128Tag80;
        var rand = Octets.CopyOf(RandomNumberGenerator.GetBytes(keyLength));
        var message = new MikeyMessage(
            new MikeyHeader(MessageType.PreShared, V: true, PrfFunction.Mikey1, 0x01020304, new CsIdMap.Srtp(new([new SrtpSession(0, 0x11223344, 5), new SrtpSession(0, 0, 0)]))),
            new Timestamp(new MikeyTime(TimestampType.NtpUtc, 0xC8E350EA12345678)), new RandomValue(rand), policy.ToPayload(0), KeyTransport.Wish(key));
        var lines = await ByGStreamerAsync(MikeyWriter.Write(message));
        var parameters = string.Join(' ', policy.ToPayload(0).Parameters.Select(p => $"{p.Type}={Convert.ToHexStringLower(p.Value.Span)}"));
        Assert.Equal(
            [
                "HDR 1 0 1 0 01020304 0", "CS 0 11223344 5", "CS 0 00000000 0", "T 0 c8e350ea12345678", $"RAND {Convert.ToHexStringLower(rand.Span)}", $"SP 0 0 {parameters}",
                "KEMAC 0 0", $"KEY {Convert.ToHexStringLower(key.Key.Reveal())} {Convert.ToHexStringLower(key.Salt!.Reveal())} 00000009",
            ],
            lines);
    }

    private static async Task<string[]> ByGStreamerAsync(Octets message)
    {
        var python = File.Exists("/usr/bin/python3") ? "/usr/bin/python3" : Peers.Require("python3", "python3");
        var script = Path.Combine(AppContext.BaseDirectory, "GStreamer", "mikey_reader.py");
        // The limit is for the messages that it never comes back from.
        using var reader = await ChildProcess.RunAsync(python, [script, Convert.ToHexStringLower(message.Span)], TimeSpan.FromSeconds(20));
        Assert.True(reader.ExitCode == 0, reader.Output);
        return reader.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
    }

    /// <summary>Messages of RFC 3830 alone: the example of RFC 4567, those that were computed elsewhere, and our own.</summary>
    private static IEnumerable<byte[]> Rfc3830()
    {
        foreach (var m in VectorFile.Json("mikey/mikey_rfc4567_examples.json").GetProperty("messages").EnumerateArray())
            yield return Convert.FromBase64String(m.GetProperty("base64").GetString()!);
        foreach (var v in VectorFile.Json("mikey/mikey_messages_computed.json").GetProperty("rfc3830_psk").EnumerateArray().Concat(Ours("psk-128", "psk-256")))
            foreach (var name in (string[])["I_MESSAGE", "R_MESSAGE"])
                yield return Convert.FromHexString(v.GetProperty(name).GetString()!);
    }

    private static IEnumerable<byte[]> Tickets()
    {
        foreach (var scenario in VectorFile.Json("mikey/mikey_messages_computed.json").GetProperty("mikey_ticket").EnumerateArray())
            foreach (var m in scenario.GetProperty("messages").EnumerateArray())
                yield return Convert.FromHexString(m.GetProperty("hex").GetString()!);
        foreach (var exchange in Ours("ticket-128", "ticket-256-forking", "ticket-128-responder-rand"))
            foreach (var m in exchange.EnumerateObject())
                yield return Convert.FromHexString(m.Value.GetString()!);
    }

    private static IEnumerable<JsonElement> Ours(params string[] names) => names.Select(n => VectorFile.Json($"mikey-ours/{n}.json").GetProperty("messages"));

    /// <summary>A phone with a ticket, and a second one with SDES that comes and leaves, so that the key changes.</summary>
    private async Task CallAsync()
    {
        var directory = Directory.CreateTempSubdirectory("confcluster-mikey-call-").FullName;
        try
        {
            var conference = $"wire{RandomNumberGenerator.GetInt32(1_000_000)}";
            using var ticket = NodeUnderTest.Call([$"sip:{conference}@127.0.0.1:{node.SipPort}", "--for", "60s", "--json", .. node.KeysOf(Alice)], directory);
            await node.UntilParticipants(conference, 1);
            using var sdes = NodeUnderTest.Call([$"sip:{conference}@127.0.0.1:{node.SipPort}", "--for", "60s", "--mki"], directory);
            await node.UntilParticipants(conference, 2);
            await node.UntilSettledAsync(conference);
            sdes.Signal(15);
            await node.UntilParticipants(conference, 1);
            await node.UntilSettledAsync(conference);
            ticket.Signal(15);
            await Task.WhenAll(sdes.WaitAsync(TimeSpan.FromSeconds(20)), ticket.WaitAsync(TimeSpan.FromSeconds(20)));
            Assert.Equal(0, ticket.ExitCode);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }
}
