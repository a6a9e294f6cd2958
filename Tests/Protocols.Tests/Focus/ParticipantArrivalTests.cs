using System.Net.Sockets;
using System.Text;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Transactions;
using ConfCluster.Protocols.Srtp;
using ConfCluster.Protocols.Wire;
using Xunit;
using static ConfCluster.Protocols.Focus.ParticipantEffect;
using static ConfCluster.Protocols.Tests.Focus.ParticipantScene;

namespace ConfCluster.Protocols.Tests.Focus;

public sealed class ParticipantArrivalTests
{
    [Fact]
    public void A_good_offer_asks_the_conference_before_anything_is_answered()
    {
        var scene = Joining();

        Assert.Equal(
            new Join(Room, "sip:alice@example.com", "Alice") { Ability = LegAbility.None with { IsProtected = true } }, scene.Only<Join>());
        scene.None<Respond>();
        Assert.IsType<ParticipantState.Joining>(scene.State);
    }

    [Fact]
    public void Who_was_let_in_asks_the_mixer_for_ports()
    {
        var scene = Opening();

        Assert.Equal((Mixer, AddressFamily.InterNetwork), (scene.Only<OpenLeg>().Mixer, scene.Only<OpenLeg>().Family));
        using var offered = new MasterKey(SrtpProfile.AesCm128HmacSha1Tag80, SecretBytes.CopyOf(Convert.FromBase64String(Key(1))), Mki.None);
        Assert.True(Assert.Single(scene.Only<OpenLeg>().Uplink).FixedTimeEquals(KeyFingerprint.Of(offered)));
        scene.None<Respond>();
    }

    [Fact]
    [Trait("RFC", "3261 §13.3.1.4")]
    [Trait("RFC", "3261 §12.1.1")]
    public void The_200_makes_the_dialog_and_names_the_focus()
    {
        var scene = new ParticipantScene();
        const string Routes = "Record-Route: <sip:p2.example.com;lr>\r\nRecord-Route: <sip:p1.example.com;lr>\r\n";
        scene.Receive(Request("INVITE", sdp: Offer(), extra: Routes));
        scene.Accept();
        scene.Open();

        var headers = scene.Response.Headers;
        Assert.Equal(200, scene.Response.StatusCode);
        Assert.Equal(Id.Value, headers.To.Tag);
        Assert.Equal("<sip:room@127.0.0.1:5060;transport=udp>;isfocus", headers.First("Contact"));
        Assert.Equal(["<sip:p2.example.com;lr>", "<sip:p1.example.com;lr>"], headers.All("Record-Route"));
        Assert.Equal("INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, PRACK", headers.First("Allow"));
        Assert.True(headers.Has("Supported"));
        Assert.Equal("application/sdp", headers.First("Accept"));
        Assert.Equal("application/sdp", headers.First("Content-Type"));
        Assert.Equal("test", headers.First("Server"));
        Assert.IsType<ParticipantState.Answered>(scene.State);
    }

    [Fact]
    [Trait("RFC", "4568 §5.1.2")]
    public void The_answer_has_our_ports_and_a_key_of_our_own()
    {
        var scene = Answered();
        using var answer = Description(scene.Response.Body);

        var stream = Assert.Single(answer.Media);
        Assert.Equal(Ports.Port, stream.Line.Port);
        var crypto = Assert.Single(stream.Crypto);
        Assert.Equal(1u, crypto.Tag);
        Assert.NotEqual(Key(1), Convert.ToBase64String(crypto.Keys[0].KeyAndSalt.Reveal()));
    }

    [Theory]
    [Trait("RFC", "4568 §6.1")]
    [InlineData("|2^20|7:2", true)]
    [InlineData("", false)]
    public void Our_key_has_an_MKI_when_theirs_has_one(string mki, bool expected)
    {
        var scene = new ParticipantScene();
        scene.Receive(Request("INVITE", sdp: Offer(mki: mki)));
        scene.Accept();
        scene.Open();

        using var answer = Description(scene.Response.Body);
        Assert.Equal(expected, answer.Media[0].Crypto[0].Keys[0].Mki.IsPresent);
    }

