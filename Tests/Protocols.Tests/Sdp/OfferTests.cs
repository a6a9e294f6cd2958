using ConfCluster.Protocols.Codecs;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Sdp;
using ConfCluster.Protocols.Srtp;
using Xunit;
using static ConfCluster.Protocols.Tests.Sdp.SdpTexts;

namespace ConfCluster.Protocols.Tests.Sdp;

/// <summary>Reading offers.</summary>
public class OfferTests
{
    private const string Audio = "m=audio 4000 RTP/SAVP 0 8 101";

    [Fact]
    [Trait("RFC", "4568 §7.1.5")]
    public void The_example_of_SDES_is_accepted_with_its_first_line()
    {
        using var offer = Read(Vector("rfc4568-offer"));
        using var media = Accepted(OfferAnswer.Examine(offer, Ours));
        Assert.Equal((1u, SrtpProfile.AesCm128HmacSha1Tag80, 4), (media.CryptoTag, media.Profile, media.MkiLength));
        Assert.Equal("168.2.17.12:49170", media.Remote.ToString());
        Assert.Equal(49171, media.RemoteRtcp.Port);
        Assert.Equal((AudioCodec.Pcmu, (byte)0, 20, MediaDirection.SendReceive), (media.Codec, media.PayloadType, media.PacketTime, media.Direction));
    }

    [Fact]
    [Trait("RFC", "4568 §5.1.2")]
    public void The_first_line_of_the_offer_that_is_valid_and_supported_is_taken()
    {
        using var offer = Session(Audio, Crypto("AEAD_AES_256_GCM", tag: 7), Crypto("AES_CM_128_HMAC_SHA1_80", "|0", 8), Crypto32, Crypto("AES_CM_128_HMAC_SHA1_80", tag: 9));
        using var media = Accepted(OfferAnswer.Examine(offer, Ours));
        Assert.Equal((2u, SrtpProfile.AesCm128HmacSha1Tag32), (media.CryptoTag, media.Profile));
        using var strict = Accepted(OfferAnswer.Examine(offer, Ours with { Suites = [SrtpProfile.AesCm128HmacSha1Tag80] }));
        Assert.Equal(9u, strict.CryptoTag);
    }

