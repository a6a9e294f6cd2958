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
