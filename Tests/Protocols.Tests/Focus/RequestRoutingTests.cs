using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Tests.Sip;
using ConfCluster.Protocols.Wire;
using Xunit;

namespace ConfCluster.Protocols.Tests.Focus;

public sealed class RequestRoutingTests : IDisposable
{
    private readonly LocalTag _tags = new(SecretBytes.CopyOf("0123456789abcdef0123456789abcdef"u8));

    public void Dispose() => _tags.Dispose();

    [Fact]
    [Trait("RFC", "3261 §8.2.2.2")]
    public void Copies_of_an_INVITE_by_different_paths_and_its_CANCEL_reach_one_participant()
    {
        var one = Participant(SipTexts.Request("INVITE", "z9hG4bKpath1"));
        Assert.Equal(one, Participant(SipTexts.Request("INVITE", "z9hG4bKpath2", via: "198.51.100.4")));
        Assert.Equal(one, Participant(SipTexts.Request("CANCEL", "z9hG4bKpath1")));
        Assert.Equal(one, Participant(SipTexts.Request("ACK", "z9hG4bKpath1", one.Value)));
        Assert.Equal(one, Participant(SipTexts.Request("BYE", "z9hG4bKx", one.Value, cseq: 2)));
    }

    [Theory]
    [Trait("RFC", "3261 §12.2.2")]
    [InlineData("BYE")]
    [InlineData("INVITE")]
    [InlineData("UPDATE")]
    [InlineData("OPTIONS")]
    [InlineData("CANCEL")]
    public void A_forged_tag_gets_481_and_wakes_nobody(string method) =>
        Assert.Equal(481, Status(SipTexts.Request(method, toTag: "0123456789abcdef0123456789abcdef")));

    [Fact]
    [Trait("RFC", "3261 §17")]
    public void An_ACK_that_is_nobodys_is_dropped()
    {
        Assert.IsType<RoutingVerdict.Drop>(Of(SipTexts.Request("ACK", toTag: "forged")));
        Assert.IsType<RoutingVerdict.Drop>(Of(SipTexts.Request("ACK")));
        Assert.IsType<RoutingVerdict.Drop>(Of(SipTexts.Request("ACK", uri: "http://example.com", extra: "Require: nothing\r\n")));
    }

    [Theory]
    [Trait("RFC", "3261 §8.2.1")]
    [InlineData("REGISTER", 405)]
    [InlineData("SUBSCRIBE", 405)]
    [InlineData("MESSAGE", 405)]
    [InlineData("REFER", 405)]
    [InlineData("PUBLISH", 405)]
    [InlineData("NOTIFY", 405)]
    [InlineData("INFO", 405)]
    [InlineData("NEWMETHOD", 501)]
    [InlineData("invite", 501)]
    public void A_method_that_is_not_taken_is_refused_with_those_that_are(string method, int status)
    {
        var answer = Assert.IsType<RoutingVerdict.Answer>(Of(SipTexts.Request(method)));
        Assert.Equal(status, answer.Status);
        Assert.Equal("INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, PRACK", answer.Extra.First("Allow"));
    }

    [Theory]
    [Trait("RFC", "3261 §8.2.2.1")]
    [InlineData("http://example.com/", 416)]
    [InlineData("unknown:x", 416)]
    public void A_scheme_that_is_not_SIP_is_refused(string uri, int status) => Assert.Equal(status, Status(SipTexts.Request("INVITE", uri: uri)));

    [Theory]
    [InlineData("sips:room@127.0.0.1")]
    [InlineData("tel:+49301234")]
    public void Sips_and_tel_are_the_participants_to_judge(string uri) =>
        Assert.IsType<RoutingVerdict.ToParticipant>(Of(SipTexts.Request("INVITE", uri: uri)));

    [Fact]
    [Trait("RFC", "3261 §8.2.2.3")]
    public void An_extension_that_is_required_and_unknown_is_named_in_Unsupported_but_ignored_in_CANCEL()
    {
        const string require = "Contact: <sip:a@192.0.2.7>\r\nRequire: 100rel, x-old, timer, x-new\r\n";
        var answer = Assert.IsType<RoutingVerdict.Answer>(Of(SipTexts.Request("INVITE", extra: require)));
        Assert.Equal((420, "x-old, x-new"), (answer.Status, answer.Extra.First("Unsupported")));
        Assert.IsType<RoutingVerdict.ToParticipant>(Of(SipTexts.Request("CANCEL", extra: require)));
    }

    [Fact]
    [Trait("RFC", "3261 §11.2")]
    public void OPTIONS_outside_a_dialog_tells_what_an_INVITE_may_hold()
    {
        var answer = Assert.IsType<RoutingVerdict.Answer>(Of(SipTexts.Request("OPTIONS")));
        Assert.Equal((200, "application/sdp"), (answer.Status, answer.Extra.First("Accept")));
        Assert.True(answer.Extra.Has("Allow") && answer.Extra.Has("Supported"));
    }

    [Theory]
    [Trait("RFC", "3261 §8.1.1.8")]
    [InlineData("")]
    [InlineData("Contact: *\r\n")]
    [InlineData("Contact: <tel:+4930>\r\n")]
    [InlineData("Contact: <sip:a@b>, <sip:c@d>\r\n")]
    public void An_INVITE_that_cannot_be_called_back_is_refused(string contact) =>
        Assert.Equal(400, Status(SipTexts.Request("INVITE", extra: contact)));

    [Theory]
    [InlineData("BYE")]
    [InlineData("UPDATE")]
    public void A_request_that_needs_a_dialog_and_names_none_gets_481(string method) => Assert.Equal(481, Status(SipTexts.Request(method)));

    [Fact]
    [Trait("RFC", "3261 §8.2.3")]
    public void A_body_in_an_encoding_that_nobody_asked_for_is_refused() =>
        Assert.Equal(415, Status(SipTexts.Request("INVITE", extra: "Contact: <sip:a@b>\r\nContent-Encoding: gzip\r\n")));

    [Fact]
    [Trait("RFC", "4475 §3.3.11")]
    public void Max_Forwards_of_zero_is_processed_by_an_endpoint()
    {
        var request = SipTexts.Request("OPTIONS");
        Assert.Equal(200, Status(request with { Headers = request.Headers.With("Max-Forwards", "0") }));
    }

    private RoutingVerdict Of(SipRequest request) => RequestRouting.Of(request, _tags);

    private int Status(SipRequest request) => Assert.IsType<RoutingVerdict.Answer>(Of(request)).Status;

    private ParticipantId Participant(SipRequest request) => Assert.IsType<RoutingVerdict.ToParticipant>(Of(request)).Participant;
}