    [Theory]
    [InlineData(302, "RTP/AVP", "m=audio 4000 RTP/AVP 0")]
    [InlineData(302, "UDP/TLS/RTP/SAVP", "m=audio 4000 UDP/TLS/RTP/SAVP 0")]
    [InlineData(304, "No audio", "m=video 4000 RTP/SAVP 31")]
    [InlineData(304, "No audio", "m=audio 0 RTP/SAVP 0")]
    [InlineData(305, "codec", "m=audio 4000 RTP/SAVP 9 96", "a=rtpmap:96 opus/48000/2")]
    [InlineData(305, "codec", "m=audio 4000 RTP/SAVP 0", "a=rtpmap:0 PCMU/16000")]
    [InlineData(306, "without a=crypto", "m=audio 4000 RTP/SAVP 0")]
    [InlineData(306, "key-mgmt", "m=audio 4000 RTP/SAVP 0", "a=key-mgmt:mikey AAAA")]
    [InlineData(301, "not an IP address", "m=audio 4000 RTP/SAVP 0", "c=IN IP4 host.example")]
    [InlineData(330, "Multicast", "m=audio 4000 RTP/SAVP 0", "c=IN IP4 224.2.1.1/127")]
    [Trait("RFC", "3261 §20.43")]
    public void An_offer_that_cannot_be_accepted_is_refused_with_the_warning_that_fits(int warning, string text, params string[] media)
    {
        using var offer = Session(media);
        var refused = Refused(OfferAnswer.Examine(offer, Ours));
        Assert.Equal(warning, refused.WarningCode);
        Assert.Contains(text, refused.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a=crypto:1 NEW_SUITE inline:x", "not supported")]
    [InlineData("a=crypto:01 X inline:x", "tag")]
    [InlineData("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAAA", "wrong length")]
    [InlineData("a=crypto:1 AES_CM_128_HMAC_SHA1_80 uri:x", "other than inline")]
    [Trait("RFC", "4568 §7.1.2")]
    public void What_is_wrong_with_the_key_line_is_said_without_its_key(string line, string text)
    {
        using var offer = Session(Audio, line);
        var refused = Refused(OfferAnswer.Examine(offer, Ours));
        Assert.Equal(306, refused.WarningCode);
        Assert.Contains(text, refused.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(" UNENCRYPTED_SRTP")]
    [InlineData(" UNENCRYPTED_SRTCP")]
    [InlineData(" UNAUTHENTICATED_SRTP")]
    [Trait("RFC", "4568 §6.3.2")]
    public void A_line_that_switches_protection_off_is_passed_over(string tail)
    {
        using var alone = Session(Audio, Crypto("AES_CM_128_HMAC_SHA1_80", tail));
        Assert.Contains("switches protection off", Refused(OfferAnswer.Examine(alone, Ours)).Text, StringComparison.Ordinal);
        using var both = Session(Audio, Crypto("AES_CM_128_HMAC_SHA1_80", tail), Crypto32);
        using var media = Accepted(OfferAnswer.Examine(both, Ours));
        Assert.Equal(2u, media.CryptoTag);
    }

    [Fact]
    public void Every_reason_of_an_unusable_line_has_words()
    {
        foreach (var error in Enum.GetValues<CryptoError>().Where(e => e != CryptoError.None)) Assert.NotEmpty(CryptoRefusal.Of(error));
    }

    [Theory]
    [InlineData("a=sendonly", false, true)]
    [InlineData("a=recvonly", true, false)]
    [InlineData("a=inactive", false, false)]
    [InlineData("a=sendrecv", true, true)]
    [InlineData("c=IN IP4 0.0.0.0", false, true)]
    [Trait("RFC", "3264 §8.4")]
    public void Hold_in_its_forms_is_what_is_left_to_us(string line, bool send, bool receive)
    {
        using var offer = Session(Audio, line, Crypto80);
        using var media = Accepted(OfferAnswer.Examine(offer, Ours));
        Assert.Equal(new MediaDirection(send, receive), media.Direction);
        Assert.Equal(!line.StartsWith('c'), media.Remote.IsPresent);
    }

    [Fact]
    [Trait("RFC", "4566 §6")]
    public void A_direction_of_the_session_holds_for_a_stream_that_has_none()
    {
        using var offer = Session("a=sendonly", Audio, Crypto80);
        using var media = Accepted(OfferAnswer.Examine(offer, Ours));
        Assert.Equal(MediaDirection.ReceiveOnly, media.Direction);
    }

    [Theory]
    [InlineData("a=rtcp:5001", "192.0.2.1:5001", false)]
    [InlineData("a=rtcp:5001 IN IP4 192.0.2.9", "192.0.2.9:5001", false)]
    [InlineData("a=rtcp-mux", "192.0.2.1:4000", true)]
    [InlineData("a=x", "192.0.2.1:4001", false)]
    [Trait("RFC", "3605 §2.1")]
    [Trait("RFC", "5761 §5.1.1")]
    public void RTCP_goes_where_the_offer_says(string line, string address, bool mux)
    {
        using var offer = Session(Audio, line, Crypto80);
        using var media = Accepted(OfferAnswer.Examine(offer, Ours));
        Assert.Equal((address, mux), (media.RemoteRtcp.ToString(), media.RtcpMux));
    }

    [Fact]
    [Trait("RFC", "5761 §4")]
    public void Payload_types_that_look_like_RTCP_are_not_multiplexed()
    {
        using var offer = Session("m=audio 4000 RTP/SAVP 72", "a=rtpmap:72 PCMA/8000", "a=rtcp-mux", Crypto80);
        using var media = Accepted(OfferAnswer.Examine(offer, Ours));
        Assert.Equal((AudioCodec.Pcma, (byte)72, false), (media.Codec, media.PayloadType, media.RtcpMux));
        using var events = Session("m=audio 4000 RTP/SAVP 0 90", "a=rtpmap:90 telephone-event/8000", "a=rtcp-mux", Crypto80);
        using var mixed = Accepted(OfferAnswer.Examine(events, Ours));
        Assert.False(mixed.RtcpMux);
    }

    [Theory]
    [InlineData(20, "a=ptime:10")]
    [InlineData(20, "a=ptime:30")]
    [InlineData(40, "a=ptime:40")]
    [InlineData(60, "a=ptime:100")]
    [InlineData(40, "a=ptime:60", "a=maxptime:50")]
    [InlineData(20, "a=ptime:20.5")]
    public void A_packet_is_as_long_as_the_peer_wants_in_ticks_of_ours(int expected, params string[] lines)
    {
        using var offer = Session([Audio, .. lines, Crypto80]);
        using var media = Accepted(OfferAnswer.Examine(offer, Ours));
        Assert.Equal(expected, media.PacketTime);
    }

    [Fact]
    [Trait("RFC", "3264 §8")]
    public void An_offer_in_the_dialog_may_not_drop_a_stream_nor_repeat_our_key()
    {
        using var offer = Session(Audio, Crypto80);
        var two = new MediaHistory([offer.Lines[0], new MediaLine("video", 0, "RTP/AVP", ["31"])], []);
        Assert.Contains("fewer", Refused(OfferAnswer.Examine(offer, Ours, two)).Text, StringComparison.Ordinal);

        var own = offer.Media[0].Crypto[0].Keys[0];
        var refused = Refused(OfferAnswer.Examine(offer, Ours, new MediaHistory(offer.Lines, [own])));
        Assert.Contains("repeats a key of ours", refused.Text, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("RFC", "3264 §10.1")]
    public void The_example_without_protection_is_taken_only_where_protection_is_not_required()
    {
        using var offer = Read(Vector("rfc3264-offer"));
        Assert.Equal(302, Refused(OfferAnswer.Examine(offer, Ours)).WarningCode);
        using var media = Accepted(OfferAnswer.Examine(offer, Ours with { RequireProtection = false }));
        Assert.False(media.IsProtected);
        Assert.Equal(3, media.Lines.Length);
    }

    [Fact]
    public void What_was_accepted_outlives_the_offer_and_becomes_the_mixer_s_terms()
    {
        var offer = Session(Audio, "a=rtpmap:101 telephone-event/8000", Crypto80);
        using var media = Accepted(OfferAnswer.Examine(offer, Ours));
        offer.Dispose();
        using var downlink = Key(9, new Mki(5, 4));
        using var leg = media.ToLegMedia(new("p"), 3, downlink);
        Assert.Equal(((byte?)101, 3L, 1), (leg.TelephoneEvent, leg.Generation, leg.Uplink.Length));
        Assert.NotSame(downlink, leg.Downlink);
        Assert.Equal(media.Uplink[0].KeyAndSalt.Reveal().ToArray(), leg.Uplink[0].KeyAndSalt.Reveal().ToArray());
        Assert.DoesNotContain("KeyAndSalt", media.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void IPv6_is_an_address_like_another()
    {
        using var offer = Session("m=audio 4000 RTP/SAVP 8", "c=IN IP6 2001:db8::5", Crypto80);
        using var media = Accepted(OfferAnswer.Examine(offer, Ours));
        Assert.Equal("[2001:db8::5]:4000", media.Remote.ToString());
        Assert.Equal(MediaAddress.From(System.Net.IPAddress.Parse("2001:db8::5"), 4001), media.RemoteRtcp);
    }
}
