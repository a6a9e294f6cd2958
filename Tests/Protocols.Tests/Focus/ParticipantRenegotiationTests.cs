using ConfCluster.Protocols.Codecs;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Sdp;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Srtp;
using Xunit;
using static ConfCluster.Protocols.Focus.ParticipantEffect;
using static ConfCluster.Protocols.Tests.Focus.ParticipantScene;

namespace ConfCluster.Protocols.Tests.Focus;

public sealed class ParticipantRenegotiationTests
{
    public static TheoryData<string> Methods => ["INVITE", "UPDATE"];

    [Fact]
    [Trait("RFC", "4568 §7.1.4")]
    public void An_offer_that_drops_its_MKI_gets_a_new_key_without_one()
    {
        var scene = new ParticipantScene();
        scene.Receive(Request("INVITE", sdp: Offer(mki: "|1:4")));
        scene.Accept();
        scene.Open();
        using var first = Description(scene.Response.Body);
        scene.Ack();
        scene.Receive(Later("INVITE", 2, Offer(2)));

        using var second = Description(scene.Response.Body);
        Assert.True(first.Media[0].Crypto[0].Keys[0].Mki.IsPresent);
        Assert.False(second.Media[0].Crypto[0].Keys[0].Mki.IsPresent);
        Assert.False(first.Media[0].Crypto[0].Repeats(second.Media[0].Crypto[0].Keys[0]));
    }

    [Theory]
    [MemberData(nameof(Methods))]
    [Trait("RFC", "3264 §8.4")]
    public void Hold_stops_what_we_send_and_resume_starts_it_again(string method)
    {
        var scene = Confirmed();
        scene.Receive(Later(method, 2, Offer(2, direction: "sendonly")));

        Assert.Equal(200, scene.Response.StatusCode);
        using (var answer = Description(scene.Response.Body)) Assert.Equal(SdpDirection.ReceiveOnly, answer.Media[0].Direction);
        using (var hold = scene.Only<SetLegMedia>().Media)
        {
            Assert.Equal(MediaDirection.ReceiveOnly, hold.Direction);
            Assert.Equal(4, hold.Generation);
        }

        scene.Ack(2);
        scene.None<SetLegMedia>();
        scene.Receive(Later(method, 3, Offer(3)));
        using var resumed = scene.Only<SetLegMedia>().Media;
        Assert.Equal(MediaDirection.SendReceive, resumed.Direction);
        Assert.Equal(6, resumed.Generation);
    }

    [Fact]
    [Trait("RFC", "3264 §8.4")]
    public void Hold_by_an_unspecified_address_sends_nothing()
    {
        var scene = Confirmed();
        scene.Receive(Later("INVITE", 2, Offer(2, address: "0.0.0.0")));
        using var media = scene.Only<SetLegMedia>().Media;
        Assert.False(media.Direction.Send);
        Assert.False(media.Remote.IsPresent);
    }

    [Theory]
    [MemberData(nameof(Methods))]
    public void A_new_address_codec_and_key_of_the_peer_are_taken_and_our_key_stays(string method)
    {
        var scene = Answered();
        using var first = Description(scene.Response.Body);
        scene.Ack();
        scene.Receive(Later(method, 2, Offer(2, key: 9, port: 50100, formats: "8")));

        using var answer = Description(scene.Response.Body);
        Assert.True(answer.Media[0].Crypto[0].Repeats(first.Media[0].Crypto[0].Keys[0]));
        Assert.Equal(first.Origin.Next, answer.Origin);
        using var media = scene.Only<SetLegMedia>().Media;
        Assert.Equal(50100, media.Remote.Port);
        Assert.Equal(AudioCodec.Pcma, media.Codec);
        Assert.Equal(Key(9), Convert.ToBase64String(UplinkOf(media)));
    }

    [Theory]
    [MemberData(nameof(Methods))]
    [Trait("RFC", "3264 §8")]
    public void An_offer_whose_version_did_not_change_gets_the_answer_of_before_and_touches_no_key(string method)
    {
        var scene = Answered();
        var before = scene.Response.Body.Span.ToArray();
        scene.Ack();
        scene.Receive(Later(method, 2, Offer()));

        Assert.Equal(before, scene.Response.Body.Span.ToArray());
        scene.None<SetLegMedia>();
    }