    [Fact]
    public void No_key_of_ours_is_used_before_the_ACK_and_nothing_is_stored()
    {
        var scene = Answered();

        using var media = Assert.Single(scene.All.OfType<SetLegMedia>()).Media;
        Assert.False(media.IsConfirmed);
        Assert.Empty(scene.All.OfType<Store>());
    }

    [Fact]
    [Trait("RFC", "3264 §6.1")]
    public void What_the_caller_says_before_its_ACK_comes_can_be_opened()
    {
        var scene = Answered();
        var order = scene.Effects.Where(e => e is SetLegMedia or Respond).Select(e => e.GetType().Name);
        Assert.Equal([nameof(SetLegMedia), nameof(Respond)], order);
        using var before = scene.Only<SetLegMedia>().Media;
        scene.Ack();
        using var media = scene.Only<SetLegMedia>().Media;
        Assert.True(media.IsConfirmed && media.Generation > before.Generation);
        Assert.Equal(UplinkOf(before), UplinkOf(media));
    }

    [Theory]
    [InlineData("sip:127.0.0.1", 404)]
    [InlineData("sip:a%2Fb@127.0.0.1", 404)]
    [InlineData("tel:+358555", 416)]
    public void A_request_URI_that_names_no_conference_is_refused(string uri, int status) =>
        Refused(Request("INVITE", sdp: Offer(), uri: uri), status);

    [Fact]
    [Trait("RFC", "3261 §8.2.2.3")]
    public void An_extension_that_is_required_is_refused_by_name() =>
        Assert.Equal("x-new", Refused(Request("INVITE", sdp: Offer(), extra: "Require: 100rel, x-new\r\n"), 420).First("Unsupported"));

    [Theory]
    [Trait("RFC", "3261 §8.2.3")]
    [InlineData("text/plain")]
    [InlineData("multipart/mixed;boundary=x")]
    [InlineData("")]
    public void A_body_that_is_no_SDP_is_refused_with_what_would_be(string type) =>
        Assert.Equal("application/sdp", Refused(Request("INVITE", sdp: Offer(), type: type), 415).First("Accept"));

    [Fact]
    public void A_compressed_body_is_refused() =>
        Assert.Equal(
            "identity", Refused(Request("INVITE", sdp: Offer(), extra: "Content-Encoding: gzip\r\n"), 415).First("Accept-Encoding"));

    [Theory]
    [InlineData("text/html")]
    [InlineData("")]
    public void Who_takes_no_SDP_is_told_406(string accept) =>
        Refused(Request("INVITE", sdp: Offer(), extra: $"Accept: {accept}\r\n"), 406);

    [Theory]
    [InlineData("application/sdp")]
    [InlineData("text/html, application/*;q=0.5")]
    [InlineData("*/*")]
    public void Who_takes_SDP_among_others_is_let_in(string accept)
    {
        var scene = new ParticipantScene();
        scene.Receive(Request("INVITE", sdp: Offer(), extra: $"Accept: {accept}\r\n"));
        scene.Only<Join>();
    }

    [Fact]
    public void An_INVITE_without_a_Contact_is_refused() => Refused(Request("INVITE", sdp: Offer(), contact: ""), 400);

