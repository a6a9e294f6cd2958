using System.Text.Json;
using ConfCluster.Support.Audio;
using Microsoft.Data.Sqlite;
using Xunit;

namespace ConfCluster.Cluster.Tests.Processes;

/// <summary>
/// Phones with tickets that send under the group's key: in a conference whose media is forwarded unopened, and in one that is mixed.
/// </summary>
[Collection("processes")]
public sealed class SwitchingTests : IDisposable
{
    private static readonly double[] Tones = [440, 770, 1200];

    /// <summary>Of one source, after the jitter buffer; the phones share their machine with the node. What counts is that no packet was lost or unreadable.</summary>
    private const double LongestGap = 1000;

    private readonly TemporaryDirectory _kms = new();
    private readonly TemporaryDirectory _data = new();
    private string _kmsUrl = "";

    public void Dispose()
    {
        SqliteConnection.ClearAllPools();
        _kms.Dispose();
        _data.Dispose();
    }

    [Theory]
    [InlineData("media=switching")]
    [InlineData("uplink=group")]
    public async Task Three_phones_hear_each_other_through_a_join_and_a_leave_and_lose_nothing(string rule)
    {
        var isSwitching = rule.StartsWith("media", StringComparison.Ordinal);
        await AddUsersAsync("alice", "bob", "carol");
        await using var kms = NodeProcess.Start(_kms, "--set", "confcluster.kms.enabled=on");
        await kms.UntilReadyAsync();
        _kmsUrl = $"{kms.Http.BaseAddress}mikey";
        await using (var node = NodeProcess.Start(
            _data, "--set", $"confcluster.kms-user.psk-file={Key("focus")}", "--set", $"confcluster.kms-user.url={_kmsUrl}"))
        {
            await node.UntilReadyAsync();
            await CreateAsync(node, rule);
            if (isSwitching)
            {
                var (refused, without) = await CallAsync(node, "dave", 440, 3, "--mki");
                Assert.Equal((1, 488), (refused, without.GetProperty("status").GetInt32()));
                Assert.Contains("forwarded unopened", without.GetProperty("warning").GetString(), StringComparison.Ordinal);
            }

            var alice = CallAsync(node, "alice", 440, 18);
            await UntilAsync(node, 1);
            var bob = CallAsync(node, "bob", 770, 16);
            await UntilAsync(node, 2);
            var carol = CallAsync(node, "carol", 1200, 7);
            await UntilAsync(node, 3);
            foreach (var (call, name, own) in new[] { (carol, "carol", 1200), (bob, "bob", 770), (alice, "alice", 440) })
            {
                var (exit, report) = await call;
                Assert.True(exit == 0, $"{name} {report}\n{node.Log}");
                Assert.True(report.GetProperty("undecryptable").GetInt32() == 0 && report.GetProperty("packetsLost").GetInt32() == 0, $"{name} {report}\n{node.Log}");
                Assert.True(report.GetProperty("longestSourceGapMilliseconds").GetDouble() <= LongestGap, $"{name} {report}");
                Assert.Equal(isSwitching ? 2 : 1, report.GetProperty("sources").GetInt32());
                if (name != "carol") Assert.True(report.GetProperty("mkisHeard").GetInt32() >= 2, $"{name} {report}\n{node.Log}");
                var heard = ToneAnalysis.Of(Recording(name), Tones);
                Assert.True(heard.Seconds.Any(s => s.SequenceEqual(Tones.Where(t => t != own))), $"{name} heard {heard}");
                Assert.True(heard.Seconds.All(s => !s.Contains(own)), $"{name} heard itself: {heard}");
            }

            Assert.DoesNotContain("forwards unopened and was sent", node.Log, StringComparison.Ordinal);
            Assert.Equal(0, await node.StopAsync());
        }

        var (verified, output) = await NodeProcess.RunAsync("audit", "verify", "--set", $"confcluster.data-dir={_data.Path}");
        Assert.True(verified == 0, output);
        (verified, output) = await NodeProcess.RunAsync("audit", "show", "both", "--set", $"confcluster.data-dir={_data.Path}");
        Assert.True(verified == 0, output);
        Assert.Equal(isSwitching, output.Contains("told to send under", StringComparison.Ordinal));
        (verified, output) = await NodeProcess.RunAsync("audit", "exposure", "--conference", "both", "--set", $"confcluster.data-dir={_data.Path}");
        Assert.True(verified == 0, output);
    }

