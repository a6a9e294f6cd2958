using System.Globalization;
using System.Text.Json;
using ConfCluster.Host.Trial;
using Xunit;
using Xunit.Abstractions;

namespace ConfCluster.Cluster.Tests.Processes;

/// <summary>Phones whose keys travel in MIKEY messages, beside one with a=crypto, while nodes of a cluster die around them.</summary>
[Collection("clusters")]
public sealed class MikeyFailoverTests(ITestOutputHelper output)
{
    private const string Room = "kept";

    [SkippableFact]
    public async Task Phones_with_tickets_and_shared_keys_follow_the_key_when_the_focus_and_then_their_sip_node_is_killed()
    {
        await using var cluster = await ProcessCluster.MakeAsync(output, "sip", "sip kms media", "focus", "focus");
        await cluster.WatchAsync(async () =>
        {
            await AddAsync(cluster, "kms", "alice", "sip:alice@example.com");
            await AddAsync(cluster, "kms", "focus", "sip:focus@localhost", "--answers", "sip:*@127.0.0.1");
            await AddAsync(cluster, "psk", "bob", "sip:bob@example.com");
            for (var i = 1; i <= 4; i++) cluster.Start(i, null, Keys(cluster));
            for (var i = 1; i <= 4; i++) await cluster[i].UntilReadyAsync();

            // The conference is ended at last, so that nobody waits longer than needed.
            string[] ticket = ["--srtp", "mikey", "--kms", KmsUrl(cluster), "--user", "sip:alice@example.com", "--psk-file", Key(cluster, "alice")];
            var calls = new[]
            {
                cluster.CallAsync(Room, 1, 440, "150s", ticket),
                cluster.CallAsync(Room, 1, 1000, "150s", [.. ticket, "--no-update"]),
                cluster.CallAsync(Room, 1, 1500, "150s", "--srtp", "mikey-psk", "--user", "sip:bob@example.com", "--psk-file", Key(cluster, "bob")),
                cluster.CallAsync(Room, 1, 2000, "150s", "--mki", "--suite", "AES_CM_128_HMAC_SHA1_80"),
            };
            await cluster.UntilTalkingAsync(2, Room, calls.Length);
            await cluster.UntilShownAsync(2, Room, c => Epochs(c) is [> 0, ..] e && e.Distinct().Count() == 1, "one epoch for all");
            var focus = await cluster.HomeAsync("conference", 2) ?? throw new InvalidOperationException("nobody has the conference");
            await cluster[focus].KillAsync();
            await RekeyedAsync(cluster, calls.Length);
            await cluster[1].KillAsync();
            await RekeyedAsync(cluster, calls.Length);
            var (exit, said) = await NodeProcess.RunAsync("conference", "end", Room, "--url", cluster[2].Http.BaseAddress!.ToString());
            Assert.True(exit == 0, said);
            foreach (var report in await Task.WhenAll(calls))
            {
                Assert.Equal((200, "peer", 0UL), (report.Status, report.EndedBy, report.Undecryptable));
                Assert.InRange(report.LongestGap, 0, 1000);
                Assert.True(report.Report.GetProperty("mkisHeard").GetInt32() >= 4, $"{report}");
            }

            await cluster.UntilGoneAsync(2, Room);
            await cluster.AuditIsCleanAsync(2);
        });
    }

