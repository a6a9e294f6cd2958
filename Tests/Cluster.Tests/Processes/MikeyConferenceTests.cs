using System.Globalization;
using System.Text.Json;
using ConfCluster.Support.Audio;
using Microsoft.Data.Sqlite;
using Xunit;

namespace ConfCluster.Cluster.Tests.Processes;

/// <summary>Phones with tickets and phones with a=crypto in one conference, with a KMS that is a process of its own.</summary>
[Collection("processes")]
public sealed class MikeyConferenceTests : IDisposable
{
    private static readonly double[] Tones = [440, 770, 1200];
    private readonly TemporaryDirectory _kms = new();
    private readonly TemporaryDirectory _data = new();

    public void Dispose()
    {
        SqliteConnection.ClearAllPools();
        _kms.Dispose();
        _data.Dispose();
    }

    [Fact]
    public async Task Phones_with_tickets_and_a_phone_with_SDES_share_every_key_and_hear_each_other()
    {
        await AddUsersAsync("alice", "bob");
        await using var kms = NodeProcess.Start(_kms, "--set", "confcluster.kms.enabled=on");
        await kms.UntilReadyAsync();
        await using (var node = NodeProcess.Start(_data, Focus(kms.HttpPort)))
        {
            await node.UntilReadyAsync();
            var alice = CallAsync(node, kms, "alice", 440, 14);
            await UntilAsync(node, 1);
            var carol = CallAsync(node, null, "carol", 770, 13, "--mki");
            await UntilAsync(node, 2);
            var bob = CallAsync(node, kms, "bob", 1200, 5);
            await UntilAsync(node, 3);
            var (exit, guest) = await bob;
            Assert.True(exit == 0, $"{guest}\n{node.Log}\n{kms.Log}");
            foreach (var (call, name) in new[] { (alice, "alice"), (carol, "carol") })
            {
                (exit, var report) = await call;
                Assert.True(exit == 0, $"{report}\n{node.Log}");

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
        }

        var (verified, output) = await NodeProcess.RunAsync("audit", "verify", "--set", $"confcluster.data-dir={_data.Path}");
        Assert.True(verified == 0, output);
        var audit = await File.ReadAllLinesAsync(Path.Combine(_kms.Path, "kms", "audit.jsonl"));
        Assert.Equal(4, audit.Length);
        Assert.All(audit, line => Assert.Equal("None", JsonDocument.Parse(line).RootElement.GetProperty("Result").GetString()));
    }

    [Fact]
    public async Task A_conference_calls_a_phone_with_a_ticket_and_one_without_beside_it()
    {
        await AddUsersAsync("alice");
        var (added, said) = await NodeProcess.RunAsync(
            "kms", "user", "add", "sip:bob@127.0.0.1", "--psk-file", Key("bob"), "--set", $"confcluster.data-dir={_kms.Path}");
        Assert.True(added == 0, said);
        await using var kms = NodeProcess.Start(_kms, "--set", "confcluster.kms.enabled=on");
        await kms.UntilReadyAsync();
        await using var node = NodeProcess.Start(_data, Focus(kms.HttpPort));
        await node.UntilReadyAsync();
        var alice = CallAsync(node, kms, "alice", 440, 14);
        await UntilAsync(node, 1);
        var (first, second) = (NodeProcess.FreePort(), NodeProcess.FreePort());
        var bob = AnswerAsync(kms, "bob", first, 770, 6);
        await InviteAsync(node, "bob", first);
        await UntilAsync(node, 2);
        var carol = AnswerAsync(null, "carol", second, 1200, 3);
        await InviteAsync(node, "carol", second);
        await UntilAsync(node, 3);
        foreach (var (call, name) in new[] { (carol, "carol"), (bob, "bob"), (alice, "alice") })
        {
            var (exit, report) = await call;
            Assert.True(exit == 0, $"{name} {report}\n{node.Log}\n{kms.Log}");
            Assert.Equal(0, report.GetProperty("undecryptable").GetInt32());
            if (name == "bob") Assert.True(report.GetProperty("mkisHeard").GetInt32() >= 2, $"{report}\n{node.Log}");
            if (name == "carol") Assert.False(report.GetProperty("mki").GetBoolean());
        }

        var heard = ToneAnalysis.Of(Recording("bob"), Tones);
        Assert.True(heard.Seconds.Any(s => s.Contains(440)) && heard.Seconds.All(s => !s.Contains(770)), $"bob heard {heard}");
    }

    [Fact]
    public async Task Without_its_KMS_a_focus_refuses_new_tickets_and_goes_on_with_those_that_it_has()
    {
        await AddUsersAsync("alice", "bob");
        var kms = NodeProcess.Start(_kms, "--set", "confcluster.kms.enabled=on");
        await kms.UntilReadyAsync();
        using var other = new TemporaryDirectory();
        await using var lost = NodeProcess.Start(other, Focus(NodeProcess.FreePort()));
        await using var node = NodeProcess.Start(_data, Focus(kms.HttpPort));
        await node.UntilReadyAsync();
        await lost.UntilReadyAsync();
        var alice = CallAsync(node, kms, "alice", 440, 10);
        await UntilAsync(node, 1);
        var (refused, report) = await CallAsync(lost, kms, "bob", 770, 3);
        Assert.Equal((1, 503), (refused, report.GetProperty("status").GetInt32()));
        Assert.Equal(0, await kms.StopAsync());
        await kms.DisposeAsync();
        var (exit, _) = await CallAsync(node, null, "carol", 770, 3, "--mki");
        Assert.Equal(0, exit);
        (exit, report) = await alice;
        Assert.True(exit == 0, $"{report}\n{node.Log}");
        Assert.True(report.GetProperty("mkisHeard").GetInt32() >= 2, report.ToString());
        Assert.Equal(0, report.GetProperty("undecryptable").GetInt32());
    }

    [Fact]
    public async Task Who_is_revoked_or_has_another_key_gets_no_ticket_and_is_written_down()
    {
        await AddUsersAsync("alice", "bob");
        await using var kms = NodeProcess.Start(_kms, "--set", "confcluster.kms.enabled=on", "--set", "confcluster.kms.burst=8", "--set", "confcluster.kms.rate=1");
        await kms.UntilReadyAsync();
        var (exit, output) = await NodeProcess.RunAsync("kms", "user", "revoke", "sip:bob@example.com", "--set", $"confcluster.data-dir={_kms.Path}");
        Assert.True(exit == 0, output);
        (exit, var report) = await CallAsync(kms, kms, "bob", 440, 1);
        Assert.Equal(1, exit);
        Assert.Contains("KMS", report.GetProperty("problem").GetString(), StringComparison.Ordinal);
        File.Copy(Key("alice"), Key("eve"));
        (exit, _) = await CallAsync(kms, kms, "eve", 440, 1);
        Assert.Equal(1, exit);
        var audit = await File.ReadAllLinesAsync(Path.Combine(_kms.Path, "kms", "audit.jsonl"));
        Assert.Equal(["MacMismatch", "MacMismatch"], audit.Select(line => JsonDocument.Parse(line).RootElement.GetProperty("Result").GetString()));
        var psk = (await File.ReadAllTextAsync(Key("alice"))).Trim();
        foreach (var file in Directory.EnumerateFiles(Path.Combine(_kms.Path, "kms")))
            Assert.DoesNotContain(psk, Convert.ToHexStringLower(await File.ReadAllBytesAsync(file)) + await File.ReadAllTextAsync(file), StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain(psk, kms.Log, StringComparison.OrdinalIgnoreCase);

        using var wrong = new ByteArrayContent([1, 2, 3]);
        var path = new Uri("/mikey", UriKind.Relative);
        Assert.Equal(415, (int)(await kms.Http.PostAsync(path, wrong)).StatusCode);
        wrong.Headers.ContentType = new("application/mikey");
        Assert.Equal(400, (int)(await kms.Http.PostAsync(path, wrong)).StatusCode);
        for (var i = 0; i < 8; i++) (await kms.Http.PostAsync(path, wrong)).Dispose();
        Assert.Equal(429, (int)(await kms.Http.PostAsync(path, wrong)).StatusCode);
    }

    private string[] Focus(int kmsPort) =>
    [
        "--set", $"confcluster.kms-user.url=http://127.0.0.1:{kmsPort.ToString(CultureInfo.InvariantCulture)}/mikey",
        "--set", $"confcluster.kms-user.psk-file={Key("focus")}", "--set", "confcluster.conference.keys.rekey.min-interval=1s",
    ];

    private string Key(string name) => Path.Combine(_kms.Path, $"{name}.psk");

    private string Recording(string name) => Path.Combine(_data.Path, $"{name}.wav");

    private async Task AddUsersAsync(params string[] names)
    {
        foreach (var name in names.Append("focus"))
        {
            string[] more = name == "focus" ? ["sip:focus@localhost", "--answers", "sip:*@127.0.0.1"] : [$"sip:{name}@example.com"];
            var (exit, output) = await NodeProcess.RunAsync(["kms", "user", "add", "--psk-file", Key(name), "--set", $"confcluster.data-dir={_kms.Path}", .. more]);
            Assert.True(exit == 0, output);
        }
    }

    private async Task<(int Exit, JsonElement Report)> CallAsync(NodeProcess node, NodeProcess? kms, string name, int tone, int seconds, params string[] more)
    {
        string[] keys = kms is null ? [] : ["--srtp", "mikey", "--kms", $"{kms.Http.BaseAddress}mikey", "--user", $"sip:{name}@example.com", "--psk-file", Key(name)];
        string[] call =
        [
            "call", $"sip:mixed@127.0.0.1:{node.SipPort}", "--tone", $"{tone}", "--record", Recording(name), "--for", $"{seconds}s", "--json", .. keys, .. more,
        ];
        var (exit, output) = await NodeProcess.RunAsync(call);
        Assert.True(output.Contains('{'), output);
        return (exit, JsonDocument.Parse(output[output.IndexOf('{')..]).RootElement);
    }

    private async Task<(int Exit, JsonElement Report)> AnswerAsync(NodeProcess? kms, string name, int port, int tone, int seconds)
    {
        string[] keys = kms is null ? [] : ["--srtp", "mikey", "--kms", $"{kms.Http.BaseAddress}mikey", "--user", $"sip:{name}@127.0.0.1", "--psk-file", Key(name)];
        string[] answer =
        [
            "answer", "--at", $"127.0.0.1:{port}", "--tone", $"{tone}", "--record", Recording(name), "--for", $"{seconds}s", "--wait", "30s", "--json", .. keys,
        ];
        var (exit, output) = await NodeProcess.RunAsync(answer);
        Assert.True(output.Contains('{'), output);
        return (exit, JsonDocument.Parse(output[output.IndexOf('{')..]).RootElement);
    }

    /// <summary>An INVITE that comes before the phone listens is sent again by its transaction.</summary>
    private static async Task InviteAsync(NodeProcess node, string name, int port)
    {
        var (exit, output) = await NodeProcess.RunAsync(
            "conference", "invite", "mixed", $"sip:{name}@127.0.0.1:{port}", "--wait", "--url", $"http://127.0.0.1:{node.HttpPort}");
        Assert.True(exit == 0, $"{output}\n{node.Log}");
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
