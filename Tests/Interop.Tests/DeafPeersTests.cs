using System.Globalization;
using System.Text.Json;
using ConfCluster.Support.Audio;
using Xunit;

namespace ConfCluster.Interop.Tests;

/// <summary>
/// Phones that do not follow when the group key changes: one takes the new key, does not use it, and reports that it hears nothing; one does the same and never
/// reports; one refuses; and one was put into the group that cannot follow. What the node makes of each stands in <see cref="KeyChanges"/>.
/// </summary>
[Collection("alone")]
public sealed class DeafPeersTests(DeafNode node) : IClassFixture<DeafNode>, IDisposable
{
    private const string Conference = "deaf";
    private static readonly double[] Tones = [440, 554, 659, 880, 1100];
    private readonly string _directory = Directory.CreateTempSubdirectory("confcluster-deaf-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [SkippableFact]
    public async Task Who_does_not_follow_gets_its_own_key_back_as_far_as_anybody_can_tell()
    {
        using var capture = await Capture.StartAsync(node);
        using var talker = NodeUnderTest.Call(
            [$"sip:{Conference}@127.0.0.1:{node.SipPort}", "--for", "5m", "--json", "--mki", "--user", "talker", "--password-file", await PasswordAsync(),
             "--record", "talker.wav", "--tone", "440"], _directory);
        using var baresip = Baresip.Start(_directory, "baresip", 26160, 26190, 32100, 659);
        await node.UntilParticipants(Conference, 1);
        using var gst = await MkiPhone.GStreamerAsync(node, Conference, _directory, 32140, 880, rtcp: true);
        using var silent = await MkiPhone.LibSrtpAsync(node, Conference, _directory, 32150, 1100, "unreporting");
        using var refuses = await MkiPhone.LibSrtpAsync(node, Conference, _directory, 32160, 554, "refusing");
        await node.UntilParticipants(Conference, 4);
        await SettledAsync();
        // Longer than the interval, so that the next join begins an epoch and is answered with it.
        await HeardAsync(seconds: 2);
        await baresip.CommandAsync("dial", $"sip:{Conference}@127.0.0.1:{node.SipPort}");
        await node.UntilParticipants(Conference, 5);
        await SettledAsync();
        await node.Until(async () => Text(await KeyAsync("GStreamer"), "hearing") == "reported", "GStreamer to report what it hears");
        await HeardAsync(seconds: 2);

        (gst.IgnoresNewKeys, silent.IgnoresNewKeys, refuses.Signalling.Refuses) = (true, true, true);
        await node.ConferenceAsync("rekey", Conference, "--reason", "the test");
        await node.Until(async () => (await KeyAsync("GStreamer")).GetProperty("deaf").GetBoolean(), "GStreamer to be found deaf");
        await HeardAsync(seconds: 4);
        var (last, reporting, unreporting, refusing, bare) =
            (await NewestAsync(), await KeyAsync("GStreamer"), await KeyAsync("unreporting"), await KeyAsync("refusing"), await KeyAsync("baresip"));
        var talked = (DateTimeOffset.UtcNow - (await ParticipantAsync("baresip")).GetProperty("joinedAt").GetDateTimeOffset()).TotalSeconds;
        foreach (var phone in (MkiPhone[])[gst, silent, refuses]) await phone.HangUpAsync();
        await baresip.HangUpAsync();
        talker.Signal(15);
        await talker.WaitAsync(TimeSpan.FromSeconds(20));
        await node.UntilParticipants(Conference, 0);
        await capture.StopAsync();

        Assert.Contains("hears nothing under the group key that it took", node.Log, StringComparison.Ordinal);
        Assert.Equal((null, "own", "reported"), (Epoch(reporting), Text(reporting, "keying"), Text(reporting, "hearing")));
        Assert.True(gst.Unopened > 50 && !gst.Signalling.WasHungUp, Counts(gst));
        // What it cannot open is no sound in its recording: right tones before, and again under its own key.
        var heard = Seconds(gst.Heard, 880);
        Assert.True(heard.Count(s => s) >= 5 && heard.TakeLast(3).Count(s => s) >= 2, $"GStreamer heard {string.Join(' ', heard)}\n{node.Log}");

        Assert.Equal((last, "unknown", false), (Epoch(unreporting), Text(unreporting, "hearing"), unreporting.GetProperty("deaf").GetBoolean()));
        Assert.True(silent.Counts["bad_mki"] > 250, Counts(silent));
        Assert.Equal((null, "own", false), (Epoch(refusing), Text(refusing, "keying"), refusing.GetProperty("deaf").GetBoolean()));
        Assert.True(refuses.Unopened == 0 && !refuses.Signalling.WasHungUp, $"{Counts(refuses)}\n{node.Log}");
        var (samples, rate) = Pcm.ReadWav(refuses.Heard);
        var own = ToneAnalysis.Of(samples[^(6 * rate)..], rate, Tones);
        Assert.True(own.LongestGapMs <= 100 && own.Seconds.Count(s => s.Contains(440)) >= 5, $"who refused heard {own}\n{node.Log}");

        Assert.Equal((last, "groupPlain"), (Epoch(bare), Text(bare, "keying")));
        var offers = await capture.ReadAsync(
            $"sip.Method == \"INVITE\" && sdp && sip.to.tag && udp.srcport == {node.SipPort} && udp.dstport == 26160", "frame.number", "sip.Method");
        Assert.True(offers.Count >= 1, "baresip was offered no key");
        var played = ToneAnalysis.Of(baresip.Heard, Tones);
        // In the group another SSRC is sent to who begins to talk. Where its numbers, which begin at random (RFC 3550 §5.1), are lower than those of the one before,
        // baresip's jitter buffer takes them for late ones and drops them, and it hears nothing from the beginning.
        var takesForLate = baresip.Output.Contains("SSRC changed", StringComparison.Ordinal) && baresip.Output.Contains("(Connection timed out)", StringComparison.Ordinal);
        Assert.True(
            (played.Seconds.Count >= 1 || takesForLate) && played.Seconds.All(s => s.SequenceEqual(Tones.Where(t => t != 659))) && played.SoundSeconds < talked - 3,
            $"baresip heard {played} in {talked} s\n{baresip.Output}");
        string[][] rows =
        [
            ["GStreamer with RTCP, new keys kept from srtpdec", "group key by MKI, UPDATE", "takes it with 200, opens nothing", "deaf, by its reports",
                "hears on under its own key"],
            ["libsrtp2 without RTCP, new keys kept from it", "group key by MKI, re-INVITE", "takes it with 200, opens nothing", "hearing unknown",
                "deaf until it is called anew: nobody can tell"],
            ["libsrtp2, 488 to new keys", "group key by MKI, re-INVITE", "refuses", "own key", "hears on under its own key, nothing lost"],
            ["baresip, put into the group", "group key without MKI, re-INVITE", "takes it with 200, opens nothing", "followed",
                "deaf: so phones without MKI are left out of the group"],
        ];
        KeyChanges.Check(
            "Those who do not follow",
            """
            Made by `DeafPeersTests`: the key changes at an operator's request while five phones talk. `conference show` has what the node sees: whether a phone reports
            what it hears, whether it was found deaf, under which key it is.
            """,
            ["Phone", "Told by", "At a change it", "What the node sees", "What becomes of it"], rows);
    }

    private Task SettledAsync() => node.Until(
        async () =>
        {
            var (newest, keys) = (await NewestAsync(), await KeysAsync());
            return !(await node.ShowAsync(Conference)).GetProperty("rekeyDeferred").GetBoolean() && keys.TrueForAll(k => Epoch(k) == newest);
        },
        "everybody to be under the newest key");

    private async Task<string> PasswordAsync()
    {
        // Nobody asks for it; the name is what the roster shows.
        var file = Path.Combine(_directory, "password");
        await File.WriteAllTextAsync(file, "unused");
        return file;
    }

    /// <summary>By seconds: it heard the tones of all others, and none of its own.</summary>
    private static List<bool> Seconds(string wav, double own)
    {
        var others = Tones.Where(t => t != own).ToList();
        return [.. ToneAnalysis.Of(wav, Tones).Seconds.Select(s => s.SequenceEqual(others))];
    }

    /// <summary>So much came from the talker meanwhile.</summary>
    private async Task HeardAsync(int seconds)
    {
        var before = await ReceivedAsync();
        await node.Until(async () => await ReceivedAsync() >= before + 50 * seconds, $"{seconds} s of talk");
    }

    private async Task<long> ReceivedAsync() => (await ParticipantAsync("talker")).GetProperty("media").GetProperty("packetsReceived").GetInt64();

    private async Task<JsonElement> KeyAsync(string name) => (await ParticipantAsync(name)).GetProperty("key");

    private async Task<List<JsonElement>> KeysAsync() => [.. (await RosterAsync()).Select(p => p.GetProperty("key"))];

    private async Task<JsonElement> ParticipantAsync(string name) =>
        (await RosterAsync()).Single(p => p.GetProperty("identity").GetString()!.Contains(name, StringComparison.Ordinal));

    private async Task<List<JsonElement>> RosterAsync() => [.. (await node.ShowAsync(Conference)).GetProperty("participants").EnumerateArray()];

    private async Task<int?> NewestAsync() =>
        (await node.ShowAsync(Conference)).GetProperty("epochs").EnumerateArray().Max(e => (int?)e.GetProperty("epoch").GetInt32());

    private static int? Epoch(JsonElement key) => key.GetProperty("epoch") is { ValueKind: JsonValueKind.Number } epoch ? epoch.GetInt32() : null;

    private static string? Text(JsonElement key, string name) => key.GetProperty(name).GetString();

    private static string Counts(MkiPhone phone) =>
        $"{phone.Name}: {string.Join(' ', phone.Counts.Select(c => $"{c.Key}={c.Value.ToString(CultureInfo.InvariantCulture)}"))}";
}

public sealed class DeafNode : NodeUnderTest
{
    protected override IEnumerable<string> Settings =>
        ["conference.keys.rekey.min-interval=1s", "conference.keys.user-agents=[\"baresip = group\"]"];
}