    [Fact]
    public void An_unreadable_SDP_gets_400_with_its_error()
    {
        var scene = new ParticipantScene();
        scene.Receive(Request("INVITE", sdp: "v=0\r\nhello\r\n"));
        Assert.Equal(400, scene.Response.StatusCode);
        Assert.StartsWith("SDP ", scene.Response.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("0 8", "", "RTP/AVP")]
    [InlineData("0 8", "", "RTP/SAVP")]
    [InlineData("0 8", "F8_128_HMAC_SHA1_80", "RTP/SAVP")]
    [InlineData("18", "AES_CM_128_HMAC_SHA1_80", "RTP/SAVP")]
    public void An_offer_without_keys_or_codecs_of_ours_gets_488_with_a_warning(string formats, string suite, string protocol)
    {
        var headers = Refused(Request("INVITE", sdp: Offer(formats: formats, suite: suite, protocol: protocol)), 488);
        Assert.Matches("^3[0-9][0-9] confcluster \".+\"$", headers.First("Warning")!);
    }

    [Theory]
    [InlineData(Rejection.ConferenceFull, 486, null)]
    [InlineData(Rejection.TooManyConferences, 503, "30")]
    public void A_refused_join_gets_the_status_of_its_reason(Rejection reason, int status, string? retryAfter)
    {
        var scene = Joining();
        scene.Do(new ParticipantInput.JoinRefused(Room, reason));

        Assert.Equal(status, scene.Response.StatusCode);
        Assert.Equal(retryAfter, scene.Response.Headers.First("Retry-After"));
        scene.None<Leave>();
        scene.Only<Stop>();
    }

    [Fact]
    public void Without_ports_the_call_is_refused_and_the_conference_left()
    {
        var scene = Opening();
        scene.Do(new ParticipantInput.LegRefused(Mixer, Rejection.NoMediaCapacity));
        scene.Do(new ParticipantInput.JoinRefused(Room, Rejection.NoMediaCapacity));

        Assert.Equal(503, scene.Response.StatusCode);
        Assert.Equal(new Leave(Room, LeaveReason.MediaFailed), scene.Only<Leave>());
    }

    [Fact]
    public void What_was_asked_is_asked_again_until_somebody_answers()
    {
        var scene = Joining();
        scene.Fire(ParticipantTimer.RepeatAsk);
        scene.Only<Join>();
        scene.Accept();
        scene.Fire(ParticipantTimer.RepeatAsk);
        scene.Only<OpenLeg>();
        scene.Fire(ParticipantTimer.Unanswered);
        Assert.Equal(503, scene.Response.StatusCode);
        Assert.True(scene.Response.Headers.Has("Retry-After"));
        scene.Only<Leave>();
    }

    [Fact]
    [Trait("RFC", "3261 §8.2.2.2")]
    public void A_forked_copy_is_merged_and_a_retransmission_is_not()
    {
        var scene = Joining();
        scene.Receive(Request("INVITE", sdp: Offer()));
        scene.None<Respond>();
        scene.Receive(Request("INVITE", "z9hG4bK2", sdp: Offer()));
        Assert.Equal(482, scene.Response.StatusCode);
        scene.Accept();
        scene.Open();
        Assert.Equal(200, scene.Response.StatusCode);
        scene.Receive(Request("INVITE", "z9hG4bK3", sdp: Offer()));
        Assert.Equal(482, scene.Response.StatusCode);
    }

    [Fact]
    public void A_mixer_that_is_replaced_meanwhile_is_asked_in_place_of_the_old_one()
    {
        var scene = Opening();
        var next = Mixer with { Incarnation = 2 };
        scene.Do(new ParticipantInput.JoinAccepted(Room, next, new Protocols.Rtp.Ssrc(7)));

        Assert.Equal(new CloseLeg(Mixer), scene.Only<CloseLeg>());
        Assert.Equal((next, AddressFamily.InterNetwork), (scene.Only<OpenLeg>().Mixer, scene.Only<OpenLeg>().Family));
        scene.Open();
        scene.None<Respond>();
    }

    [Fact]
    public void The_offer_is_zeroed_once_it_is_read()
    {
        var request = Request("INVITE", sdp: Offer());
        new ParticipantScene().Receive(request);
        Assert.DoesNotContain("inline", Encoding.UTF8.GetString(request.Body.Span), StringComparison.Ordinal);
    }

    [Fact]
    public void A_lost_transaction_leaves_the_conference_without_an_answer()
    {
        var scene = Opening();
        scene.Do(new ParticipantInput.TransactionFailed(TransactionKey.OfReceived(Request("INVITE")), TransactionFailure.Transport));

        scene.None<Respond>();
        Assert.Equal(new Leave(Room, LeaveReason.DialogFailed), scene.Only<Leave>());
    }

    /// <summary>Refused at once: one response, nobody else asked, and the entity is gone.</summary>
    private static SipHeaders Refused(SipRequest request, int status)
    {
        var scene = new ParticipantScene();
        scene.Receive(request);
        Assert.Equal(status, scene.Response.StatusCode);
        Assert.Equal(Id.Value, scene.Response.Headers.To.Tag);
        scene.None<Join>();
        scene.Only<Count>();
        scene.Only<Stop>();
        return scene.Response.Headers;
    }
}