    [Fact]
    public async Task Whom_the_conference_calls_is_heard_where_media_is_forwarded_under_keys_that_the_KMS_made()
    {
        await AddUsersAsync("alice", "bob@127.0.0.1");
        await using var kms = NodeProcess.Start(_kms, "--set", "confcluster.kms.enabled=on");
        await kms.UntilReadyAsync();
        _kmsUrl = $"{kms.Http.BaseAddress}mikey";
        await using (var node = NodeProcess.Start(
            _data, "--set", $"confcluster.kms-user.psk-file={Key("focus")}", "--set", $"confcluster.kms-user.url={_kmsUrl}",
            "--set", "confcluster.conference.keys.source=kms"))
        {
            await node.UntilReadyAsync();
            await CreateAsync(node, "media=switching");
            var alice = CallAsync(node, "alice", 440, 13);
            await UntilAsync(node, 1);
            var port = NodeProcess.FreePort();
            string[] answer =
            [
                "answer", "--at", $"127.0.0.1:{port}", "--tone", "770", "--record", Recording("bob"), "--for", "8s", "--wait", "30s", "--json",
                "--srtp", "mikey", "--kms", _kmsUrl, "--user", "sip:bob@127.0.0.1", "--psk-file", Key("bob@127.0.0.1"),
            ];
            var bob = NodeProcess.RunAsync(answer);
            var (invited, said) = await NodeProcess.RunAsync(
                "conference", "invite", "both", $"sip:bob@127.0.0.1:{port}", "--wait", "--url", node.Http.BaseAddress!.ToString());
            Assert.True(invited == 0, $"{said}\n{node.Log}");
            var (exit, output) = await bob;
            Assert.True(exit == 0, $"{output}\n{node.Log}");
            var called = JsonDocument.Parse(output[output.IndexOf('{')..]).RootElement;
            var (left, caller) = await alice;
            Assert.True(left == 0, $"{caller}\n{node.Log}");
            foreach (var (name, report, other) in new[] { ("bob", called, 440), ("alice", caller, 770) })
            {
                Assert.True(report.GetProperty("undecryptable").GetInt32() == 0 && report.GetProperty("packetsLost").GetInt32() == 0, $"{name} {report}\n{node.Log}");
                var heard = ToneAnalysis.Of(Recording(name), Tones);
                Assert.True(heard.Seconds.Any(s => s.SequenceEqual([other])), $"{name} heard {heard}\n{node.Log}");
            }

            Assert.Equal(0, await node.StopAsync());
        }

        var (verified, shown) = await NodeProcess.RunAsync("audit", "verify", "--set", $"confcluster.data-dir={_data.Path}");
        Assert.True(verified == 0, shown);
        (verified, shown) = await NodeProcess.RunAsync("audit", "show", "both", "--set", $"confcluster.data-dir={_data.Path}");
        Assert.True(verified == 0 && shown.Contains("made by the KMS", StringComparison.Ordinal), shown);
    }

    private static async Task CreateAsync(NodeProcess node, string rule)
    {
        var url = node.Http.BaseAddress!.ToString();
        var (exit, output) = await NodeProcess.RunAsync("conference", "create", "both", "--set", rule, "--set", "rekey.min-interval=1s", "--url", url);
        Assert.True(exit == 0, output);
        (exit, output) = await NodeProcess.RunAsync("conference", "show", "both", "--url", url);
        Assert.Contains(rule, output, StringComparison.Ordinal);
    }

    private string Key(string name) => Path.Combine(_kms.Path, $"{name}.psk");

    private string Recording(string name) => Path.Combine(_data.Path, $"{name}.wav");

    private async Task AddUsersAsync(params string[] names)
    {
        foreach (var name in names.Append("focus"))
        {
            var uri = name.Contains('@', StringComparison.Ordinal) ? $"sip:{name}" : $"sip:{name}@example.com";
            string[] more = name == "focus" ? ["sip:focus@localhost", "--answers", "sip:*@127.0.0.1"] : [uri];
            var (exit, output) = await NodeProcess.RunAsync(["kms", "user", "add", "--psk-file", Key(name), "--set", $"confcluster.data-dir={_kms.Path}", .. more]);
            Assert.True(exit == 0, output);
        }
    }

    private async Task<(int Exit, JsonElement Report)> CallAsync(NodeProcess node, string name, int tone, int seconds, params string[] more)
    {
        string[] ticket = ["--srtp", "mikey", "--kms", _kmsUrl, "--user", $"sip:{name}@example.com", "--psk-file", Key(name)];
        var keys = more.Length > 0 ? more : ticket;
        string[] call =
        [
            "call", $"sip:both@127.0.0.1:{node.SipPort}", "--tone", $"{tone}", "--record", Recording(name), "--for", $"{seconds}s", "--json", .. keys,
        ];
        var (exit, output) = await NodeProcess.RunAsync(call);
        Assert.True(output.Contains('{'), output);
        return (exit, JsonDocument.Parse(output[output.IndexOf('{')..]).RootElement);
    }

    private static Task UntilAsync(NodeProcess node, int participants) => node.UntilAsync(
        async () =>
        {
            using var answer = await node.Http.GetAsync(new Uri("/api/v1/conferences/both", UriKind.Relative));
            if (!answer.IsSuccessStatusCode) return false;
            using var shown = JsonDocument.Parse(await answer.Content.ReadAsStringAsync());
            return shown.RootElement.GetProperty("participants").GetArrayLength() == participants;
        },
        $"{participants} participants");
}