    /// <summary>Nobody has the keys of any leg any more: each begins anew in its dialog, by ticket, by the key that is shared, and by a=crypto.</summary>
    [SkippableFact]
    public async Task Calls_go_on_when_the_mixer_and_the_focus_are_killed_together()
    {
        await using var cluster = await ProcessCluster.MakeAsync(output, "sip kms", "focus media", "focus media");
        await cluster.WatchAsync(async () =>
        {
            await AddAsync(cluster, "kms", "alice", "sip:alice@example.com");
            await AddAsync(cluster, "kms", "focus", "sip:focus@localhost", "--answers", "sip:*@127.0.0.1");
            await AddAsync(cluster, "psk", "bob", "sip:bob@example.com");
            for (var i = 1; i <= 2; i++) cluster.Start(i, null, Keys(cluster, kms: 1));
            for (var i = 1; i <= 2; i++) await cluster[i].UntilReadyAsync();
            string[] ticket = ["--srtp", "mikey", "--kms", KmsUrl(cluster, 1), "--user", "sip:alice@example.com", "--psk-file", Key(cluster, "alice")];
            var calls = new[]
            {
                cluster.CallAsync(Room, 1, 440, "120s", ticket),
                cluster.CallAsync(Room, 1, 1000, "120s", [.. ticket, "--no-update"]),
                cluster.CallAsync(Room, 1, 1500, "120s", "--srtp", "mikey-psk", "--user", "sip:bob@example.com", "--psk-file", Key(cluster, "bob")),
                cluster.CallAsync(Room, 1, 2000, "120s", "--mki", "--suite", "AES_CM_128_HMAC_SHA1_80"),
            };
            await cluster.UntilTalkingAsync(1, Room, calls.Length);
            cluster.Start(3, null, Keys(cluster, kms: 1));
            await cluster[3].UntilReadyAsync();
            await cluster.UntilSpreadAsync(2, 3);
            await cluster[2].KillAsync();
            await RekeyedAsync(cluster, calls.Length, asked: 1);
            await cluster.UntilTalkingAsync(1, Room, calls.Length);
            var (exit, said) = await NodeProcess.RunAsync("conference", "end", Room, "--url", cluster[1].Http.BaseAddress!.ToString());
            Assert.True(exit == 0, said);
            foreach (var report in await Task.WhenAll(calls))
            {
                output.WriteLine($"{report.LongestGap} ms: {report}");
                Assert.Equal((200, "peer", 0UL), (report.Status, report.EndedBy, report.Replays));
                Assert.InRange(report.LongestGap, 0, 25_000);
            }

            await cluster.UntilGoneAsync(1, Room);
            await cluster.AuditIsCleanAsync(1);
        });
    }

    /// <summary>A key that is asked for now reaches everybody. A focus that has just taken over may not be there yet.</summary>
    private static async Task RekeyedAsync(ProcessCluster cluster, int phones, int asked = 2)
    {
        long before = 0;
        await cluster.UntilShownAsync(asked, Room, c => (before = Epochs(c).DefaultIfEmpty().Max()) > 0, "an answer of its focus");
        await cluster[asked].UntilAsync(
            async () => (await NodeProcess.RunAsync("conference", "rekey", Room, "--reason", "a test", "--url", cluster[asked].Http.BaseAddress!.ToString())).ExitCode == 0,
            "a rekeying that is taken");
        await cluster.UntilShownAsync(
            asked, Room, c => Epochs(c) is var e && e.Length == phones && e.Distinct().Count() == 1 && e[0] > before, "everybody under one key that is newer");
    }

    /// <summary>Of each participant; 0: none.</summary>
    internal static long[] Epochs(JsonElement conference) =>
    [
        .. conference.GetProperty("participants").EnumerateArray().Select(
            p => p.GetProperty("key") is { ValueKind: JsonValueKind.Object } key && key.TryGetProperty("epoch", out var epoch) && epoch.ValueKind == JsonValueKind.Number
                ? epoch.GetInt64()
                : 0),
    ];

    /// <summary>All nodes have the same files, and each takes what belongs to its roles.</summary>
    private static string[] Keys(ProcessCluster cluster, int kms = 2) => [.. new[]
    {
        $"kms.user-file={KeyFile(cluster, "kms-users")}", $"kms.key-file={KeyFile(cluster, "kms-key")}", "kms.enabled=on", $"kms-user.url={KmsUrl(cluster, kms)}",
        $"kms-user.psk-file={Key(cluster, "focus")}", "pre-shared.enabled=on", $"pre-shared.user-file={KeyFile(cluster, "psk-users")}",
        $"pre-shared.key-file={KeyFile(cluster, "psk-key")}", "conference.keys.rekey.min-interval=1s",
    }.SelectMany(s => new[] { "--set", $"confcluster.{s}" })];

    private static async Task AddAsync(ProcessCluster cluster, string verb, string name, params string[] more)
    {
        var place = verb == "kms" ? "kms" : "pre-shared";
        var (exit, said) = await NodeProcess.RunAsync(
        [
            verb, "user", "add", "--psk-file", Key(cluster, name), "--set", $"confcluster.{place}.user-file={KeyFile(cluster, $"{verb}-users")}", "--set",
            $"confcluster.{place}.key-file={KeyFile(cluster, $"{verb}-key")}", .. more,
        ]);
        Assert.True(exit == 0, said);
    }

    private static string KeyFile(ProcessCluster cluster, string name) => Path.Combine(cluster.Directory, name);

    private static string Key(ProcessCluster cluster, string name) => KeyFile(cluster, $"{name}.psk");

    private static string KmsUrl(ProcessCluster cluster, int node = 2) =>
        string.Create(CultureInfo.InvariantCulture, $"http://{TrialCluster.AddressOf(node)}:{cluster.Plan.Ports.Http}/mikey");
}
