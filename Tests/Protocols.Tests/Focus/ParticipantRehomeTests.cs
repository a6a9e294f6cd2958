using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Sip.Sessions;
using Xunit;
using static ConfCluster.Protocols.Focus.ParticipantEffect;
using static ConfCluster.Protocols.Tests.Focus.KeyScene;
using static ConfCluster.Protocols.Tests.Focus.ParticipantScene;

namespace ConfCluster.Protocols.Tests.Focus;

/// <summary>The node with the sockets of a dialog is gone; the dialog is not.</summary>
public sealed class ParticipantRehomeTests
{
    private static readonly SessionTimerPolicy Policy = new(TimeSpan.FromMinutes(30), SessionExpires.DefaultMinimum);

    [Theory]
    [Trait("RFC", "3261 §12.2")]
    [InlineData(TakesUpdate, "UPDATE")]
    [InlineData("", "INVITE")]
    public void The_peer_is_told_another_address_at_once(string allow, string method)
    {
        var scene = ParticipantScene.Confirmed(Policy, allow);
        Gone(scene, "n2");
        var (request, flow) = (scene.Only<SendRequest>().Request, scene.Only<SendRequest>().Flow);
        Assert.Equal((method, "n2"), (request.Method.Name, flow.Node));
        Assert.Equal("0.0.0.0", request.Headers.Contacts[0].Uri.Host);
        scene.Reply(request, 200, method == "INVITE" ? Offer() : "");
        Assert.IsType<ParticipantState.Confirmed>(scene.State);

        // What follows goes the new way.
        Gone(scene, "n3");
        Assert.Equal("n3", scene.Only<SendRequest>().Flow.Node);
    }

    [Theory]
    [Trait("RFC", "3261 §13.3.1.4")]
    [InlineData(TakesUpdate, "UPDATE")]
    [InlineData("", "INVITE")]
    public void A_key_that_was_on_its_way_is_offered_again_and_a_2xx_that_was_lost_gets_its_ACK(string allow, string method)
    {
        var scene = Grouped(allow);
        scene.OfferKey(2, 1);
        var lost = Sent(scene);
        Gone(scene, "n2");
        var again = scene.Only<SendRequest>();
        Assert.Equal((method, "n2"), (again.Request.Method.Name, again.Flow.Node));
        Assert.True(again.Request.Headers.CSeq.Number > lost.Headers.CSeq.Number);
        Assert.Equal(MkisIn(lost.Body), MkisIn(again.Request.Body));
        if (method == "INVITE") Assert.Equal(lost.Headers.CSeq.Number, scene.Only<SendAck>().Request.Headers.CSeq.Number);
        else scene.None<SendAck>();

        // The answer to the first, should it come by another way, is nobody's.
        scene.Reply(lost, 200, Offer(1, mki: "|1:4"));
        scene.None<ReportKey>();
        scene.Reply(again.Request, 200, Offer(1, mki: "|1:4"));
        Assert.Equal(LegKeyAnswer.Took, scene.Only<ReportKey>().Answer);
    }

    [Fact]
    public void A_dialog_that_is_over_or_has_not_begun_says_nothing()
    {
        var scene = Joining();
        Gone(scene, "n2");
        scene.None<SendRequest>();
    }

    private static void Gone(ParticipantScene scene, string instead) => scene.Do(new ParticipantInput.SipNodeGone(instead));
}
