using System.Globalization;
using System.Text.Json;
using Xunit;

namespace ConfCluster.Interop.Tests;

/// <summary>
/// One conference of phones with a ticket, one that never notices and two foreign ones that tell keys by MKI, while others with and without a ticket come and
/// leave. All share one key; the packets themselves show under which.
/// </summary>
[Collection("alone")]
public sealed class MikeyPeersTests(MikeyNode node) : IClassFixture<MikeyNode>, IDisposable
{
    private const string Conference = "tickets";
    private const int BaresipMedia = 32000;

    /// <summary>MKIs of group keys are small; of the two highest bits one is set in those of a leg's own key and of a phone's.</summary>
    private const uint NotGroup = 0xC0000000;

    private static readonly double[] Tones = [440, 554, 659, 880, 1100];
    private readonly string _directory = Directory.CreateTempSubdirectory("confcluster-tickets-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [SkippableFact]
    public async Task Phones_with_tickets_and_with_SDES_hear_each_other_under_the_same_keys()
    {
        using var capture = await Capture.StartAsync(node);
        using var alice = Softphone("alice", 440, node.KeysOf("sip:alice@example.com"));
        using var bob = Softphone("bob", 554, [.. node.KeysOf("sip:bob@example.com"), "--no-update"]);
        using var baresip = Baresip.Start(_directory, "baresip", 26060, 26090, BaresipMedia, 659);
        await node.UntilParticipants(Conference, 2);
        await baresip.CommandAsync("dial", $"sip:{Conference}@127.0.0.1:{node.SipPort}");
        using var gst = await MkiPhone.GStreamerAsync(node, Conference, _directory, 32040, 880);
        using var libsrtp = await MkiPhone.LibSrtpAsync(node, Conference, _directory, 32050, 1100);
        await node.UntilParticipants(Conference, 5);
        await node.UntilSettledAsync(Conference);

        // Those who come and leave: with a ticket, with SDES and MKI.
        for (var round = 0; round < 8; round++)
        {
            var keys = round % 2 == 0 ? node.KeysOf("sip:carol@example.com") : ["--mki"];
            using var guest = Softphone($"guest{round}", null, keys);
            await node.UntilParticipants(Conference, 6);
            await node.UntilSettledAsync(Conference);
            guest.Signal(15);
            await node.UntilParticipants(Conference, 5);
            await node.UntilSettledAsync(Conference);
            await guest.WaitAsync(TimeSpan.FromSeconds(20));
            IsClean($"guest {round}", guest);
        }

        await gst.HangUpAsync();
        await libsrtp.HangUpAsync();
        await baresip.HangUpAsync();
        foreach (var phone in (ChildProcess[])[alice, bob])
        {
            phone.Signal(15);
            await phone.WaitAsync(TimeSpan.FromSeconds(20));
        }

        await node.UntilParticipants(Conference, 0);
        await capture.StopAsync();

        IsClean("alice", alice);
        IsClean("bob", bob);
        PeerSound.IsRight("alice", Path.Combine(_directory, "alice.wav"), 440, Tones, $"{alice.Output}\n{node.Log}");
        PeerSound.IsRight("bob", Path.Combine(_directory, "bob.wav"), 554, Tones, $"{bob.Output}\n{node.Log}");
        PeerSound.IsRight("baresip", baresip.Heard, 659, Tones, node.Log);
        foreach (var (phone, tone) in new[] { (gst, 880.0), (libsrtp, 1100.0) })
        {
            Assert.True(phone.Unopened == 0 && !phone.Signalling.WasHungUp, $"{phone.Name}: {string.Join(' ', phone.Counts)}\n{node.Log}");
            PeerSound.IsRight(phone.Name, phone.Heard, tone, Tones, node.Log);
        }

        await AreUnderTheSameKeysAsync(capture);
    }

    /// <summary>By port that the node sent to: the MKIs of its packets in their order. Each is a piece of the longest one, without a hole.</summary>
    private async Task AreUnderTheSameKeysAsync(Capture capture)
    {
        var (first, last) = (node.FirstMediaPort, node.FirstMediaPort + 499);
        var packets = await capture.ReadAsync($"udp.srcport >= {first} && udp.srcport <= {last} && udp.length > 30", "udp.dstport", "udp.payload");
        var sequences = packets.Where(p => IsRtpWithMki(int.Parse(p[0], CultureInfo.InvariantCulture))).GroupBy(p => p[0])
            .ToDictionary(g => g.Key, g => Changes(g.Select(p => MkiOf(p[1]))));
        var told = string.Join('\n', sequences.Select(s => $"{s.Key}: {string.Join(' ', s.Value)}"));
        // Alice, Bob, GStreamer, libsrtp and eight guests.
        Assert.True(sequences.Count == 12, told);
        var longest = sequences.Values.MaxBy(s => s.Count)!;
        Assert.True(longest.Count >= 9 && longest.Distinct().Count() == longest.Count, told);
        // A guest that leaves before the interval is over has its own key from first to last.
        var grouped = sequences.Values.Where(s => s.Count > 0).ToList();
        Assert.True(grouped.Count >= 8, told);
        Assert.All(grouped, s => Assert.True(longest.SkipWhile(m => m != s[0]).Take(s.Count).SequenceEqual(s), told));
        Assert.All((string[])["32040", "32050"], port => Assert.True(sequences[port].Count >= 8, told));
        // Those who stayed are all under the last one of the first to hang up, too; the others may see one more until they have.
        Assert.True(grouped.Count(s => s.Contains(sequences["32040"][^1])) >= 4, told);
    }

    private static List<uint> Changes(IEnumerable<uint> mkis)
    {
        var changes = new List<uint>();
        foreach (var mki in mkis.Where(m => (m & NotGroup) == 0))
            if (changes.Count == 0 || changes[^1] != mki)
                changes.Add(mki);
        return changes;
    }

    /// <summary>Four octets before the tag of ten (RFC 3711 §3.1, §3.4).</summary>
    private static uint MkiOf(string payload) => uint.Parse(payload.AsSpan(payload.Length - 28, 8), NumberStyles.HexNumber, CultureInfo.InvariantCulture);

    /// <summary>RTP ports are even (RFC 3550 §11), and baresip has no MKI.</summary>
    private static bool IsRtpWithMki(int port) => port % 2 == 0 && port is (< BaresipMedia or > BaresipMedia + 20);

    /// <summary>Nothing that no key opened, and nothing lost.</summary>
    private void IsClean(string name, ChildProcess phone)
    {
        var report = JsonDocument.Parse(phone.Output[phone.Output.IndexOf('{', StringComparison.Ordinal)..]).RootElement;
        Assert.True(report.GetProperty("undecryptable").GetInt32() == 0 && report.GetProperty("packetsLost").GetInt32() == 0, $"{name}: {report}\n{node.Log}");
        Assert.True(report.GetProperty("mkisHeard").GetInt32() >= 1, $"{name}: {report}");
    }

    private ChildProcess Softphone(string name, double? tone, string[] keys) => NodeUnderTest.Call(
        [
            $"sip:{Conference}@127.0.0.1:{node.SipPort}", "--for", "5m", "--json", "--record", $"{name}.wav",
            .. tone is { } hertz ? (string[])["--tone", hertz.ToString(CultureInfo.InvariantCulture)] : [], .. keys,
        ], _directory);
}
