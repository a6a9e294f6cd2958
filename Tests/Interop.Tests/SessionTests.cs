using Xunit;

namespace ConfCluster.Interop.Tests;

/// <summary>Session timers (RFC 4028), reliable provisional responses (RFC 3262) and glare with SIPp, on a node with short intervals.</summary>
public sealed class SessionTests(TimerNode node) : IClassFixture<TimerNode>
{
    [SkippableTheory]
    [InlineData("prack.xml")]
    [InlineData("timer-too-small.xml")]
    [InlineData("timer-node-refreshes.xml")]
    [InlineData("timer-glare.xml")]
    [InlineData("glare-ours.xml")]
    [InlineData("timer-peer-forgets.xml")]
    [InlineData("timer-peer-refreshes.xml")]
    public async Task A_session_is_kept_as_the_standard_says(string scenario)
    {
        var conference = Path.GetFileNameWithoutExtension(scenario);
        await Sipp.RunAsync(node, scenario, conference);
        await node.UntilParticipants(conference, 0);
    }
}

public sealed class TimerNode : NodeUnderTest
{
    protected override IEnumerable<string> Settings => ["sip.timers.t1=100ms", "sip.session-timer.min-interval=2s"];
}
