using System.Globalization;
using System.Text.Json;
using Microsoft.Data.Sqlite;
using Xunit;

namespace ConfCluster.Cluster.Tests.Processes;

/// <summary>A node that stands still for longer than its conferences wait for a mixer: conference and lanes stood still together, so nobody is replaced.</summary>
[Collection("processes")]
public sealed class PausedNodeTests : IDisposable
{
    private readonly TemporaryDirectory _data = new();

    public void Dispose()
    {
        SqliteConnection.ClearAllPools();
        _data.Dispose();
    }

    [Fact]
    public async Task After_a_pause_of_the_whole_node_its_calls_go_on_at_the_mixers_that_they_had()
    {
        await using var node = NodeProcess.Start(_data);
        await node.UntilReadyAsync();
        var calls = new[] { CallAsync(node, "--mki"), CallAsync(node, "--mki", "--no-update"), CallAsync(node) };
        // Who has heard nothing yet has no gap.
        await node.UntilAsync(
            async () => await ShowAsync(node) is { } c && c.GetProperty("participants").EnumerateArray().Count(HasHeard) == 3, "three participants that hear something");
        node.Freeze();
        try
        {
            await Task.Delay(TimeSpan.FromSeconds(3));
        }
        finally
        {
            node.Thaw();
        }

        foreach (var report in await Task.WhenAll(calls))
        {
            Assert.Equal("us", report.GetProperty("endedBy").GetString());
            Assert.Equal(0, report.GetProperty("undecryptable").GetInt32());
            Assert.InRange(report.GetProperty("longestGapMilliseconds").GetDouble(), 2500, 8000);
        }

        Assert.DoesNotContain("another takes its place", node.Log, StringComparison.Ordinal);
        Assert.Equal(0, await node.StopAsync());
    }

    private static bool HasHeard(JsonElement participant) =>
        participant.TryGetProperty("media", out var media) && media.ValueKind == JsonValueKind.Object && media.GetProperty("packetsSent").GetUInt64() > 50;

    private static async Task<JsonElement> CallAsync(NodeProcess node, params string[] more)
    {
        string[] call = ["call", $"sip:paused@127.0.0.1:{node.SipPort.ToString(CultureInfo.InvariantCulture)}", "--for", "12s", "--tone", "440", "--json", .. more];
        var (exit, output) = await NodeProcess.RunAsync(call);
        Assert.True(exit == 0, output);
        return JsonDocument.Parse(output[output.IndexOf('{', StringComparison.Ordinal)..]).RootElement;
    }

    private static async Task<JsonElement?> ShowAsync(NodeProcess node)
    {
        var answer = await node.Http.GetAsync(new Uri("/api/v1/conferences/paused", UriKind.Relative));
        return answer.IsSuccessStatusCode ? JsonDocument.Parse(await answer.Content.ReadAsStringAsync()).RootElement : null;
    }
}
