using System.Globalization;
using System.Text.Json;
using Xunit;

namespace ConfCluster.Interop.Tests;

/// <summary>
/// One conference of phones that tell keys by MKI, one of them with keys in advance, one that does not and follows re-INVITEs, and one that must never notice;
/// others come, leave and are thrown out meanwhile. What each phone did at each change of the key is <see cref="KeyChanges"/>.
/// </summary>
[Collection("alone")]
public sealed class GroupKeyPeersTests(GroupKeyNode node) : IClassFixture<GroupKeyNode>, IDisposable
{
    private const string Conference = "peers";
    private static readonly double[] Tones = [440, 554, 659, 880, 1100];
    private readonly string _directory = Directory.CreateTempSubdirectory("confcluster-peers-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [SkippableFact]
    public async Task Real_phones_follow_the_group_key_or_never_notice_it()
    {
        using var capture = await Capture.StartAsync(node);
        using var update = Softphone("update", 440, "--mki");
        using var plain = Softphone("plain", 554, "--no-update");
        using var reinvite = Softphone("reinvite", null, "--mki", "--no-update");
        using var ladder = Softphone("ladder", null, "--mki", "--transport", "tcp", "--user", "ladder", "--password-file", await PasswordAsync());
        using var baresip = Baresip.Start(_directory, "baresip", 25960, 25990, 31900, 659);
        await node.UntilParticipants(Conference, 4);
        await baresip.CommandAsync("dial", $"sip:{Conference}@127.0.0.1:{node.SipPort}");
        using var gst = await MkiPhone.GStreamerAsync(node, Conference, _directory, 31940, 880);
        using var libsrtp = await MkiPhone.LibSrtpAsync(node, Conference, _directory, 31950, 1100);
        await node.UntilParticipants(Conference, 7);
        await SettledAsync();

        for (var round = 0; round < 2; round++)
        {
            using (var guest = Softphone($"guest{round}", null, "--mki"))
            {
                await node.UntilParticipants(Conference, 8);
                await SettledAsync();
                guest.Signal(15);
                await node.UntilParticipants(Conference, 7);
                await SettledAsync();
                await guest.WaitAsync(TimeSpan.FromSeconds(20));
            }

            using var intruder = Softphone($"intruder{round}", null, "--mki", "--no-update");
            await node.UntilParticipants(Conference, 8);
            await SettledAsync();
            await node.ConferenceAsync("evict", Conference, await NewestAsync());
            await node.UntilParticipants(Conference, 7);
            await SettledAsync();
            await intruder.WaitAsync(TimeSpan.FromSeconds(20));
        }

        await node.ConferenceAsync("rekey", Conference, "--reason", "the test");
        await SettledAsync();
        // Numbers of rungs that somebody took along are left out, so the newest one does not count them.
        var epochs = (await node.EventsAsync(Conference)).Count(e => e == "keyEpochBegan");
        await gst.HangUpAsync();
        await libsrtp.HangUpAsync();
        await baresip.HangUpAsync();
        foreach (var phone in (ChildProcess[])[update, plain, reinvite, ladder])
        {
            phone.Signal(15);
            await phone.WaitAsync(TimeSpan.FromSeconds(20));
        }

        await node.UntilParticipants(Conference, 0);
        await capture.StopAsync();

        Assert.True(epochs >= 9, $"{epochs} epochs");
        List<string[]> rows =
        [
            Soft("softphone, `--mki`", update, "update", 440, "group key by MKI, UPDATE", epochs),
            Soft("softphone, `--mki --no-update`", reinvite, "reinvite", 0, "group key by MKI, re-INVITE", epochs),
            Soft("softphone, `--mki --transport tcp`", ladder, "ladder", 0, "group key by MKI and three more in advance, UPDATE when they are used up", epochs),
            Soft("softphone without MKI, `--no-update`", plain, "plain", 554, "group key without MKI, re-INVITE", 0),
            Mki("GStreamer, srtpdec", gst, "UPDATE", 880),
            Mki("libsrtp2", libsrtp, "INVITE", 1100),
            ["baresip", "its own key, never told another", "never notices", "", "none", "0"],
        ];
        AssertTones("baresip", baresip.Heard, 659);
        await SeenAsync(capture, epochs);
        KeyChanges.Check(
            "Those who follow, and who need not",
            """
            Made by `GroupKeyPeersTests`: five phones that talk and two that listen, two guests that come and leave, two intruders that are thrown out, and an operator's
            rekey. Every recording holds the right tones in every second and no gap over 100 ms; tshark has no complaint about the messages.
            """,
            ["Phone", "Keyed and told by", "At a change it", "How", "Gap", "Packets that no key opened"], rows);
    }

    /// <summary>The report of a softphone: nothing that no key opened, no gap that it heard, the right tones all the time.</summary>
    private string[] Soft(string name, ChildProcess phone, string file, double tone, string told, int mkis)
    {
        var report = JsonDocument.Parse(phone.Output[phone.Output.IndexOf('{', StringComparison.Ordinal)..]).RootElement;
        Assert.True(report.GetProperty("undecryptable").GetInt32() == 0 && report.GetProperty("packetsLost").GetInt32() == 0, $"{name}: {report}");
        Assert.True(mkis == 0 ? report.GetProperty("mkisHeard").GetInt32() == 0 : report.GetProperty("mkisHeard").GetInt32() >= mkis - 1, $"{name}: {report}");
        AssertTones(name, Path.Combine(_directory, $"{file}.wav"), tone, report);
        var change = mkis > 0 ? "opens under every key that is listed, and for 2 s under those before" : "the new key with its 200; the old one opens for 2 s more";
        return [name, told, "follows", change, "none", "0"];
    }

    private string[] Mki(string name, MkiPhone phone, string method, double tone)
    {
        Assert.False(phone.Signalling.WasHungUp, $"{name} was hung up on\n{node.Log}");
        var offers = phone.Signalling.Offers;
        Assert.True(offers.Count >= 8 && offers.All(o => o == method), $"{name} was offered {string.Join(' ', offers)}");
        var counts = string.Join(' ', phone.Counts.Select(c => $"{c.Key}={c.Value}"));
        Assert.True(phone.Unopened == 0 && phone.Counts["opened"] > 500, $"{name}: {counts}");
        AssertTones(name, phone.Heard, tone);
        var how = phone.Name == "GStreamer" ? "asks for the keys of each stream anew (remove-key, request-key)" : "takes all keys by srtp_update, ROC goes on";
        return [name, $"group key by MKI, {(method == "UPDATE" ? "UPDATE" : "re-INVITE")}", "follows", how, "none", $"{phone.Unopened}"];
    }

    private void AssertTones(string name, string wav, double own, object? more = null) => PeerSound.IsRight(name, wav, own, Tones, $"{more}\n{node.Log}");

    /// <summary>Our signalling alone: the phones are on this address, too, and their RTCP is encrypted.</summary>
    private async Task SeenAsync(Capture capture, int epochs)
    {
        var complaints = await capture.ComplaintsAsync($"udp.srcport == {node.SipPort} || tcp.srcport == {node.SipPort}");
        Assert.True(complaints.Count == 0, string.Join('\n', complaints));
        foreach (var method in (string[])["UPDATE", "INVITE"])
        {
            var offers = await capture.ReadAsync($"sip.Method == \"{method}\" && sdp && udp.srcport == {node.SipPort} && sip.to.tag", "frame.number", "sip.Method");
            Assert.True(offers.Count >= 8, $"tshark saw {offers.Count} offers by {method}");
        }

        // Of four epochs one is offered and three are rungs, which nobody takes along who leaves here: guests and intruders call over UDP.
        var told = await capture.ReadAsync("sip.Method == \"UPDATE\" && sdp && tcp && sip.to.user == \"ladder\"", "frame.number", "sip.Method");
        Assert.True(told.Count >= 1 && told.Count <= epochs / 2, $"who has keys in advance was sent {told.Count} offers in {epochs} epochs");
    }

    private async Task<string> PasswordAsync()
    {
        // Nobody asks for it; the name is how the capture tells this phone from the others.
        var file = Path.Combine(_directory, "password");
        await File.WriteAllTextAsync(file, "unused");
        return file;
    }

    private ChildProcess Softphone(string name, double? tone, params string[] more) => NodeUnderTest.Call(
        [
            $"sip:{Conference}@127.0.0.1:{node.SipPort}", "--for", "5m", "--json", "--record", $"{name}.wav",
            .. tone is { } hertz ? (string[])["--tone", hertz.ToString(CultureInfo.InvariantCulture)] : [], .. more,
        ], _directory);

    /// <summary>Everybody who shares the key is under the newest, and none waits.</summary>
    private Task SettledAsync() => node.Until(
        async () =>
        {
            var shown = await ShowAsync();
            if (shown.GetProperty("rekeyDeferred").GetBoolean()) return false;
            var newest = shown.GetProperty("epochs").EnumerateArray().Max(e => e.GetProperty("epoch").GetInt32());
            return shown.GetProperty("participants").EnumerateArray().Select(p => p.GetProperty("key")).Where(k => k.GetProperty("keying").GetString() != "own")
                .All(k => k.GetProperty("epoch") is { ValueKind: JsonValueKind.Number } epoch && epoch.GetInt32() == newest);
        },
        "everybody to be under the newest key");

    private async Task<string> NewestAsync() => (await ShowAsync()).GetProperty("participants").EnumerateArray()
        .OrderBy(p => p.GetProperty("joinedAt").GetDateTimeOffset()).Last().GetProperty("id").GetString()!;

    private Task<JsonElement> ShowAsync() => node.ShowAsync(Conference);
}

public sealed class GroupKeyNode : NodeUnderTest
{
    protected override IEnumerable<string> Settings =>
        ["conference.keys.rekey.min-interval=2s", "conference.keys.rekey.ladder=3", "conference.keys.user-agents=[\"ConfCluster-Phone = group\"]"];
}
