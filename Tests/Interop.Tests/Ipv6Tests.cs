using Xunit;

namespace ConfCluster.Interop.Tests;

/// <summary>The same over IPv6: addresses in Via, Contact and SDP, and the BYE to a Contact with a literal.</summary>
public sealed class Ipv6Tests(Ipv6Node node) : IClassFixture<Ipv6Node>, IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("confcluster-ipv6-").FullName;

    [SkippableTheory]
    [InlineData("hold.xml", "u1")]
    [InlineData("hold.xml", "t1")]
    [InlineData("offerless.xml", "u1")]
    public Task A_call_over_IPv6_is_answered(string scenario, string transport) => Sipp.RunAsync(node, scenario, "six", 1, "-t", transport);

    [SkippableTheory]
    [InlineData("u1")]
    [InlineData("t1")]
    public Task A_conference_that_is_ended_hangs_up_over_IPv6(string transport) =>
        Sipp.RunUntilEndedAsync(node, "target-refresh.xml", $"six-ended-{transport}", null, "-t", transport);

    [SkippableFact]
    public async Task The_softphone_dials_an_IPv6_address()
    {
        using var phone = NodeUnderTest.Call([$"sip:soft@{node.SipAddress}:{node.SipPort}", "--tone", "440", "--for", "1s", "--json"], _directory);
        await phone.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.True(phone.ExitCode == 0, $"{phone.Output}\n{node.Log}");
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);
}

public sealed class Ipv6Node : NodeUnderTest
{
    public override string SipAddress => "[::1]";

    protected override IEnumerable<string> Settings => ["sip.udp.address=\"::1\"", "sip.tcp.address=\"::1\"", "media.address=\"::1\""];
}
