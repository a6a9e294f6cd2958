using System.Globalization;
using System.Text.Json;
using Microsoft.Data.Sqlite;
using Xunit;

namespace ConfCluster.Cluster.Tests.Processes;

/// <summary>A group key that changes as softphones come, go, and are thrown out: nothing is lost, and the audit finds the rules kept.</summary>
[Collection("processes")]
public sealed class GroupKeyTests : IDisposable
{
    private static readonly string[] Settings = ["--set", "confcluster.conference.keys.rekey.min-interval=1s"];
    private readonly TemporaryDirectory _data = new();

    public void Dispose()
    {
        SqliteConnection.ClearAllPools();
        _data.Dispose();
    }

    [Fact]
    public async Task Phones_with_MKI_follow_each_change_of_the_key_and_lose_nothing()
    {
        await using (var node = NodeProcess.Start(_data, Settings))
        {
            await node.UntilReadyAsync();
            var (update, reinvite) = (CallAsync(node, 14, "--mki", "--tone", "440"), CallAsync(node, 12, "--mki", "--no-update"));
            await UntilAsync(node, participants: 2);
            var guest = CallAsync(node, 4, "--mki");
            var own = CallAsync(node, 6);
            await UntilAsync(node, participants: 4);
            await node.UntilAsync(async () => Value(await MetricsAsync(node), "confcluster_mki_incapable_legs") == 1, "one leg without MKI");
            await guest;
            var evicted = CallAsync(node, 60, "--mki");
            await UntilAsync(node, participants: 4);
            var shown = (await ShowAsync(node)).RootElement.GetProperty("conference");
            // Who leaves without ever having been told a group key is no reason to change it.
            await node.UntilAsync(
                async () =>
                {
                    shown = (await ShowAsync(node)).RootElement.GetProperty("conference");
                    return Newest(shown).GetProperty("key").GetProperty("epoch").ValueKind == JsonValueKind.Number;
                },
                "the newcomer to be in the group");
            var exposure = shown.GetProperty("exposure");
            Assert.InRange(exposure.GetProperty("lastCovered").GetProperty("seconds").GetDouble(), 0, exposure.GetProperty("boundSeconds").GetDouble());
            Assert.Contains("is covered by a younger group key within", await VerbAsync(node, "conference", "show", "keys"), StringComparison.Ordinal);
            var last = Newest(shown).GetProperty("id").GetString()!;
            await VerbAsync(node, "conference", "evict", "keys", last);
            var (_, thrown) = await evicted;
            Assert.Equal("peer", thrown.GetProperty("endedBy").GetString());
            var metrics = await MetricsAsync(node);
            var (encrypts, sends) = (Shared(metrics, "encrypts"), Shared(metrics, "sends"));
            Assert.True(encrypts > 0 && sends > encrypts, metrics);
            await VerbAsync(node, "conference", "rekey", "keys", "--reason", "test");
            foreach (var call in new[] { update, reinvite })
            {
                var (exit, report) = await call;
                Assert.True(exit == 0, report.ToString());
                Assert.True(report.GetProperty("mkisHeard").GetInt32() >= 4, report.ToString());
                Assert.Equal((0, 0), (report.GetProperty("undecryptable").GetInt32(), report.GetProperty("packetsLost").GetInt32()));
            }

            var (_, never) = await own;
            Assert.Equal((0, 0), (never.GetProperty("mkisHeard").GetInt32(), never.GetProperty("undecryptable").GetInt32()));
            AssertCounted(await MetricsAsync(node));
            Assert.Equal(0, await node.StopAsync());
        }

        var (verified, output) = await NodeProcess.RunAsync(["audit", "verify", "--set", $"confcluster.data-dir={_data.Path}"]);
        Assert.True(verified == 0, output);
        (verified, output) = await NodeProcess.RunAsync(["audit", "show", "keys", "--set", $"confcluster.data-dir={_data.Path}"]);
        foreach (var said in (string[])["begun", "joined", "left", "evicted"]) Assert.Contains(said, output, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task A_phone_that_goes_deaf_with_a_new_key_is_found_out_and_gets_its_own_back()
    {
        await using (var node = NodeProcess.Start(_data, Settings))
        {
            await node.UntilReadyAsync();
            var good = CallAsync(node, 28, "--mki", "--tone", "440");
            await UntilAsync(node, participants: 1);
            var deaf = CallAsync(node, 26, "--mki", "--ignore-new-keys");
            await UntilAsync(node, participants: 2);
            // Its first key, with its answer, it does take.
            await VerbAsync(node, "conference", "rekey", "keys", "--reason", "test");
            await node.UntilAsync(
                async () => (await ShowAsync(node)).RootElement.GetProperty("conference").GetProperty("participants").EnumerateArray()
                    .Any(p => p.GetProperty("key").GetProperty("deaf").GetBoolean()),
                "a deaf phone to be noticed");
            Assert.Equal(1, Value(await MetricsAsync(node), "confcluster_rekey_laggards_total", "became=\"deaf\""));
            Assert.Contains("hears nothing under the group key that it took", node.Log, StringComparison.Ordinal);
            Assert.Contains("was deaf", await VerbAsync(node, "conference", "show", "keys"), StringComparison.Ordinal);
            var (_, report) = await deaf;
            var (heard, missed) = (report.GetProperty("packetsReceived").GetInt32(), report.GetProperty("undecryptable").GetInt32());
            // It reports every 2.5 to 7.5 s: two of them, and what is on its way.
            Assert.True(missed > 0 && missed < 17 * 50 && heard > 4 * 50, $"{report}");
            var (_, other) = await good;
            Assert.Equal((0, 0), (other.GetProperty("undecryptable").GetInt32(), other.GetProperty("packetsLost").GetInt32()));
            Assert.Equal(0, await node.StopAsync());
        }

        var (verified, output) = await NodeProcess.RunAsync(["audit", "verify", "--set", $"confcluster.data-dir={_data.Path}"]);
        Assert.True(verified == 0, output);
        (_, output) = await NodeProcess.RunAsync(["audit", "show", "keys", "--set", $"confcluster.data-dir={_data.Path}"]);
        Assert.Contains("hears nothing under the group's key", output, StringComparison.Ordinal);
    }

    /// <summary>The first join, those after it, the guest's leave, an eviction, and an operator: each is there, none waited longer than the rules allow.</summary>
    private static void AssertCounted(string metrics)
    {
        foreach (var reason in (string[])["begun", "joined", "evicted", "asked"])
            Assert.True(Value(metrics, "confcluster_rekeys_total", $"reason=\"{reason}\"") >= 1, $"{reason}\n{metrics}");
        Assert.True(Value(metrics, "confcluster_rekeys_coalesced_total") >= 0, metrics);
        Assert.True(Value(metrics, "confcluster_rekey_distribution_seconds_count") >= 3, metrics);
        Assert.True(Value(metrics, "confcluster_exposure_seconds_count", "change=\"join\"") >= 4, metrics);
        Assert.True(Value(metrics, "confcluster_exposure_seconds_count", "change=\"leave\"") >= 2, metrics);
        Assert.Equal(0, Value(metrics, "confcluster_rekey_laggards_total"));
        foreach (var change in (string[])["change=\"join\"", "change=\"leave\""])
        {
            var all = Value(metrics, "confcluster_exposure_seconds_count", change);
            Assert.Equal(all, Value(metrics, "confcluster_exposure_seconds_bucket", change, "le=\"15\""));
        }
    }

    private static JsonElement Newest(JsonElement conference) =>
        conference.GetProperty("participants").EnumerateArray().OrderBy(p => p.GetProperty("joinedAt").GetDateTimeOffset()).Last();

    /// <summary>The sum of the series of that name with these labels; -1: there is none.</summary>
    private static double Value(string metrics, string name, params string[] labels)
    {
        var lines = metrics.Split('\n').Where(l => l.StartsWith($"{name} ", StringComparison.Ordinal) || l.StartsWith($"{name}{{", StringComparison.Ordinal))
            .Where(l => labels.All(label => l.Contains(label, StringComparison.Ordinal))).ToList();
        return lines.Count == 0 ? -1 : lines.Sum(l => double.Parse(l[(l.IndexOf(' ', l.IndexOf('}') + 1) + 1)..].Split(' ')[0], CultureInfo.InvariantCulture));
    }

    private static Task<string> MetricsAsync(NodeProcess node) => node.Http.GetStringAsync(new Uri("/metrics", UriKind.Relative));

    private static double Shared(string metrics, string what) => metrics.Split('\n')
        .Where(l => l.StartsWith($"confcluster_media_{what}_total{{", StringComparison.Ordinal) && l.Contains("stream=\"shared\"", StringComparison.Ordinal))
        .Sum(l => double.Parse(l.Split('}')[1].Trim().Split(' ')[0], CultureInfo.InvariantCulture));

    private static async Task<(int Exit, JsonElement Report)> CallAsync(NodeProcess node, int seconds, params string[] more)
    {
        string[] call = ["call", $"sip:keys@127.0.0.1:{node.SipPort}", "--for", $"{seconds.ToString(CultureInfo.InvariantCulture)}s", "--json", .. more];
        var (exit, output) = await NodeProcess.RunAsync(call);
        Assert.True(output.Contains('{'), output);
        return (exit, JsonDocument.Parse(output[output.IndexOf('{')..]).RootElement);
    }

    private static async Task<JsonDocument> ShowAsync(NodeProcess node)
    {
        var output = await VerbAsync(node, "conference", "show", "keys", "--json");
        return JsonDocument.Parse(output);
    }

    private static async Task<string> VerbAsync(NodeProcess node, params string[] verb)
    {
        var (exit, output) = await NodeProcess.RunAsync([.. verb, "--url", node.Http.BaseAddress!.ToString()]);
        Assert.True(exit == 0, output);
        return output;
    }

    private static Task UntilAsync(NodeProcess node, int participants) => node.UntilAsync(
        async () =>
        {
            using var answer = await node.Http.GetAsync(new Uri("/api/v1/conferences/keys", UriKind.Relative));
            if (!answer.IsSuccessStatusCode) return false;
            using var shown = JsonDocument.Parse(await answer.Content.ReadAsStringAsync());
            return shown.RootElement.GetProperty("participants").GetArrayLength() == participants;
        },
        $"{participants} participants");
}
