using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Sdp;
using ConfCluster.Protocols.Sip.Sessions;
using Xunit;
using static ConfCluster.Protocols.Focus.ParticipantEffect;
using static ConfCluster.Protocols.Tests.Focus.KeyScene;
using static ConfCluster.Protocols.Tests.Focus.ParticipantScene;
using static ConfCluster.Protocols.Tests.Focus.RecoveryScene;

namespace ConfCluster.Protocols.Tests.Focus;

/// <summary>A participant whose node died is taken up again on another: with what it left at its mixer, or with new keys when that is gone, too.</summary>
public sealed class ParticipantRecoveryTests
{
    [Fact]
    public void Each_settled_offer_is_left_at_the_mixer_and_nothing_else_is()
    {
        var scene = InCluster();
        using var first = scene.Only<KeepLeg>().Record;
        Assert.Equal(Mixer, first.Place.Mixer);
        Assert.Equal(["1"], first.Group.Select(g => $"{g.Epoch.Number}"));
        scene.Receive(Later("OPTIONS", 2));
        scene.None<KeepLeg>();
        scene.OfferKey(2, 1);
        scene.None<KeepLeg>();
        scene.Reply(Sent(scene), 200, Offer(1, mki: "|1:4"));
        using var second = scene.Only<KeepLeg>().Record;
        Assert.Equal([1u, 2u], second.Group.Select(g => g.Epoch.Number));
        Assert.True(second.Media.Generation > first.Media.Generation);
        scene.Receive(Later("UPDATE", 3, contact: "<sip:alice@127.0.0.1:5090>"));
        using var third = scene.Only<KeepLeg>().Record;
        Assert.Contains("5090", third.Dialog.RemoteTarget, StringComparison.Ordinal);
    }

    [Fact]
    public void On_a_node_alone_nothing_is_left_at_the_mixer() => Assert.Empty(Grouped().All.OfType<KeepLeg>());

    [Fact]
    public void Who_is_told_of_its_mixer_asks_there_and_goes_on_as_if_nothing_had_happened()
    {
        var (scene, record) = Recovering();
        Move(scene, Mixer);
        Assert.Equal(Mixer, scene.Only<AskLeg>().Mixer);
        Assert.Equal(ParticipantTimer.RepeatAsk, scene.Only<Start>().Timer);
        Find(scene, record.Copy());
        Assert.Equal(new ReportMoved(Room, Mixer), scene.Only<ReportMoved>());
        scene.None<SetLegMedia>();
        using var kept = scene.Only<KeepLeg>().Record;

        // A new key reaches it; the one in use stays in the SDP, and numbers go on above those that the peer may have seen.
        scene.OfferKey(2, 0);
        var request = Sent(scene);
        Assert.Equal("UPDATE", request.Method.Name);
        Assert.Equal([1u, 2u, 1u << 31 | 1], MkisIn(request.Body));
        Assert.True(request.Headers.CSeq.Number > 1000);
        using var offer = Description(request.Body);
        using var before = Description(record.Local.Body);
        Assert.True(offer.Origin.Version > before.Origin.Version + 1);
        Assert.Equal(before.Origin with { Version = offer.Origin.Version }, offer.Origin);
        scene.Reply(request, 200, Offer(1, mki: "|1:4"));
        Assert.Equal(LegKeyAnswer.Took, scene.Only<ReportKey>().Answer);
    }

    [Theory]
    [Trait("RFC", "3264 §8.4")]
    [InlineData("INVITE")]
    [InlineData("UPDATE")]
    public void An_offer_that_comes_first_waits_for_the_leg_and_is_answered(string method)
    {
        var (scene, record) = Recovering();
        var request = Later(method, 2, Offer(2, direction: "sendonly", mki: "|1:4"));
        scene.Receive(request);
        Assert.Equal(Room, scene.Only<AskPlace>().Conference);
        scene.None<Respond>();
        scene.None<Destroy>();
        scene.Receive(Later(method, 3, Offer(3, mki: "|1:4")));
        Assert.Equal(500, scene.Response.StatusCode);
        Move(scene, Mixer);
        Find(scene, record.Copy());
        Assert.Equal(200, scene.Response.StatusCode);
        using var answer = Description(scene.Response.Body);
        Assert.Equal(SdpDirection.ReceiveOnly, answer.Media[0].Direction);
        Assert.Equal([1u, 1u << 31 | 1], MkisIn(scene.Response.Body));
        using var media = scene.Only<SetLegMedia>().Media;
        Assert.True(media.Generation > record.Media.Generation);
        Assert.Equal(0, request.Body.Span[0]);
    }