    [Fact]
    public void A_new_suite_brings_a_new_key_of_ours_that_waits_for_the_ACK()
    {
        var scene = Answered();
        using var first = Description(scene.Response.Body);
        scene.Ack();
        scene.Receive(Later("INVITE", 2, Offer(2, suite: "AES_CM_128_HMAC_SHA1_32")));

        using var answer = Description(scene.Response.Body);
        Assert.False(answer.Media[0].Crypto[0].Repeats(first.Media[0].Crypto[0].Keys[0]));
        using (var until = scene.Only<SetLegMedia>().Media)
            Assert.Equal((true, SrtpProfile.AesCm128HmacSha1Tag80), (until.IsConfirmed, until.Downlink.Profile));
        scene.Ack(2);
        using var media = scene.Only<SetLegMedia>().Media;
        Assert.Equal(SrtpProfile.AesCm128HmacSha1Tag32, media.Downlink.Profile);
    }

    [Theory]
    [MemberData(nameof(Methods))]
    [Trait("RFC", "4568 §5.1.2")]
    public void The_keys_of_an_offer_open_packets_before_its_author_has_the_answer(string method)
    {
        var scene = Confirmed();
        var suite = method == "INVITE" ? "AES_CM_128_HMAC_SHA1_32" : "AES_CM_128_HMAC_SHA1_80";
        scene.Receive(Later(method, 2, Offer(2, key: 9, suite: suite)));

        var order = scene.Effects.Where(e => e is SetLegMedia or Respond).Select(e => e.GetType().Name);
        Assert.Equal([nameof(SetLegMedia), nameof(Respond)], order);
        using var media = scene.Only<SetLegMedia>().Media;
        Assert.Equal(Key(9), Convert.ToBase64String(UplinkOf(media)));
    }

    [Fact]
    public void An_UPDATE_that_would_need_a_new_key_of_ours_is_refused()
    {
        var scene = Confirmed();
        var before = scene.State;
        scene.Receive(Later("UPDATE", 2, Offer(2, suite: "AES_CM_128_HMAC_SHA1_32")));
        Assert.Equal(488, scene.Response.StatusCode);
        SameLeg(before, scene.State);
    }

    [Theory]
    [MemberData(nameof(Methods))]
    [Trait("RFC", "3261 §14.2")]
    public void A_refused_offer_leaves_the_call_as_it_was(string method)
    {
        var scene = Confirmed();
        var before = scene.State;
        scene.Receive(Later(method, 2, Offer(2, suite: ""), contact: "<sip:mallory@192.0.2.1>"));

        Assert.Equal(488, scene.Response.StatusCode);
        Assert.True(scene.Response.Headers.Has("Warning"));
        scene.None<SetLegMedia>();
        SameLeg(before, scene.State);
        Assert.Equal("alice", ((ParticipantState.Confirmed)scene.State).Participation.Dialog.RemoteTarget.User);
        scene.Receive(Later(method, 3, Offer(3)));
        Assert.Equal(200, scene.Response.StatusCode);
    }

    [Fact]
    [Trait("RFC", "4568 §7.1.2")]
    public void An_offer_that_repeats_our_key_is_refused()
    {
        var scene = Answered();
        using var answer = Description(scene.Response.Body);
        var ours = Convert.ToBase64String(answer.Media[0].Crypto[0].Keys[0].KeyAndSalt.Reveal());
        scene.Ack();
        scene.Receive(Later("INVITE", 2, Offer(2).Replace(Key(1), ours, StringComparison.Ordinal)));
        Assert.Equal(488, scene.Response.StatusCode);
    }

