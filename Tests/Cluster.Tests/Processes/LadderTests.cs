using System.Globalization;
using System.Text.Json;
using Microsoft.Data.Sqlite;
using Xunit;

namespace ConfCluster.Cluster.Tests.Processes;

/// <summary>Keys told in advance, and keys that phones are told to forget, with real softphones and the audit of it.</summary>
[Collection("processes")]
public sealed class LadderTests : IDisposable
{
    private static readonly string[] Settings =
    [
        "--set", "confcluster.conference.keys.rekey.min-interval=1s", "--set", "confcluster.conference.keys.rekey.ladder=3",
    ];

    private readonly TemporaryDirectory _data = new();

    public void Dispose()
    {
        SqliteConnection.ClearAllPools();
        _data.Dispose();
    }

    [Fact]
    public async Task A_join_costs_a_phone_that_has_the_ladder_no_message_and_a_leave_ends_the_ladder()
    {
        JsonElement stays;
        await using (var node = NodeProcess.Start(_data, Settings))
        {
            await node.UntilReadyAsync();
            var first = CallAsync(node, 16, "stays");
            await UntilAsync(node, epoch: 1, participants: 1);
            var second = CallAsync(node, 13, "second");
            await UntilAsync(node, epoch: 2, participants: 2);
            var guest = CallAsync(node, 4, "guest");
            await UntilAsync(node, epoch: 3, participants: 3);
            await guest;
            await UntilAsync(node, epoch: 5, participants: 2);
            (var exit, stays) = await first;
            Assert.True(exit == 0, stays.ToString());
            await second;
            Assert.Equal(0, await node.StopAsync());
        }

        Assert.Equal((0, 0), (stays.GetProperty("undecryptable").GetInt32(), stays.GetProperty("packetsLost").GetInt32()));
        Assert.True(stays.GetProperty("mkisHeard").GetInt32() >= 4, stays.ToString());
        await VerifyAsync();
        var sent = (await ShowAsync()).Where(l => l.Contains("sip:stays@127.0.0.1 was sent", StringComparison.Ordinal)).ToList();
        // Epochs 2 and 3 began with the joins of others; the guest, which left, had rung 4, so the next is 5.
        Assert.True(sent.Count >= 2 && sent[0].EndsWith("epoch 1-4", StringComparison.Ordinal) && sent[1].EndsWith("epoch 5-8", StringComparison.Ordinal), string.Join('\n', sent));
    }

    [Fact]
    public async Task Phones_are_told_to_forget_the_key_that_a_leaver_took_along()
    {
        await using (var node = NodeProcess.Start(
            _data, [.. Settings[..2], "--set", "confcluster.conference.keys.rekey.revoke=now", "--set", "confcluster.conference.keys.rekey.grace=500ms"]))
        {
            await node.UntilReadyAsync();
            var first = CallAsync(node, 12, "stays");
            await UntilAsync(node, epoch: 1, participants: 1);
            var second = CallAsync(node, 10, "second");
            await UntilAsync(node, epoch: 2, participants: 2);
            await CallAsync(node, 2, "guest");
            foreach (var call in new[] { first, second })
            {
                var (exit, report) = await call;
                Assert.True(exit == 0, report.ToString());
                Assert.Equal((0, 0), (report.GetProperty("undecryptable").GetInt32(), report.GetProperty("packetsLost").GetInt32()));
            }

            Assert.Equal(0, await node.StopAsync());
        }

        await VerifyAsync();
        var story = await ShowAsync();
        Assert.Contains(story, l => l.EndsWith("epoch 2 forgotten by all phones", StringComparison.Ordinal));
        Assert.DoesNotContain(story, l => l.Contains("own key", StringComparison.Ordinal) && l.Contains(" is under ", StringComparison.Ordinal));
    }

    private async Task VerifyAsync()
    {
        var (exit, output) = await NodeProcess.RunAsync(["audit", "verify", "--set", $"confcluster.data-dir={_data.Path}"]);
        Assert.True(exit == 0, output);
    }

    private async Task<string[]> ShowAsync()
    {
        var (exit, output) = await NodeProcess.RunAsync(["audit", "show", "keys", "--set", $"confcluster.data-dir={_data.Path}"]);
        Assert.True(exit == 0, output);
        return output.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
    }

    private async Task<(int Exit, JsonElement Report)> CallAsync(NodeProcess node, int seconds, string name)
    {
        // Nobody asks for it; the name is what the audit shows.
        var password = Path.Combine(_data.Path, "password");
        await File.WriteAllTextAsync(password, "unused");
        var (exit, output) = await NodeProcess.RunAsync(
        [
            "call", $"sip:keys@127.0.0.1:{node.SipPort}", "--transport", "tcp", "--mki", "--user", name, "--password-file", password, "--for",
            $"{seconds.ToString(CultureInfo.InvariantCulture)}s", "--json",
        ]);
        Assert.True(output.Contains('{'), output);
        return (exit, JsonDocument.Parse(output[output.IndexOf('{')..]).RootElement);
    }

    /// <summary>All are in, and all under that epoch.</summary>
    private static Task UntilAsync(NodeProcess node, int epoch, int participants) => node.UntilAsync(
        async () =>
        {
            using var answer = await node.Http.GetAsync(new Uri("/api/v1/conferences/keys", UriKind.Relative));
            if (!answer.IsSuccessStatusCode) return false;
            using var shown = JsonDocument.Parse(await answer.Content.ReadAsStringAsync());
            var keys = shown.RootElement.GetProperty("participants").EnumerateArray().Select(p => p.GetProperty("key").GetProperty("epoch")).ToList();
            return keys.Count == participants && keys.TrueForAll(k => k.ValueKind == JsonValueKind.Number && k.GetInt32() == epoch);
        },
        $"{participants} participants under epoch {epoch}");
}
