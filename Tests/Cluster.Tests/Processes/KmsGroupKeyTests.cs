using System.Globalization;
using System.Text.Json;
using ConfCluster.Support.Audio;
using Microsoft.Data.Sqlite;
using Xunit;

namespace ConfCluster.Cluster.Tests.Processes;

/// <summary>Group keys that a KMS makes, which dies while phones come and go, and comes back.</summary>
[Collection("processes")]
public sealed class KmsGroupKeyTests : IDisposable
{
    private static readonly double[] Tones = [440, 770];
    private readonly TemporaryDirectory _kms = new();
    private readonly TemporaryDirectory _data = new();

    public void Dispose()
    {
        SqliteConnection.ClearAllPools();
        _kms.Dispose();
        _data.Dispose();
    }

    [Fact]
    public async Task Without_its_KMS_a_conference_goes_on_and_says_so_and_with_it_again_its_key_changes()
    {
        var psk = Path.Combine(_kms.Path, "focus.psk");
        var (added, said) = await NodeProcess.RunAsync(
            "kms", "user", "add", "sip:focus@localhost", "--psk-file", psk, "--set", $"confcluster.data-dir={_kms.Path}");
        Assert.True(added == 0, said);
        var port = NodeProcess.FreePort();
        var kms = NodeProcess.Start(_kms, port, "--set", "confcluster.kms.enabled=on");
        await kms.UntilReadyAsync();
        await using (var node = NodeProcess.Start(
            _data, "--set", string.Create(CultureInfo.InvariantCulture, $"confcluster.kms-user.url=http://127.0.0.1:{port}/mikey"), "--set",
            $"confcluster.kms-user.psk-file={psk}", "--set", "confcluster.conference.keys.source=kms", "--set",
            "confcluster.conference.keys.rekey.min-interval=1s", "--set", "confcluster.conference.keys.rekey.distribution-timeout=6s"))
        {
            await node.UntilReadyAsync();
            var alice = CallAsync(node, "alice", 440, 34);
            var bob = CallAsync(node, "bob", 770, 33);
            await UntilAsync(node, "two under one key of the KMS", d => d.GetProperty("participants").GetArrayLength() == 2 && Shared(d) == 2);
            Assert.Equal(0, await kms.StopAsync());
            await kms.DisposeAsync();

            // The first changes take the keys that were asked for in advance, a later one finds none.
            for (var i = 0; i < 3; i++)
            {
                var (asked, answer) = await NodeProcess.RunAsync("conference", "rekey", "mixed", "--reason", "to use up keys", "--url", $"http://127.0.0.1:{node.HttpPort}");
                Assert.True(asked == 0, answer);
            }

            await node.UntilAsync(() => Task.FromResult(node.Log.Contains("waits for one", StringComparison.Ordinal)), "a line about the KMS");
            await UntilAsync(node, "each under a key of its own", d => d.GetProperty("participants").GetArrayLength() == 2 && Shared(d) == 0);
            Assert.Contains("confcluster_rekeys_awaiting_kms", await node.Http.GetStringAsync(new Uri("/metrics", UriKind.Relative)), StringComparison.Ordinal);
            await using var again = NodeProcess.Start(_kms, port, "--set", "confcluster.kms.enabled=on");
            await again.UntilReadyAsync();
            await UntilAsync(node, "both under a key of the KMS again", d => Shared(d) == 2);
            foreach (var (call, name) in new[] { (alice, "alice"), (bob, "bob") })
            {
                var (exit, report) = await call;
                Assert.True(exit == 0, $"{name} {report}\n{node.Log}");
                Assert.Equal((0, 0), (report.GetProperty("undecryptable").GetInt32(), report.GetProperty("packetsLost").GetInt32()));
                Assert.True(report.GetProperty("mkisHeard").GetInt32() >= 3, $"{name}: {report}");
                var heard = ToneAnalysis.Of(Path.Combine(_data.Path, $"{name}.wav"), Tones);
                Assert.True(heard.Seconds.Count(s => s.Contains(name == "alice" ? 770 : 440)) > 15, $"{name} heard {heard}");
            }

            Assert.Equal(0, await node.StopAsync());
        }

        var (verified, output) = await NodeProcess.RunAsync("audit", "verify", "--set", $"confcluster.data-dir={_data.Path}");
        Assert.True(verified == 0, output);
        (_, output) = await NodeProcess.RunAsync("audit", "show", "mixed", "--set", $"confcluster.data-dir={_data.Path}");
        Assert.Contains("kms", output, StringComparison.OrdinalIgnoreCase);
    }

    private static int Shared(JsonElement details) => details.GetProperty("participants").EnumerateArray()
        .Count(p => p.TryGetProperty("key", out var key) && key.ValueKind == JsonValueKind.Object && key.TryGetProperty("epoch", out var epoch)
            && epoch.ValueKind == JsonValueKind.Number);

    private async Task<(int Exit, JsonElement Report)> CallAsync(NodeProcess node, string name, int tone, int seconds)
    {
        var (exit, output) = await NodeProcess.RunAsync(
            TimeSpan.FromSeconds(seconds + 40), "call", $"sip:mixed@127.0.0.1:{node.SipPort}", "--mki", "--for", $"{seconds}s", "--json", "--tone", $"{tone}",
            "--record", Path.Combine(_data.Path, $"{name}.wav"));
        Assert.True(output.Contains('{'), output);
        return (exit, JsonDocument.Parse(output[output.IndexOf('{')..]).RootElement);
    }

    private static Task UntilAsync(NodeProcess node, string what, Func<JsonElement, bool> holds) => node.UntilAsync(
        async () =>
        {
            using var answer = await node.Http.GetAsync(new Uri("/api/v1/conferences/mixed", UriKind.Relative));
            if (!answer.IsSuccessStatusCode) return false;
            using var shown = JsonDocument.Parse(await answer.Content.ReadAsStringAsync());
            return holds(shown.RootElement);
        },
        what);
}
