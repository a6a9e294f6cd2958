using System.Globalization;
using System.Text.Json;
using ConfCluster.Support.Audio;
using Microsoft.Data.Sqlite;
using Xunit;

namespace ConfCluster.Cluster.Tests.Processes;

/// <summary>Phones that share a key with the focus, beside one with a ticket and one with a=crypto, in one conference.</summary>
[Collection("processes")]
public sealed class PreSharedKeyTests : IDisposable
{
    private static readonly double[] Tones = [440, 770, 1200];
    private readonly TemporaryDirectory _data = new();

    public void Dispose()
    {
        SqliteConnection.ClearAllPools();
        _data.Dispose();
    }

    [Fact]
    public async Task Phones_of_all_three_keyings_share_every_key_and_hear_each_other()
    {
        await AddAsync("kms", "bob", "sip:bob@example.com");
        await AddAsync("kms", "focus", "sip:focus@localhost", "--answers", "sip:*@127.0.0.1");
        await AddAsync("psk", "alice", "sip:alice@example.com");
        var port = NodeProcess.FreePort();
        var url = string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}/mikey");
        await using (var node = NodeProcess.Start(
            _data, port, "--set", "confcluster.pre-shared.enabled=on", "--set", "confcluster.kms.enabled=on", "--set", $"confcluster.kms-user.url={url}",
            "--set", $"confcluster.kms-user.psk-file={Key("focus")}",
            "--set", "confcluster.conference.keys.rekey.min-interval=1s"))
        {
            await node.UntilReadyAsync();
            var alice = CallAsync(node, "alice", 440, 15, "--srtp", "mikey-psk", "--user", "sip:alice@example.com", "--psk-file", Key("alice"));
            await UntilAsync(node, 1);
            var carol = CallAsync(node, "carol", 770, 14, "--mki");
            await UntilAsync(node, 2);
            var bob = CallAsync(node, "bob", 1200, 5, "--srtp", "mikey", "--kms", url, "--user", "sip:bob@example.com", "--psk-file", Key("bob"));
            await UntilAsync(node, 3);
            var (exit, guest) = await bob;
            Assert.True(exit == 0, $"{guest}\n{node.Log}");
            (exit, var stranger) = await CallAsync(node, "mallory", 900, 1, "--srtp", "mikey-psk", "--user", "sip:alice@example.com", "--psk-file", Key("bob"));
            Assert.Equal((1, 488), (exit, stranger.GetProperty("status").GetInt32()));
            Assert.Contains("MacMismatch", stranger.GetProperty("warning").GetString(), StringComparison.Ordinal);
            foreach (var (call, name) in new[] { (alice, "alice"), (carol, "carol") })
            {
                (exit, var report) = await call;
                Assert.True(exit == 0, $"{name} {report}\n{node.Log}");

                // Their own joins, and bob's coming and going.
                Assert.True(report.GetProperty("mkisHeard").GetInt32() >= 3, $"{name}: {report}");
                Assert.Equal((0, 0), (report.GetProperty("undecryptable").GetInt32(), report.GetProperty("packetsLost").GetInt32()));
                var heard = ToneAnalysis.Of(Recording(name), Tones);
                var own = name == "alice" ? 440 : 770;
                Assert.True(heard.Seconds.Any(s => s.SequenceEqual(Tones.Where(t => t != own))), $"{name} heard {heard}");
                Assert.True(heard.Seconds.All(s => !s.Contains(own)), $"{name} heard itself: {heard}");
            }

            Assert.Equal(0, guest.GetProperty("undecryptable").GetInt32());
            Assert.Equal(0, await node.StopAsync());
            Assert.DoesNotContain((await File.ReadAllTextAsync(Key("alice"))).Trim(), node.Log, StringComparison.OrdinalIgnoreCase);
        }

