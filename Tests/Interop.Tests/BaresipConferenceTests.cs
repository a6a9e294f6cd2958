using ConfCluster.Support.Audio;
using Xunit;

namespace ConfCluster.Interop.Tests;

[Collection("node")]
public sealed class BaresipConferenceTests(NodeUnderTest node) : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("confcluster-baresip-").FullName;

    [SkippableFact]
    public async Task Three_phones_each_hear_exactly_the_other_two()
    {
        double[] tones = [440, 770, 1200];
        var phones = tones.Select((tone, i) => Baresip.Start(_directory, $"phone{i}", 25060 + 10 * i, 25160 + i, 31000 + 100 * i, tone)).ToArray();
        try
        {
            foreach (var phone in phones) await phone.CommandAsync("dial", $"sip:three@127.0.0.1:{node.SipPort}");
            await node.UntilParticipants("three", 3);
            await Task.Delay(TimeSpan.FromSeconds(8));
            foreach (var phone in phones) await phone.HangUpAsync();
            await node.UntilParticipants("three", 0);
        }
        finally
        {
            foreach (var phone in phones) phone.Dispose();
        }

        for (var i = 0; i < phones.Length; i++)
        {
            var heard = ToneAnalysis.Of(phones[i].Heard, tones);
            Assert.True(heard.SteadyTones() is { } steady && steady.SequenceEqual(tones.Where(t => t != tones[i])), $"phone {i}: {heard}\n{node.Log}");
            Assert.True(heard.LongestGapMs <= 40, $"phone {i}: {heard}");
        }
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);
}
