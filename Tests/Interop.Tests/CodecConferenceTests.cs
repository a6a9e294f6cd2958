using ConfCluster.Support.Audio;
using Xunit;

namespace ConfCluster.Interop.Tests;

[Collection("node")]
public sealed class CodecConferenceTests(NodeUnderTest node) : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("confcluster-codecs-").FullName;

    [SkippableFact]
    [Trait("RFC", "7587 §7")]
    public async Task Phones_with_G711_G722_and_Opus_hear_each_other()
    {
        double[] tones = [440, 770, 1200];
        var heard = await TalkAsync("mixed", 26060, tones);
        for (var i = 0; i < tones.Length; i++)
        {
            Assert.True(heard[i].SteadyTones() is { } steady && steady.SequenceEqual(tones.Where(t => t != tones[i])), $"phone {i}: {heard[i]}\n{node.Log}");
            Assert.True(heard[i].LongestGapMs <= 40, $"phone {i}: {heard[i]}");
        }
    }

    [SkippableFact]
    [Trait("RFC", "3551 §4.5.2")]
    public async Task What_is_above_4_kHz_is_heard_by_wideband_phones_and_leaves_nothing_at_a_narrow_one()
    {
        // 2100 and 1500 Hz are where 5900 and 6500 Hz would fold to at 8 kHz.
        double[] tones = [440, 5900, 6500, 2100, 1500];
        var heard = await TalkAsync("wide", 26160, tones);
        Assert.Equal([], heard[0].SteadyTones() ?? []);
        Assert.Equal([440, 6500], heard[1].SteadyTones() ?? []);
        Assert.Equal([440, 5900], heard[2].SteadyTones() ?? []);
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    private async Task<ToneAnalysis[]> TalkAsync(string conference, int port, double[] tones)
    {
        BaresipCodec[] codecs = [BaresipCodec.G711, BaresipCodec.G722, BaresipCodec.Opus];
        var phones = codecs.Select((codec, i) => Baresip.Start(
            _directory, $"{conference}{i}", port + 10 * i, port + 5 + 10 * i, port + 6000 + 100 * i, tones[i], codec: codec)).ToArray();
        try
        {
            foreach (var phone in phones) await phone.CommandAsync("dial", $"sip:{conference}@127.0.0.1:{node.SipPort}");
            await node.UntilParticipants(conference, phones.Length);
            await Task.Delay(TimeSpan.FromSeconds(6));
            foreach (var phone in phones) await phone.HangUpAsync();
            await node.UntilParticipants(conference, 0);
        }
        finally
        {
            foreach (var phone in phones) phone.Dispose();
        }

        return [.. phones.Select(p => ToneAnalysis.Of(p.Heard, tones))];
    }
}