        var (verified, output) = await NodeProcess.RunAsync("audit", "verify", "--set", $"confcluster.data-dir={_data.Path}");
        Assert.True(verified == 0, output);
    }

    [Fact]
    public async Task A_conference_calls_whoever_it_shares_a_key_with()
    {
        await AddAsync("psk", "bob", "sip:bob@127.0.0.1");
        await using var node = NodeProcess.Start(
            _data, "--set", "confcluster.pre-shared.enabled=on", "--set", "confcluster.pre-shared.offers=only", "--set", "confcluster.conference.keys.rekey.min-interval=1s");
        await node.UntilReadyAsync();
        var alice = CallAsync(node, "alice", 440, 10, "--mki");
        await UntilAsync(node, 1);
        var port = NodeProcess.FreePort();
        var bob = ReportAsync(
            "answer", "--at", $"127.0.0.1:{port}", "--tone", "770", "--record", Recording("bob"), "--for", "5s", "--wait", "30s", "--json",
            "--srtp", "mikey-psk", "--user", "sip:bob@127.0.0.1", "--psk-file", Key("bob"));
        var (exit, said) = await NodeProcess.RunAsync(
            "conference", "invite", "mixed", $"sip:bob@127.0.0.1:{port}", "--wait", "--url", $"http://127.0.0.1:{node.HttpPort}");
        Assert.True(exit == 0, $"{said}\n{node.Log}");
        (exit, var report) = await bob;
        Assert.True(exit == 0, $"{report}\n{node.Log}");
        Assert.Equal(0, report.GetProperty("undecryptable").GetInt32());
        Assert.True(report.GetProperty("mkisHeard").GetInt32() >= 2, $"{report}\n{node.Log}");
        var heard = ToneAnalysis.Of(Recording("bob"), Tones);
        Assert.True(heard.Seconds.Any(s => s.Contains(440)) && heard.Seconds.All(s => !s.Contains(770)), $"bob heard {heard}");

        // Who has none is not called, since a=crypto may not stand there.
        (exit, said) = await NodeProcess.RunAsync(
            "conference", "invite", "mixed", $"sip:eve@127.0.0.1:{port}", "--wait", "--url", $"http://127.0.0.1:{node.HttpPort}");
        Assert.True(exit == 1, said);
        (exit, report) = await alice;
        Assert.True(exit == 0, $"{report}\n{node.Log}");
        Assert.Equal(0, report.GetProperty("undecryptable").GetInt32());
    }

    private string Key(string name) => Path.Combine(_data.Path, $"{name}.psk");

    private string Recording(string name) => Path.Combine(_data.Path, $"{name}.wav");

    private async Task AddAsync(string verb, string name, params string[] more)
    {
        var (exit, output) = await NodeProcess.RunAsync([verb, "user", "add", "--psk-file", Key(name), "--set", $"confcluster.data-dir={_data.Path}", .. more]);
        Assert.True(exit == 0, output);
    }

    private Task<(int Exit, JsonElement Report)> CallAsync(NodeProcess node, string name, int tone, int seconds, params string[] more) => ReportAsync(
    [
        "call", $"sip:mixed@127.0.0.1:{node.SipPort}", "--tone", $"{tone}", "--record", Recording(name), "--for", $"{seconds}s", "--json", .. more,
    ]);

    private static async Task<(int Exit, JsonElement Report)> ReportAsync(params string[] arguments)
    {
        var (exit, output) = await NodeProcess.RunAsync(arguments);
        Assert.True(output.Contains('{'), output);
        return (exit, JsonDocument.Parse(output[output.IndexOf('{')..]).RootElement);
    }

    private static Task UntilAsync(NodeProcess node, int participants) => node.UntilAsync(
        async () =>
        {
            using var answer = await node.Http.GetAsync(new Uri("/api/v1/conferences/mixed", UriKind.Relative));
            if (!answer.IsSuccessStatusCode) return false;
            using var shown = JsonDocument.Parse(await answer.Content.ReadAsStringAsync());
            return shown.RootElement.GetProperty("participants").GetArrayLength() == participants;
        },
        $"{participants} participants");
}
