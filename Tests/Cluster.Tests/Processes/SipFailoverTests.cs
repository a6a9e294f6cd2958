using System.Text.Json;
using Xunit;
using Xunit.Abstractions;

namespace ConfCluster.Cluster.Tests.Processes;

/// <summary>A node with sockets for SIP is killed, and phones know only its address.</summary>
[Collection("clusters")]
public sealed class SipFailoverTests(ITestOutputHelper output)
{
    private static readonly double[] Tones = [440, 1000, 1500];

    [SkippableFact]
    public async Task Calls_outlive_their_sip_node_and_a_rekeying_a_second_later()
    {
        await using var cluster = await ProcessCluster.StartAsync(output, "sip", "sip focus media", "focus");
        await cluster.WatchAsync(async () =>
        {
            var calls = new[]
            {
                cluster.CallAsync("kept", 1, Tones[0], "30s", "--mki", "--suite", "AES_CM_128_HMAC_SHA1_80"),
                cluster.CallAsync("kept", 1, Tones[1], "30s", "--mki", "--suite", "AES_CM_128_HMAC_SHA1_80", "--no-update"),
                // Its offer is too large for a datagram, so this is a call over TCP.
                cluster.CallAsync("kept", 1, Tones[2], "30s", "--mki"),
            };
            await cluster.UntilTalkingAsync(2, "kept", 3);
            await cluster.UntilShownAsync(2, "kept", c => Epochs(c).Distinct().Count() == 1, "one epoch for all");
            await cluster[1].KillAsync();
            await Task.Delay(TimeSpan.FromSeconds(1));
            var before = Epochs((await cluster.ShowAsync(2, "kept"))!.Value).Max();
            var (exit, said) = await NodeProcess.RunAsync("conference", "rekey", "kept", "--reason", "a test", "--url", cluster[2].Http.BaseAddress!.ToString());
            Assert.True(exit == 0, said);
            await cluster.UntilShownAsync(2, "kept", c => Epochs(c).All(e => e > before), "everybody under the new key");
            var reports = await Task.WhenAll(calls);
            foreach (var report in reports)
            {
                Assert.True(report.WasKept, $"{report}");
                Assert.Equal(0UL, report.Undecryptable);
                Assert.InRange(report.LongestGap, 0, 1000);
            }

            // Their BYEs went to the other node, whose address they were told; else the conference would go on until its session timers say so.
            await cluster.UntilGoneAsync(2, "kept");
            await cluster.AuditIsCleanAsync(2);
        });
    }

    private static IEnumerable<long> Epochs(JsonElement conference) => conference.GetProperty("participants").EnumerateArray().Select(
        p => p.GetProperty("key").TryGetProperty("epoch", out var epoch) && epoch.ValueKind == JsonValueKind.Number ? epoch.GetInt64() : 0);
}
