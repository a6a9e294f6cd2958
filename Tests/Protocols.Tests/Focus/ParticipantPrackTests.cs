using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.Sip.Messages;
using Xunit;
using static ConfCluster.Protocols.Focus.ParticipantEffect;
using static ConfCluster.Protocols.Tests.Focus.ParticipantScene;

namespace ConfCluster.Protocols.Tests.Focus;

public sealed class ParticipantPrackTests
{
    private const string Reliable = "Require: 100rel\r\n";

    [Fact]
    [Trait("RFC", "3262 §3")]
    public void A_required_reliable_response_holds_our_answer_and_the_200_waits_for_its_PRACK()
    {
        var scene = Early(Offer());
        var progress = scene.Response;
        Assert.Equal((183, "100rel"), (progress.StatusCode, progress.Headers.First("Require")));
        using (var answer = Description(progress.Body)) Assert.Single(answer.Media[0].Crypto);
        Assert.Contains("isfocus", progress.Headers.First("Contact"), StringComparison.Ordinal);

        scene.Receive(Prack(scene, 2));
        var responses = scene.Effects.OfType<Respond>().ToList();
        Assert.Equal(["PRACK", "INVITE"], responses.Select(r => r.Key.Method.Name));
        Assert.All(responses, r => Assert.Equal(200, r.Response.StatusCode));
        Assert.All(responses, r => Assert.True(r.Response.Body.IsEmpty));
        using (var before = scene.Only<SetLegMedia>().Media) Assert.False(before.IsConfirmed);
        scene.Ack();
        scene.Only<SetLegMedia>().Media.Dispose();
        Assert.IsType<ParticipantState.Confirmed>(scene.State);
    }

    [Fact]
    [Trait("RFC", "3262 §5")]
    public void Without_an_offer_in_the_INVITE_ours_is_in_the_183_and_the_answer_in_the_PRACK()
    {
        var scene = Early("");
        using (var offer = Description(scene.Response.Body)) Assert.Equal(2, offer.Media[0].Crypto.Length);
        scene.Receive(Prack(scene, 2, Offer(key: 5)));
        Assert.All(scene.Effects.OfType<Respond>(), r => Assert.Equal(200, r.Response.StatusCode));
        scene.Ack();
        using var media = scene.Only<SetLegMedia>().Media;
        Assert.Equal(Key(5), Convert.ToBase64String(UplinkOf(media)));
    }

    [Fact]
    [Trait("RFC", "3262 §5")]
    public void A_PRACK_without_the_answer_that_is_due_ends_the_call()
    {
        var scene = Early("");
        scene.Receive(Prack(scene, 2));
        Assert.Equal([488, 488], scene.Effects.OfType<Respond>().Select(r => r.Response.StatusCode));
        Assert.Equal(LeaveReason.DialogFailed, scene.Only<Leave>().Reason);
    }

    [Fact]
    [Trait("RFC", "3262 §5")]
    public void A_PRACK_may_bring_an_offer_and_is_answered()
    {
        var scene = Early(Offer());
        scene.Receive(Prack(scene, 2, Offer(2, key: 8, port: 50200)));
        var (prack, invite) = (scene.Effects.OfType<Respond>().First().Response, scene.Effects.OfType<Respond>().Last().Response);
        using (var answer = Description(prack.Body)) Assert.Single(answer.Media[0].Crypto);
        Assert.True(invite.Body.IsEmpty);
        scene.Ack();
        using var media = scene.Only<SetLegMedia>().Media;
        Assert.Equal(50200, media.Remote.Port);
    }

    [Theory]
    [Trait("RFC", "3262 §3")]
    [InlineData("0 1 INVITE")]
    [InlineData("{0} 2 INVITE")]
    [InlineData("{0} 1 UPDATE")]
    [InlineData("{0} 1")]
    [InlineData("x 1 INVITE")]
    public void A_PRACK_for_something_else_gets_481_and_the_183_goes_on(string rack)
    {
        var scene = Early(Offer());
        var text = rack.Replace("{0}", $"{Pending(scene).Sequence}", StringComparison.Ordinal);
        scene.Receive(Later("PRACK", 2, extra: $"RAck: {text}\r\n"));
        Assert.Equal(481, scene.Response.StatusCode);
        scene.Fire(ParticipantTimer.RepeatProvisional);
        Assert.Equal(183, scene.Response.StatusCode);
    }

    [Fact]
    [Trait("RFC", "3262 §3")]
    public void The_183_is_repeated_at_doubling_intervals_and_given_up_with_504()
    {
        var scene = Early(Offer());
        TimeSpan[] waits = [.. Enumerable.Range(0, 5).Select(_ =>
        {
            scene.Fire(ParticipantTimer.RepeatProvisional);
            return scene.Only<Start>().After;
        })];
        Assert.Equal([1, 2, 4, 8, 16], waits.Select(w => w.TotalSeconds));
        scene.Fire(ParticipantTimer.NoPrack);
        Assert.Equal(504, scene.Response.StatusCode);
        scene.Only<Leave>();
        Assert.Contains(new CloseLeg(Mixer), scene.Effects);
    }

    [Fact]
    public void CANCEL_and_BYE_end_an_early_dialog()
    {
        var scene = Early(Offer());
        scene.Receive(Request("CANCEL"));
        Assert.Equal([200, 487], scene.Effects.OfType<Respond>().Select(r => r.Response.StatusCode).Order());
        scene = Early(Offer());
        scene.Receive(Later("BYE", 2));
        Assert.Equal([200, 487], scene.Effects.OfType<Respond>().Select(r => r.Response.StatusCode).Order());
        Assert.Empty(scene.State.Secrets);
    }

    [Fact]
    [Trait("RFC", "3311 §5.2")]
    public void An_UPDATE_before_the_PRACK_moves_the_target_but_brings_no_offer()
    {
        var scene = Early(Offer());
        scene.Receive(Later("UPDATE", 2));
        Assert.Equal(200, scene.Response.StatusCode);
        scene.Receive(Later("UPDATE", 3, Offer(2)));
        Assert.Equal(500, scene.Response.StatusCode);
        scene.Receive(Prack(scene, 4));
        Assert.All(scene.Effects.OfType<Respond>(), r => Assert.Equal(200, r.Response.StatusCode));
    }

    [Fact]
    public void A_PRACK_in_a_confirmed_dialog_acknowledges_nothing()
    {
        var scene = Confirmed();
        scene.Receive(Later("PRACK", 2, extra: "RAck: 1 1 INVITE\r\n"));
        Assert.Equal(481, scene.Response.StatusCode);
    }

    private static ParticipantScene Early(string sdp)
    {
        var scene = new ParticipantScene();
        scene.Receive(Request("INVITE", sdp: sdp, extra: Reliable));
        scene.Accept();
        scene.Open();
        return scene;
    }

    private static PendingPrack Pending(ParticipantScene scene) => ((ParticipantState.Early)scene.State).Pending;

    private static SipRequest Prack(ParticipantScene scene, uint cseq, string sdp = "") =>
        Later("PRACK", cseq, sdp, extra: $"RAck: {Pending(scene).Sequence} 1 INVITE\r\n");
}
