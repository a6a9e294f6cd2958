using System.Globalization;
using System.Text.Json;
using ConfCluster.Support.Audio;
using Microsoft.Data.Sqlite;
using Xunit;
using Xunit.Abstractions;

namespace ConfCluster.Cluster.Tests.Processes;

/// <summary>A conference that is too large for a mixer: to its participants it is one, wherever their legs are.</summary>
[Collection("processes")]
public sealed class ManyMixersTests(ITestOutputHelper output) : IDisposable
{
    private static readonly double[] Tones = [440, 700, 1000, 1300, 1700];
    private readonly TemporaryDirectory _data = new();

    public void Dispose()
    {
        SqliteConnection.ClearAllPools();
        _data.Dispose();
    }

    [Fact]
    public async Task Five_phones_at_three_mixers_hear_exactly_the_other_four_and_follow_a_new_key()
    {
        string[] settings =
        [
            "--set", "confcluster.media.lanes=2", "--set", "confcluster.conference.legs-per-mixer=2", "--set", "confcluster.conference.keys.rekey.min-interval=1s",
        ];
        await using (var node = NodeProcess.Start(_data, settings))
        {
            await node.UntilReadyAsync();
            var calls = Tones.Select(t => CallAsync(node, t)).ToArray();
            await node.UntilAsync(
                async () => await ShowAsync(node) is { } c && Hearing(c) == Tones.Length && UnderNewest(c) == Tones.Length, "five phones under the group's key");
            await node.UntilAsync(async () => await ShowAsync(node) is { } c && Mixers(c).All(m => Trunk(m, "received") > 100), "three mixers that hear each other");
            var shown = (await ShowAsync(node))!.Value;
            Assert.Equal([2, 2, 1], Mixers(shown).Select(m => m.GetProperty("legs").GetInt32()));
            Assert.Equal(Tones.Length, shown.GetProperty("participants").GetArrayLength());
            var (exit, text) = await NodeProcess.RunAsync(["conference", "show", "many", "--url", $"http://127.0.0.1:{node.HttpPort}"]);
            Assert.True(exit == 0 && text.Contains("5 participants, 3 mixers", StringComparison.Ordinal), text);
            var epoch = Newest(shown);
            (exit, text) = await NodeProcess.RunAsync(["conference", "rekey", "many", "--reason", "test", "--url", $"http://127.0.0.1:{node.HttpPort}"]);
            Assert.True(exit == 0, text);
            await node.UntilAsync(
                async () => await ShowAsync(node) is { } c && Newest(c) > epoch && UnderNewest(c) == Tones.Length, "all five under the next key");
            shown = (await ShowAsync(node))!.Value;
            Assert.All(Mixers(shown), m => Assert.Equal(0, Trunk(m, "refused")));
            output.WriteLine($"{shown.GetProperty("mixers")}");
            foreach (var (call, tone) in calls.Zip(Tones))
            {
                var report = await call;
                Assert.Equal((0, 0), (report.GetProperty("undecryptable").GetInt32(), report.GetProperty("packetsLost").GetInt32()));
                Assert.True(report.GetProperty("longestGapMilliseconds").GetDouble() < 1000, $"{report}");
                var heard = ToneAnalysis.Of(Recording(tone), Tones);
                var others = Tones.Where(t => t != tone).ToArray();
                Assert.True(heard.Seconds.Count(s => others.All(s.Contains) && !s.Contains(tone)) >= 4, $"the phone of {tone} Hz heard {heard}");
                Assert.DoesNotContain(heard.Seconds, s => s.Contains(tone));
            }

            Assert.Equal(0, await node.StopAsync());
        }

        var (verified, said) = await NodeProcess.RunAsync(["audit", "verify", "--set", $"confcluster.data-dir={_data.Path}"]);
        Assert.True(verified == 0, said);
    }

    private string Recording(double tone) => Path.Combine(_data.Path, $"{tone}.wav");

    private async Task<JsonElement> CallAsync(NodeProcess node, double tone)
    {
        var (exit, said) = await NodeProcess.RunAsync(
        [
            "call", $"sip:many@127.0.0.1:{node.SipPort}", "--mki", "--tone", tone.ToString(CultureInfo.InvariantCulture), "--record", Recording(tone), "--for", "20s", "--json",
        ]);
        Assert.True(exit == 0, said);
        return JsonDocument.Parse(said[said.IndexOf('{', StringComparison.Ordinal)..]).RootElement;
    }

    private static async Task<JsonElement?> ShowAsync(NodeProcess node)
    {
        var answer = await node.Http.GetAsync(new Uri("/api/v1/conferences/many", UriKind.Relative));
        return answer.IsSuccessStatusCode ? JsonDocument.Parse(await answer.Content.ReadAsStringAsync()).RootElement : null;
    }

    private static JsonElement[] Mixers(JsonElement conference) => [.. conference.GetProperty("mixers").EnumerateArray()];

    private static long Trunk(JsonElement mixer, string name) =>
        mixer.GetProperty("trunk") is { ValueKind: JsonValueKind.Object } trunk ? trunk.GetProperty(name).GetInt64() : -1;

    private static int Newest(JsonElement conference) =>
        conference.GetProperty("epochs").EnumerateArray().Select(e => e.GetProperty("epoch").GetInt32()).DefaultIfEmpty().Max();

    private static int Hearing(JsonElement conference) => conference.GetProperty("participants").EnumerateArray()
        .Count(p => p.GetProperty("media") is { ValueKind: JsonValueKind.Object } media && media.GetProperty("packetsReceived").GetInt64() > 50);

    private static int UnderNewest(JsonElement conference) => conference.GetProperty("participants").EnumerateArray()
        .Count(p => p.GetProperty("key").GetProperty("epoch") is { ValueKind: JsonValueKind.Number } epoch && epoch.GetInt32() == Newest(conference));
}
