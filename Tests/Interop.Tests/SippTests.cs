using Xunit;

namespace ConfCluster.Interop.Tests;

[Collection("node")]
public sealed class SippTests(NodeUnderTest node)
{
    [SkippableFact]
    public async Task A_basic_call_over_UDP_is_answered_and_ended()
    {
        await Sipp.RunAsync(node, "basic.xml", "sipp-basic");
        await node.UntilParticipants("sipp-basic", 0);
    }

    [SkippableFact]
    public async Task A_basic_call_over_TCP_is_answered_and_ended() => await Sipp.RunAsync(node, "basic.xml", "sipp-tcp", 1, "-t", "t1");

    [SkippableFact]
    public async Task A_hundred_calls_one_after_another_leave_nobody_behind()
    {
        await Sipp.RunAsync(node, "basic.xml", "sipp-hundred", 100, "-r", "50");
        await node.UntilParticipants("sipp-hundred", 0);
    }

    [SkippableFact]
    public async Task A_CANCEL_is_answered_whichever_way_the_race_ends()
    {
        await Sipp.RunAsync(node, "cancel.xml", "sipp-cancel");
        await node.UntilParticipants("sipp-cancel", 0);
    }

    [SkippableFact]
    public async Task Hold_and_resume_by_re_INVITE_are_mirrored() => await Sipp.RunAsync(node, "hold.xml", "sipp-hold");

    [SkippableFact]
    public async Task An_UPDATE_with_a_new_key_is_accepted() => await Sipp.RunAsync(node, "update.xml", "sipp-update");

    [SkippableFact]
    public async Task An_INVITE_without_an_offer_gets_one() => await Sipp.RunAsync(node, "offerless.xml", "sipp-offerless");

    [SkippableFact]
    public async Task An_end_point_goes_on_at_the_last_hop() => await Sipp.RunAsync(node, "last-hop.xml", "sipp-hop");

    [SkippableTheory]
    [InlineData("no-keys.xml")]
    [InlineData("bad-key.xml")]
    [InlineData("wrong-type.xml")]
    [InlineData("unknown-extension.xml")]
    [InlineData("unknown-dialog.xml")]
    [InlineData("bad-sdp.xml")]
    [InlineData("unknown-method.xml")]
    public async Task A_bad_request_is_refused_precisely(string scenario)
    {
        await Sipp.RunAsync(node, scenario, "sipp-bad");
        Assert.Equal(0, await node.ParticipantsAsync("sipp-bad"));
    }
}
