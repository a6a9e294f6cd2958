using System.Text.Json;
using Xunit;
using Xunit.Abstractions;

namespace ConfCluster.Cluster.Tests.Processes;

/// <summary>A node with sockets for SIP is killed, and no other node can reach the phones: their own connection, or a NAT, led to it.</summary>
[Collection("clusters")]
public sealed class SipReconnectTests(ITestOutputHelper output)
{
    private const string Suite = "AES_CM_128_HMAC_SHA1_80";
    private const int Phones = 4;
    private static readonly double[] Tones = [440, 700, 1000, 1300];

    /// <summary>
    /// One over TCP and one over TLS that listen nowhere, one behind a NAT that is open to all, which need do nothing, and one behind a symmetric one, which looks
    /// every second whether its server is there. The participants live on nodes that have not their sockets, before and after.
    /// </summary>
    [SkippableFact]
    public async Task Phones_that_only_their_own_way_reaches_keep_their_calls_and_get_the_key_of_a_second_later()
    {
        await using var cluster = await ProcessCluster.StartAsync(output, "sip", "sip", "focus media");
        await using var open = new SipNat(1, cluster.Plan.Ports.Sip, 3, isSymmetric: false);
        await using var symmetric = new SipNat(2, cluster.Plan.Ports.Sip, 3, isSymmetric: true);
        await cluster.WatchAsync(async () =>
        {
            var (sip, tls) = (cluster.Plan.Ports.Sip, cluster.Plan.Ports.SipTls);
            var calls = new[]
            {
                cluster.CallAsync("ways", $"sip:ways@127.0.0.1:{sip}", Tones[0], "60s", "--mki", "--transport", "tcp", "--also", $"127.0.0.2:{sip}"),
                cluster.CallAsync("ways", $"sip:ways@127.0.0.1:{tls}", Tones[1], "60s", "--mki", "--transport", "tls", "--tls-insecure", "--no-update",
                    "--also", $"127.0.0.2:{tls}"),
                cluster.CallAsync("ways", $"sip:ways@{open.Of(1)}", Tones[2], "60s", "--mki", "--suite", Suite),
                cluster.CallAsync("ways", $"sip:ways@{symmetric.Of(1)}", Tones[3], "60s", "--mki", "--suite", Suite,
                    "--probe", "1s", "--also", symmetric.Of(2)),
            };
            await cluster.UntilTalkingAsync(3, "ways", Phones);

            // All are told keys by node 3 through the sockets of node 1.
            await RekeyAsync(cluster, "everybody under the key of before");
            await cluster[1].KillAsync();
            await Task.Delay(TimeSpan.FromSeconds(1));
            await RekeyAsync(cluster, "everybody under the key of after");
            Assert.Equal(0, open.Kept);

            // BYE finds them as well.
            var (exit, said) = await NodeProcess.RunAsync("conference", "end", "ways", "--url", cluster[3].Http.BaseAddress!.ToString());
            Assert.True(exit == 0, said);
            var reports = await Task.WhenAll(calls);
            foreach (var report in reports) output.WriteLine($"{report.LongestGap} ms: {report}");
            foreach (var report in reports)
            {
                Assert.Equal((200, "peer"), (report.Status, report.EndedBy));
                Assert.Equal(0UL, report.Undecryptable);
                Assert.InRange(report.LongestGap, 0, 1000);
            }

            Assert.Equal([1, 1, 0, 1], reports.Select(r => r.Report.GetProperty("reroutes").GetInt32()));
            await cluster.AuditIsCleanAsync(3);
        });
    }

    private static async Task RekeyAsync(ProcessCluster cluster, string what)
    {
        var before = Epochs((await cluster.ShowAsync(3, "ways"))!.Value).Max();
        var (exit, said) = await NodeProcess.RunAsync("conference", "rekey", "ways", "--reason", "a test", "--url", cluster[3].Http.BaseAddress!.ToString());
        Assert.True(exit == 0, said);
        await cluster.UntilShownAsync(3, "ways", c => Epochs(c).ToArray() is { Length: Phones } now && now.All(e => e > before), what);
    }

    private static IEnumerable<long> Epochs(JsonElement conference) => conference.GetProperty("participants").EnumerateArray().Select(
        p => p.GetProperty("key").TryGetProperty("epoch", out var epoch) && epoch.ValueKind == JsonValueKind.Number ? epoch.GetInt64() : 0);
}
