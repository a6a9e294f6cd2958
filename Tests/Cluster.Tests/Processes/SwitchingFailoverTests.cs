using System.Globalization;
using ConfCluster.Host.Trial;
using Xunit;
using Xunit.Abstractions;

namespace ConfCluster.Cluster.Tests.Processes;

/// <summary>A conference whose media is forwarded unopened, while nodes die around it.</summary>
[Collection("clusters")]
public sealed class SwitchingFailoverTests(ITestOutputHelper output)
{
    private const string Room = "closed";
    private static readonly double[] Tones = [440, 1000];

    /// <summary>One phone's sequence numbers have wrapped (RFC 3711 §3.3.1), the other takes changes by re-INVITE only.</summary>
    [SkippableFact]
    public async Task Calls_outlive_the_node_that_forwards_their_packets()
    {
        await using var cluster = await ProcessCluster.MakeAsync(output, "sip focus kms", "media", "media");
        await cluster.WatchAsync(async () =>
        {
            await AddAsync(cluster, "alice", "sip:alice@example.com");
            await AddAsync(cluster, "focus", "sip:focus@localhost", "--answers", "sip:*@127.0.0.1");
            cluster.Start(1, null, Keys(cluster));
            cluster.Start(2, null, Keys(cluster));
            await cluster[1].UntilReadyAsync();
            await cluster[2].UntilReadyAsync();
            await CreateAsync(cluster);
            string[] ticket = ["--srtp", "mikey", "--kms", KmsUrl(cluster), "--user", "sip:alice@example.com", "--psk-file", Key(cluster, "alice")];
            var calls = new[]
            {
                cluster.CallAsync(Room, 1, Tones[0], "38s", [.. ticket, "--first-sequence", "65350"]),
                cluster.CallAsync(Room, 1, Tones[1], "38s", [.. ticket, "--no-update"]),
            };
            await cluster.UntilTalkingAsync(1, Room, calls.Length);
            cluster.Start(3, null, Keys(cluster));
            await cluster[3].UntilReadyAsync();
            await cluster.UntilSpreadAsync(1, 3);
            await cluster[2].KillAsync();
            await cluster.UntilShownAsync(1, Room, c => c.GetProperty("mixerLoss").GetString() == "silent", "another node that forwards");
            var reports = await Task.WhenAll(calls);
            for (var i = 0; i < calls.Length; i++)
            {
                output.WriteLine($"{reports[i].LongestGap} ms: {reports[i]}");
                Assert.True(reports[i].WasKept, $"{reports[i]}");
                Assert.InRange(reports[i].LongestGap, 0, 8000);
                Assert.Equal(0UL, reports[i].Undecryptable);
                Assert.Equal(0UL, reports[i].Replays);
                var heard = cluster.SecondsOf(Room, Tones[i], Tones[1 - i]);
                Assert.True(heard >= 20, $"phone {i} heard the other for {heard} s");
            }

            Assert.DoesNotContain("forwards unopened and was sent", cluster[3].Log, StringComparison.Ordinal);
            // Its rules were settled before, so its name stays.
            await cluster.UntilShownAsync(1, Room, c => !c.GetProperty("active").GetBoolean(), "its end");
            await cluster.AuditIsCleanAsync(1);
        });
    }

