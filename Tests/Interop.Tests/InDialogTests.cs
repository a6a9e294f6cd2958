using System.Diagnostics;
using Xunit;

namespace ConfCluster.Interop.Tests;

/// <summary>Requests in a dialog as SIPp sends and expects them, on a node with short timers (T1 is 100 ms).</summary>
public sealed class InDialogTests(QuickNode node) : IClassFixture<QuickNode>
{
    [SkippableTheory]
    [InlineData("late-ack.xml")]
    [InlineData("repeated-ack.xml")]
    [InlineData("in-dialog-options.xml")]
    [InlineData("offerless-reinvite.xml")]
    [InlineData("out-of-order.xml")]
    [InlineData("late-cancel.xml")]
    public async Task A_dialog_survives_what_its_peer_does(string scenario)
    {
        var conference = Path.GetFileNameWithoutExtension(scenario);
        await Sipp.RunAsync(node, scenario, conference);
        await node.UntilParticipants(conference, 0);
    }

    [SkippableFact]
    public async Task A_200_that_nobody_acknowledges_is_repeated_and_then_ended_by_BYE()
    {
        var clock = Stopwatch.StartNew();
        await Sipp.RunAsync(node, "no-ack.xml", "no-ack");
        // RFC 3261 §13.3.1.4: 64 times T1.
        Assert.InRange(clock.Elapsed.TotalSeconds, 6.4, 12);
        await node.UntilParticipants("no-ack", 0);
    }

    [SkippableFact]
    public Task After_a_target_refresh_the_BYE_goes_to_the_new_Contact() => Sipp.RunUntilEndedAsync(node, "target-refresh.xml", "target-refresh");
}

public sealed class QuickNode : NodeUnderTest
{
    protected override IEnumerable<string> Settings => ["sip.timers.t1=100ms"];
}