    [Fact]
    [Trait("RFC", "3311 §5.2")]
    public void An_UPDATE_without_offer_moves_the_remote_target_only()
    {
        var scene = Confirmed();
        scene.Receive(Later("UPDATE", 2, contact: "<sip:alice@127.0.0.1:5090>"));

        Assert.Equal(200, scene.Response.StatusCode);
        Assert.True(scene.Response.Body.IsEmpty);
        Assert.Contains("isfocus", scene.Response.Headers.First("Contact"), StringComparison.Ordinal);
        scene.None<SetLegMedia>();
        scene.Do(new ParticipantInput.EndRequested(Room, LeaveReason.Evicted));
        Assert.Equal(5090, scene.Only<SendRequest>().Request.RequestUri.Port);
        Assert.Equal(5090, scene.Only<SendRequest>().Flow.Remote.Port);
    }

    [Fact]
    [Trait("RFC", "3261 §14.2")]
    public void A_second_offer_before_the_ACK_is_told_to_come_again()
    {
        var scene = Confirmed();
        scene.Receive(Later("INVITE", 2, Offer(2)));
        foreach (var method in (string[])["INVITE", "UPDATE"])
        {
            scene.Receive(Later(method, method == "INVITE" ? 3u : 4u, Offer(3)));
            Assert.Equal(500, scene.Response.StatusCode);
            var wait = scene.Response.Headers.First("Retry-After")!;
            Assert.InRange(int.Parse(wait, System.Globalization.CultureInfo.InvariantCulture), 0, 10);
        }

        scene.Receive(Later("UPDATE", 5));
        Assert.Equal(200, scene.Response.StatusCode);
        scene.Ack(2);
        Assert.IsType<ParticipantState.Confirmed>(scene.State);
    }

    [Fact]
    [Trait("RFC", "3311 §5.2")]
    public void An_offer_while_ours_is_unanswered_is_glare()
    {
        var scene = Confirmed();
        scene.Receive(Later("INVITE", 2));
        scene.Receive(Later("UPDATE", 3, Offer(2)));
        Assert.Equal(491, scene.Response.StatusCode);
    }

    [Fact]
    public void A_re_INVITE_without_SDP_is_offered_what_is_in_use()
    {
        var scene = Answered();
        using var first = Description(scene.Response.Body);
        scene.Ack();
        scene.Receive(Later("INVITE", 2));

        using var offer = Description(scene.Response.Body);
        Assert.True(Assert.Single(offer.Media[0].Crypto).Repeats(first.Media[0].Crypto[0].Keys[0]));
        Assert.Equal(first.Origin.SessionId, offer.Origin.SessionId);
        scene.None<SetLegMedia>();
        scene.Ack(2, Offer(2, key: 4));
        using var media = scene.Only<SetLegMedia>().Media;
        Assert.Equal(Key(4), Convert.ToBase64String(UplinkOf(media)));

        scene.Receive(Later("INVITE", 3));
        using var again = Description(scene.Response.Body);
        Assert.Equal(offer.Origin, again.Origin);
    }

    [Fact]
    public void After_our_offer_an_unchanged_description_of_the_peer_is_answered_properly()
    {
        var scene = Confirmed();
        scene.Receive(Later("INVITE", 2));
        scene.Ack(2, Offer(2));
        scene.Receive(Later("INVITE", 3, Offer(2)));
        using var answer = Description(scene.Response.Body);
        Assert.Single(answer.Media[0].Line.Formats.Where(f => f is "0" or "8"));
    }

    [Fact]
    public void A_re_INVITE_that_is_never_acknowledged_ends_the_call()
    {
        var scene = Confirmed();
        scene.Receive(Later("INVITE", 2, Offer(2)));
        scene.Fire(ParticipantTimer.Repeat2xx);
        Assert.Equal(200, scene.Response.StatusCode);
        scene.Fire(ParticipantTimer.NoAck);
        Assert.Equal(SipMethod.Bye, scene.Only<SendRequest>().Request.Method);
    }

    [Fact]
    public void The_dialog_is_stored_once_however_often_it_is_renegotiated()
    {
        var scene = Confirmed();
        scene.Receive(Later("INVITE", 2, Offer(2)));
        scene.Ack(2);
        Assert.Single(scene.All.OfType<Store>());
    }

    private static void SameLeg(ParticipantState before, ParticipantState after) =>
        Assert.Same(((ParticipantState.Confirmed)before).Participation.Leg, ((ParticipantState.Confirmed)after).Participation.Leg);
}