    /// <summary>
    /// Nobody who survives knows a key: phones go on under the one that they have, each is given a new bundle by Ticket Transfer in its dialog (RFC 6043 §4.2.2), and
    /// then follows the group. With the focus alone, and with the node that forwards.
    /// </summary>
    [SkippableTheory]
    [InlineData("sip kms media", "focus")]
    [InlineData("sip kms", "focus media")]
    public async Task Calls_follow_the_next_keys_when_the_focus_is_killed_and_then_somebody_is_thrown_out(string first, string others)
    {
        await using var cluster = await ProcessCluster.MakeAsync(output, first, others, others);
        await cluster.WatchAsync(async () =>
        {
            await AddAsync(cluster, "alice", "sip:alice@example.com");
            await AddAsync(cluster, "carol", "sip:carol@example.com");
            await AddAsync(cluster, "focus", "sip:focus@localhost", "--answers", "sip:*@127.0.0.1");
            cluster.Start(1, null, Keys(cluster));
            cluster.Start(2, null, Keys(cluster));
            await cluster[1].UntilReadyAsync();
            await cluster[2].UntilReadyAsync();
            await CreateAsync(cluster);
            await using var packets = await cluster.WatchPacketsAsync();
            // The first address is nobody's: the next one gives the ticket.
            string[] TicketOf(string name) =>
            [
                "--srtp", "mikey", "--kms", "http://127.0.0.1:9/mikey", "--kms", KmsUrl(cluster), "--user", $"sip:{name}@example.com", "--psk-file",
                Key(cluster, name),
            ];
            var ticket = TicketOf("alice");
            var calls = new[]
            {
                cluster.CallAsync(Room, 1, Tones[0], "120s", [.. ticket, "--first-sequence", "65350"]),
                cluster.CallAsync(Room, 1, Tones[1], "120s", [.. ticket, "--no-update"]),
            };
            var third = cluster.CallAsync(Room, 1, 1500, "120s", TicketOf("carol"));
            await cluster.UntilTalkingAsync(1, Room, calls.Length + 1);
            var evicted = await IdAsync(cluster, "sip:carol@example.com");
            cluster.Start(3, null, Keys(cluster));
            await cluster[3].UntilReadyAsync();
            if (others.Contains("media", StringComparison.Ordinal)) await cluster.UntilSpreadAsync(2, 3);
            var before = await EpochAsync(cluster, _ => true);
            await cluster[2].KillAsync();
            // Who comes while the others are given their new bundles waits for the end of that, and hears from the epoch of its join on.
            await cluster.UntilShownAsync(1, Room, c => c.GetProperty("participants").GetArrayLength() == 3, "another focus");
            var late = cluster.CallAsync(Room, 1, 2000, "120s", ticket);
            var taken = await EpochAsync(cluster, e => e.Length == 4 && e.Distinct().Count() == 1 && e[0] > before);
            var (exit, said) = await NodeProcess.RunAsync("conference", "evict", Room, evicted, "--url", cluster[1].Http.BaseAddress!.ToString());
            Assert.True(exit == 0, said);
            Assert.Equal("peer", (await third).EndedBy);
            await EpochAsync(cluster, e => e.Length == 3 && e.Distinct().Count() == 1 && e[0] > taken);
            await cluster.UntilTalkingAsync(1, Room, 3);
            (exit, said) = await NodeProcess.RunAsync("conference", "end", Room, "--url", cluster[1].Http.BaseAddress!.ToString());
            Assert.True(exit == 0, said);
            var reports = await Task.WhenAll(calls);
            for (var i = 0; i < calls.Length; i++)
            {
                output.WriteLine($"{reports[i].LongestGap} ms: {reports[i]}");
                Assert.Equal((200, "peer", 0UL), (reports[i].Status, reports[i].EndedBy, reports[i].Replays));
                Assert.InRange(reports[i].LongestGap, 0, first.Contains("media", StringComparison.Ordinal) ? 1000 : 25_000);
                Assert.True(reports[i].Report.GetProperty("mkisHeard").GetInt32() >= 3, $"{reports[i]}");
                // All the time, the end included.
                var heard = cluster.SecondsOf(Room, Tones[i], Tones[1 - i]);
                Assert.True(heard >= (int)reports[i].TalkSeconds - (first.Contains("media", StringComparison.Ordinal) ? 4 : 30), $"{heard} s of {reports[i]}");
            }

            Assert.Equal((200, "peer", 0UL), ((await late).Status, (await late).EndedBy, (await late).Replays));
            Assert.True((await late).PacketsReceived > 50, $"{await late}");
            output.WriteLine(await packets.NoIndexIsUsedTwiceAsync(reports[0].PacketsReceived + reports[1].PacketsReceived));
            await cluster.UntilShownAsync(1, Room, c => !c.GetProperty("active").GetBoolean(), "its end");
            await cluster.AuditIsCleanAsync(1);
        });
    }

    private static async Task<string> IdAsync(ProcessCluster cluster, string identity)
    {
        var shown = await cluster.ShowAsync(1, Room) ?? throw new InvalidOperationException("nobody has the conference");
        return shown.GetProperty("participants").EnumerateArray().Single(p => p.GetProperty("identity").GetString() == identity).GetProperty("id").GetString()!;
    }

    /// <summary>The epoch that everybody is under, once all are.</summary>
    private static async Task<long> EpochAsync(ProcessCluster cluster, Predicate<long[]> isSo)
    {
        long[] found = [];
        await cluster.UntilShownAsync(1, Room, c => (found = MikeyFailoverTests.Epochs(c)) is [> 0, ..] && isSo(found), "keys");
        return found[0];
    }

    private static async Task CreateAsync(ProcessCluster cluster)
    {
        var (exit, said) = await NodeProcess.RunAsync(
            "conference", "create", Room, "--set", "media=switching", "--set", "rekey.min-interval=1s", "--url", cluster[1].Http.BaseAddress!.ToString());
        Assert.True(exit == 0, said);
    }

    private static string[] Keys(ProcessCluster cluster) => [.. new[]
    {
        $"kms.user-file={KeyFile(cluster, "kms-users")}", $"kms.key-file={KeyFile(cluster, "kms-key")}", "kms.enabled=on", $"kms-user.url={KmsUrl(cluster)}",
        $"kms-user.psk-file={Key(cluster, "focus")}",
    }.SelectMany(s => new[] { "--set", $"confcluster.{s}" })];

    private static async Task AddAsync(ProcessCluster cluster, string name, params string[] more)
    {
        var (exit, said) = await NodeProcess.RunAsync(
        [
            "kms", "user", "add", "--psk-file", Key(cluster, name), "--set", $"confcluster.kms.user-file={KeyFile(cluster, "kms-users")}", "--set",
            $"confcluster.kms.key-file={KeyFile(cluster, "kms-key")}", .. more,
        ]);
        Assert.True(exit == 0, said);
    }

    private static string KeyFile(ProcessCluster cluster, string name) => Path.Combine(cluster.Directory, name);

    private static string Key(ProcessCluster cluster, string name) => KeyFile(cluster, $"{name}.psk");

    private static string KmsUrl(ProcessCluster cluster) =>
        string.Create(CultureInfo.InvariantCulture, $"http://{TrialCluster.AddressOf(1)}:{cluster.Plan.Ports.Http}/mikey");
}
