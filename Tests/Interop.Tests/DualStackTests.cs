using ConfCluster.Support.Audio;
using Xunit;

namespace ConfCluster.Interop.Tests;

/// <summary>One conference of callers from both families, each with media ports of its own (RFC 3264 answers in the family of the offer).</summary>
public sealed class DualStackTests(DualStackNode node) : IClassFixture<DualStackNode>, IDisposable
{
    private static readonly double[] Tones = [440, 880];
    private readonly string _directory = Directory.CreateTempSubdirectory("confcluster-dual-").FullName;

    [SkippableFact]
    public async Task A_caller_over_IPv6_and_one_over_IPv4_hear_each_other()
    {
        using var six = Call("[::1]", "six.wav", 440);
        using var four = Call("127.0.0.1", "four.wav", 880);
        foreach (var phone in (ChildProcess[])[six, four])
        {
            await phone.WaitAsync(TimeSpan.FromSeconds(60));
            Assert.True(phone.ExitCode == 0, $"{phone.Output}\n{node.Log}");
        }

        var (bySix, byFour) = (Heard("six.wav"), Heard("four.wav"));
        Assert.True(bySix.SteadyTones() is [880] && bySix.LongestGapMs <= 100, $"over IPv6: {bySix}\n{node.Log}");
        Assert.True(byFour.SteadyTones() is [440] && byFour.LongestGapMs <= 100, $"over IPv4: {byFour}\n{node.Log}");
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    private ChildProcess Call(string host, string file, int tone) => NodeUnderTest.Call(
        [$"sip:dual@{host}:{node.SipPort}", "--tone", $"{tone}", "--for", "8s", "--record", Path.Combine(_directory, file), "--json"], _directory);

    private ToneAnalysis Heard(string file) => ToneAnalysis.Of(Path.Combine(_directory, file), Tones);
}

public sealed class DualStackNode : NodeUnderTest
{
    protected override IEnumerable<string> Settings => ["sip.ipv6.address=\"::1\"", "media.ipv6.address=\"::1\""];
}
