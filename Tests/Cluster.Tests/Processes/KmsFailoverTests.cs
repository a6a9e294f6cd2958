using System.Globalization;
using System.Text.Json;
using Microsoft.Data.Sqlite;
using Xunit;

namespace ConfCluster.Cluster.Tests.Processes;

/// <summary>A KMS of several nodes that share their keys, which are killed one after the other while a conference is on.</summary>
[Collection("processes")]
public sealed class KmsFailoverTests : IDisposable
{
    private readonly TemporaryDirectory _shared = new();
    private readonly TemporaryDirectory _data = new();
    private readonly List<TemporaryDirectory> _nodes = [];

    public void Dispose()
    {
        SqliteConnection.ClearAllPools();
        foreach (var directory in _nodes.Append(_shared).Append(_data)) directory.Dispose();
    }

    [Fact]
    public async Task Running_legs_follow_the_key_without_a_KMS_and_new_ones_go_to_the_node_that_is_there()
    {
        await AddAsync("alice", "sip:alice@example.com");
        await AddAsync("focus", "sip:focus@localhost", "--answers", "sip:*@127.0.0.1");
        var (first, second) = (NodeProcess.FreePort(), NodeProcess.FreePort());
        var (a, b) = (StartKms(first), StartKms(second));
        await using var node = NodeProcess.Start(
            _data, "--set", $"confcluster.kms-user.url={Url(first)}", "--set", $"confcluster.kms-user.other-urls=[\"{Url(second)}\"]", "--set",
            $"confcluster.kms-user.psk-file={Key("focus")}", "--set", "confcluster.conference.keys.rekey.min-interval=1s");
        foreach (var one in new[] { a, b, node }) await one.UntilReadyAsync();
        var running = new[] { CallAsync(node, "150s", Ticket(first)), CallAsync(node, "150s", "--mki") };
        await UntilAsync(node, "two under one key", e => e.Count == 2 && e[0] > 0 && e[0] == e[1]);

        // A ticket of one node is resolved by the other, which the focus asks when the first is gone.
        await a.KillAsync();
        await RekeyedAsync(node);
        var (exit, report) = await CallAsync(node, "1s", Ticket(second));
        Assert.True((exit, report.GetProperty("status").GetInt32()) == (0, 200), $"{report}\n{node.Log}");
        await b.KillAsync();
        await RekeyedAsync(node);

        // A third node, of which the focus does not know, gives the phone its ticket.
        var third = NodeProcess.FreePort();
        await using (var c = StartKms(third))
        {
            await c.UntilReadyAsync();
            (exit, report) = await CallAsync(node, "1s", Ticket(third));
            Assert.True((exit, report.GetProperty("status").GetInt32()) == (1, 503), $"{report}\n{node.Log}");
        }

        Assert.Contains("The KMS cannot be reached", node.Log, StringComparison.Ordinal);
        await using var again = StartKms(first);
        await again.UntilReadyAsync();
        (exit, report) = await CallAsync(node, "1s", Ticket(first));
        Assert.True((exit, report.GetProperty("status").GetInt32()) == (0, 200), $"{report}\n{node.Log}");
        await RekeyedAsync(node);
        (exit, var said) = await NodeProcess.RunAsync("conference", "end", "mixed", "--url", $"http://127.0.0.1:{node.HttpPort}");
        Assert.True(exit == 0, said);
        foreach (var call in running)
        {
            (_, report) = await call;
            Assert.Equal((200, "peer"), (report.GetProperty("status").GetInt32(), report.GetProperty("endedBy").GetString()));
            Assert.Equal((0, 0), (report.GetProperty("undecryptable").GetInt32(), report.GetProperty("packetsLost").GetInt32()));
            Assert.True(report.GetProperty("mkisHeard").GetInt32() >= 4, $"{report}");
        }

        await a.DisposeAsync();
        await b.DisposeAsync();
    }

    /// <summary>With data of its own, and users and keys that all share.</summary>
    private NodeProcess StartKms(int port)
    {
        var data = new TemporaryDirectory();
        _nodes.Add(data);
        return NodeProcess.Start(data, port, ["--set", "confcluster.kms.enabled=on", .. Files]);
    }

    private string[] Files =>
        ["--set", $"confcluster.kms.user-file={Path.Combine(_shared.Path, "users")}", "--set", $"confcluster.kms.key-file={Path.Combine(_shared.Path, "key")}"];

    private string[] Ticket(int kms) => ["--srtp", "mikey", "--kms", Url(kms), "--user", "sip:alice@example.com", "--psk-file", Key("alice")];

    private string Key(string name) => Path.Combine(_shared.Path, $"{name}.psk");

    private static string Url(int port) => string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}/mikey");

    private async Task AddAsync(string name, params string[] more)
    {
        var (exit, said) = await NodeProcess.RunAsync(["kms", "user", "add", "--psk-file", Key(name), .. Files, .. more]);
        Assert.True(exit == 0, said);
    }

    private static async Task<(int Exit, JsonElement Report)> CallAsync(NodeProcess node, string time, params string[] more)
    {
        var (exit, said) = await NodeProcess.RunAsync(
            TimeSpan.FromMinutes(3), ["call", $"sip:mixed@127.0.0.1:{node.SipPort}", "--tone", "440", "--for", time, "--json", .. more]);
        Assert.True(said.Contains('{'), said);
        return (exit, JsonDocument.Parse(said[said.IndexOf('{')..]).RootElement);
    }

    /// <summary>Both that stay take a key that is asked for now; the machine may be slow, so others may still be leaving.</summary>
    private static async Task RekeyedAsync(NodeProcess node)
    {
        long before = 0;
        await UntilAsync(node, "two, before the key changes", e => e.Count == 2 && (before = e.Max()) > 0);
        var (exit, said) = await NodeProcess.RunAsync("conference", "rekey", "mixed", "--reason", "a test", "--url", $"http://127.0.0.1:{node.HttpPort}");
        Assert.True(exit == 0, said);
        await UntilAsync(node, "both under a newer key", e => e.Count == 2 && e.All(one => one > before));
    }

    private static Task UntilAsync(NodeProcess node, string what, Func<List<long>, bool> holds) => node.UntilAsync(
        async () =>
        {
            using var answer = await node.Http.GetAsync(new Uri("/api/v1/conferences/mixed", UriKind.Relative));
            if (!answer.IsSuccessStatusCode) return false;
            using var shown = JsonDocument.Parse(await answer.Content.ReadAsStringAsync());
            return holds([.. shown.RootElement.GetProperty("participants").EnumerateArray().Select(
                p => p.GetProperty("key") is { ValueKind: JsonValueKind.Object } key && key.GetProperty("epoch") is { ValueKind: JsonValueKind.Number } epoch ? epoch.GetInt64() : 0)]);
        },
        what);
}