    [Fact]
    public void A_key_that_comes_first_waits_for_the_leg_and_a_newer_one_takes_its_place()
    {
        var (scene, record) = Recovering();
        var first = scene.OfferKey(2, 0);
        Assert.Equal(Room, scene.Only<AskPlace>().Conference);
        scene.OfferKey(3, 0);
        Assert.Same(first, scene.Only<Destroy>().Secrets);
        scene.None<AskPlace>();
        Move(scene, Mixer);
        Find(scene, record.Copy());
        Assert.Equal([1u, 3u, 1u << 31 | 1], MkisIn(Sent(scene).Body));
    }

    [Fact]
    public void An_offer_that_waits_when_the_call_ends_is_answered()
    {
        var (scene, _) = Recovering();
        scene.Receive(Later("INVITE", 2, Offer(2, mki: "|1:4")));
        scene.Do(new ParticipantInput.EndRequested(Room, LeaveReason.Evicted));
        Assert.Equal(487, scene.Response.StatusCode);
        Assert.Equal("BYE", Sent(scene).Method.Name);
    }

    [Fact]
    public void A_former_life_of_the_conference_is_not_obeyed_and_what_comes_twice_or_from_elsewhere_is_destroyed()
    {
        var (scene, record) = Recovering();
        Move(scene, Mixer, incarnation: 3);
        Move(scene, Second, incarnation: 2);
        scene.None<AskLeg>();
        var stray = record.Copy();
        Find(scene, stray, Second);
        Assert.Same(stray, scene.Only<Destroy>().Secrets);
        Find(scene, record.Copy());
        Assert.IsType<ParticipantState.Confirmed>(scene.State);
        var twice = record.Copy();
        Find(scene, twice);
        Assert.Same(twice, scene.Only<Destroy>().Secrets);
    }

    [Fact]
    [Trait("RFC", "4028 §10")]
    public void A_session_that_is_ours_to_refresh_is_refreshed_soon()
    {
        var timer = SessionTimerPolicy.Passive with { Interval = TimeSpan.FromMinutes(30) };
        var (scene, record) = Recovering(timer);
        Move(scene, Mixer);
        Find(scene, record.Copy());
        var starts = scene.Effects.OfType<Start>().ToList();
        Assert.InRange(starts.Last(s => s.Timer == ParticipantTimer.Refresh).After, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(61));
        Assert.Contains(starts, s => s.Timer == ParticipantTimer.SessionExpired);
        scene.Fire(ParticipantTimer.Refresh);
        scene.Reply(Sent(scene), 200);
        scene.None<SendRequest>();
    }

    [Fact]
    public void A_record_can_be_read_back_and_shows_no_key()
    {
        var record = InCluster().Only<KeepLeg>().Record;
        Assert.DoesNotContain("inline", $"{record}", StringComparison.Ordinal);
        Assert.DoesNotContain("inline", record.RemoteText, StringComparison.Ordinal);
        var copy = record.Copy();
        record.Dispose();
        Assert.Throws<ObjectDisposedException>(() => record.Media.Downlink.KeyAndSalt.Reveal());
        Assert.All(record.Local.Body.Span.ToArray(), b => Assert.Equal(0, b));
        Assert.NotEmpty(copy.Media.Downlink.KeyAndSalt.Reveal().ToArray());
        Assert.NotEqual(0, copy.Local.Body.Span[0]);
        copy.Dispose();
    }

    /// <summary>Its node died after its leg had ports at the next mixer and before its peer knew.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Who_had_not_told_its_peer_where_the_leg_is_tells_that_in_its_next_life(bool gentle)
    {
        var before = InCluster();
        before.Only<KeepLeg>().Record.Dispose();
        Wanted(before, mayOffer: false);
        before.Do(new ParticipantInput.LegOpened(Second, Ports.WithPort(41000), Ports.WithPort(41001)));
        before.Only<SetLegMedia>().Media.Dispose();
        using var record = before.Only<KeepLeg>().Record;
        var scene = NextLife(before, null);
        Wanted(scene, mayOffer: false);
        Find(scene, record.Copy(), Second);
        scene.None<ReportMoved>();
        scene.None<SendRequest>();
        // Where nobody else sends to it, this mixer does, as it was told before.
        if (gentle) scene.None<SetLegMedia>();
        else Confirms(scene);

        Wanted(scene, mayOffer: true);
        using var offer = Description(Sent(scene).Body);
        Assert.Equal(41000, offer.Media[0].Line.Port);
        scene.Reply(Sent(scene), 200, Offer(1, mki: "|1:4"));
        Assert.Equal(new ReportMoved(Room, Second), scene.Only<ReportMoved>());
        if (gentle) Confirms(scene);

        void Wanted(ParticipantScene scene, bool mayOffer) =>
            scene.Do(new ParticipantInput.MoveRequested(Room, Second, new Incarnation(1), mayOffer) { IsGentle = gentle });

        static void Confirms(ParticipantScene scene)
        {
            var set = scene.Effects.OfType<SetLegMedia>().Last();
            using var media = set.Media;
            Assert.Equal((Second, true), (set.Mixer, media.IsConfirmed));
        }
    }
}
