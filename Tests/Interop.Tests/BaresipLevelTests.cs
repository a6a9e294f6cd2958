using System.Text.Json;
using ConfCluster.Support.Audio;
using Xunit;

namespace ConfCluster.Interop.Tests;

/// <summary>Phones that nobody here wrote tell how loud they are.</summary>
[Collection("node")]
public sealed class BaresipLevelTests(NodeUnderTest node) : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("confcluster-levels-").FullName;

    [SkippableFact]
    public async Task Who_is_silent_by_its_own_word_is_not_decoded_and_who_is_not_has_the_word_and_is_heard()
    {
        using var loud = Baresip.Start(_directory, "loud", 25260, 25360, 33000, 440, levels: true);
        using var quiet = Baresip.Start(_directory, "quiet", 25270, 25361, 33100, 770, levels: true, volume: -120);
        foreach (var phone in (Baresip[])[loud, quiet]) await phone.CommandAsync("dial", $"sip:levels@127.0.0.1:{node.SipPort}");
        await node.UntilParticipants("levels", 2);
        (JsonElement Loud, JsonElement Quiet)? seen = null;
        await node.Until(
            async () =>
            {
                var participants = await ParticipantsAsync();
                if (participants.Length == 2) seen = (Of(participants, "loud"), Of(participants, "quiet"));
                return seen is { } s && s.Loud.GetProperty("speaking").GetBoolean() && Media(s.Quiet, "packetsUndecoded") > 100 && Media(s.Loud, "packetsReceived") > 200;
            },
            "one to speak and the other not to be decoded");

        Assert.Equal(0, Media(seen!.Value.Loud, "packetsUndecoded"));
        Assert.False(seen.Value.Quiet.GetProperty("speaking").GetBoolean());
        foreach (var phone in (Baresip[])[loud, quiet]) await phone.HangUpAsync();
        await node.UntilParticipants("levels", 0);
        Assert.Equal([440.0], ToneAnalysis.Of(quiet.Heard, [440, 770]).SteadyTones());
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    private async Task<JsonElement[]> ParticipantsAsync()
    {
        using var shown = JsonDocument.Parse(await node.ConferenceAsync("show", "levels", "--json"));
        return [.. shown.RootElement.GetProperty("conference").GetProperty("participants").EnumerateArray()
            .Where(p => p.GetProperty("media").ValueKind != JsonValueKind.Null).Select(p => p.Clone())];
    }

    private static JsonElement Of(JsonElement[] participants, string name) =>
        participants.Single(p => p.GetProperty("identity").GetString()!.Contains(name, StringComparison.Ordinal));

    private static long Media(JsonElement participant, string name) => participant.GetProperty("media").GetProperty(name).GetInt64();
}
