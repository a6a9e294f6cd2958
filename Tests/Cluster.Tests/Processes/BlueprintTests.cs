using System.Text.Json;
using Microsoft.Data.Sqlite;
using Xunit;

namespace ConfCluster.Cluster.Tests.Processes;

/// <summary>Rules of a conference that were settled before anybody called it.</summary>
[Collection("processes")]
public sealed class BlueprintTests : IDisposable
{
    private static readonly string[] Settings =
    [
        "--set", "confcluster.blueprints.pair.max-participants=2", "--set", "confcluster.blueprint-by-name=[\"pair-* = pair\"]",
    ];

    private readonly TemporaryDirectory _data = new();

    public void Dispose()
    {
        SqliteConnection.ClearAllPools();
        _data.Dispose();
    }

    [Fact]
    public async Task The_rules_of_a_conference_are_settled_once_kept_and_shown()
    {
        await using (var node = NodeProcess.Start(_data, Settings))
        {
            await node.UntilReadyAsync();
            var (exit, said) = await VerbAsync(node, "conference", "show", "nobody");
            Assert.True(exit == 1 && said.Contains("There never was", StringComparison.Ordinal), said);
            (exit, said) = await VerbAsync(node, "conference", "create", "Board", "--blueprint", "high-security", "--set", "rekey.min-interval=30s");
            Assert.True(exit == 0, said);
            Assert.Contains("board is there. Rules: blueprint high-security with rekey.min-interval=30s.", said, StringComparison.Ordinal);
            (exit, said) = await VerbAsync(
                node, "conference", "create", "x", "--blueprint", "hi-security", "--set", "rekey.grace=soon", "--set", "rekey.min-intervall=1s");
            Assert.Equal(1, exit);
            string[] sentences =
                ["no blueprint hi-security; there are: default, high-security, large, pair", "rekey.grace = soon: a duration", "did you mean rekey.min-interval?"];
            foreach (var sentence in sentences)
                Assert.Contains(sentence, said, StringComparison.Ordinal);
            (exit, said) = await VerbAsync(node, "conference", "create", "a/b");
            Assert.True(exit == 1 && said.Contains("cannot be the name of a conference", StringComparison.Ordinal), said);
            Assert.Equal(0, await node.StopAsync());
        }

        await using (var node = NodeProcess.Start(_data, Settings))
        {
            await node.UntilReadyAsync();
            var plan = (await ShowAsync(node, "board")).GetProperty("plan");
            Assert.Equal("high-security", plan.GetProperty("blueprint").GetString());
            var policy = plan.GetProperty("policy");
            Assert.Equal(("30s", "tls"), (policy.GetProperty("rekey.min-interval").GetString(), policy.GetProperty("sdes-signalling").GetString()));

            // Neither keeps its rules from whoever calls: the first refuses a phone without MKI, the second the third.
            Assert.Equal(488, (await CallAsync(node, "board", "1s")).GetProperty("status").GetInt32());
            var two = new[] { CallAsync(node, "pair-7", "6s"), CallAsync(node, "pair-7", "6s") };
            await node.UntilAsync(
                async () => await ShowAsync(node, "pair-7") is { ValueKind: JsonValueKind.Object } shown && shown.GetProperty("participants").GetArrayLength() == 2,
                "two to be in");
            Assert.Equal("pair", (await ShowAsync(node, "pair-7")).GetProperty("plan").GetProperty("blueprint").GetString());
            Assert.Equal(486, (await CallAsync(node, "pair-7", "1s")).GetProperty("status").GetInt32());
            var (exit, said) = await VerbAsync(node, "conference", "create", "pair-7");
            Assert.True(exit == 1 && said.Contains("pair-7 is on", StringComparison.Ordinal), said);
            foreach (var call in await Task.WhenAll(two)) Assert.Equal(200, call.GetProperty("status").GetInt32());
            Assert.Equal(0, await node.StopAsync());
        }

        var (verified, output) = await NodeProcess.RunAsync(["audit", "verify", "--set", $"confcluster.data-dir={_data.Path}"]);
        Assert.True(verified == 0, output);
        (_, output) = await NodeProcess.RunAsync(["audit", "show", "board", "--set", $"confcluster.data-dir={_data.Path}"]);
        Assert.Contains("high-security", output, StringComparison.Ordinal);
    }

    private static Task<(int Exit, string Output)> VerbAsync(NodeProcess node, params string[] verb) =>
        NodeProcess.RunAsync([.. verb, "--url", node.Http.BaseAddress!.ToString()]);

    private static async Task<JsonElement> ShowAsync(NodeProcess node, string name)
    {
        using var answer = await node.Http.GetAsync(new Uri($"/api/v1/conferences/{name}", UriKind.Relative));
        return answer.IsSuccessStatusCode ? JsonDocument.Parse(await answer.Content.ReadAsStringAsync()).RootElement : default;
    }

    private static async Task<JsonElement> CallAsync(NodeProcess node, string name, string time)
    {
        var (_, output) = await NodeProcess.RunAsync(["call", $"sip:{name}@127.0.0.1:{node.SipPort}", "--for", time, "--json"]);
        return JsonDocument.Parse(output[output.IndexOf('{')..]).RootElement;
    }
}
