using System.Collections.Immutable;
using System.Text;
using ConfCluster.Protocols.Codecs;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Sdp;
using ConfCluster.Protocols.Srtp;
using Xunit;

namespace ConfCluster.Protocols.Tests.Sdp;

public class CodecNegotiationTests
{
    private static readonly MediaCapabilities Plain = new(
        SrtpProfile.All, [AudioCodec.Opus, AudioCodec.G722, AudioCodec.Pcmu, AudioCodec.Pcma], RequireProtection: false);

    private static readonly MediaAddress Here = new(0, 0x7F000001, 40000, false);

    [Theory]
    [Trait("RFC", "3264 §6.1")]
    [InlineData("0 9 111", "", AudioCodec.Pcmu, 0)]
    [InlineData("9 0", "", AudioCodec.G722, 9)]
    [InlineData("100 0", "a=rtpmap:100 G722/8000\r\n", AudioCodec.G722, 100)]
    [InlineData("111 9", "a=rtpmap:111 opus/48000/2\r\n", AudioCodec.Opus, 111)]
    [InlineData("111 9", "a=rtpmap:111 OPUS/48000/2\r\n", AudioCodec.Opus, 111)]
    [InlineData("111 8", "a=rtpmap:111 opus/48000\r\n", AudioCodec.Pcma, 8)]
    [InlineData("9 8", "a=rtpmap:9 G722/16000\r\n", AudioCodec.Pcma, 8)]
    [InlineData("18 3 96 0", "a=rtpmap:96 speex/8000\r\n", AudioCodec.Pcmu, 0)]
    public void The_first_codec_of_the_offer_that_we_have_is_taken_under_its_payload_type(string formats, string maps, AudioCodec codec, byte type)
    {
        using var media = Examine(formats, maps);
        Assert.Equal((codec, type), (media.Codec, media.PayloadType));
        Assert.Equal<OfferedCodec>([new OfferedCodec(codec, type)], media.Receive);
    }

    [Fact]
    [Trait("RFC", "7587 §7")]
    public void An_answer_in_Opus_says_48000_and_two_channels_and_asks_for_FEC()
    {
        using var media = Examine("111", "a=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10;useinbandfec=1\r\n");
        using var answer = OfferAnswer.Answer(media, new LocalMedia(SdpOrigin.Of(1, 1, Here), Here, Here, []));
        var text = Encoding.UTF8.GetString(SdpWriter.ToBytes(answer));
        Assert.Contains("m=audio 40000 RTP/AVP 111\r\n", text, StringComparison.Ordinal);
        Assert.Contains("a=rtpmap:111 opus/48000/2\r\n", text, StringComparison.Ordinal);
        Assert.Contains("a=fmtp:111 useinbandfec=1", text, StringComparison.Ordinal);
    }

    [Theory]
    [Trait("RFC", "4733 §2.1")]
    [InlineData("111 101 110", "a=rtpmap:101 telephone-event/8000\r\na=rtpmap:110 telephone-event/48000\r\n", 110, 48_000)]
    [InlineData("111 101", "a=rtpmap:101 telephone-event/8000\r\n", 101, 8000)]
    [InlineData("0 110 101", "a=rtpmap:110 telephone-event/48000\r\na=rtpmap:101 telephone-event/8000\r\n", 101, 8000)]
    public void Events_are_taken_at_the_clock_of_the_audio_or_at_8000(string formats, string maps, byte type, int rate)
    {
        using var media = Examine(formats, "a=rtpmap:111 opus/48000/2\r\n" + maps);
        Assert.Equal((type, rate), (media.TelephoneEvent, media.TelephoneEventRate));
    }

    [Fact]
    [Trait("RFC", "4733 §2.1")]
    public void An_offer_with_Opus_has_events_at_both_clocks()
    {
        using var offer = Offer();
        Assert.Equal<string>(["107", "9", "0", "8", "101", "108"], offer.Media[0].Line.Formats);
        Assert.Contains(new RtpMap(108, "telephone-event", 48_000), offer.Media[0].RtpMaps);
        Assert.Contains(new RtpMap(9, "G722", 8000), offer.Media[0].RtpMaps);
    }

    [Fact]
    [Trait("RFC", "3264 §6.1")]
    public void An_answer_with_several_codecs_is_sent_the_first_and_may_send_all()
    {
        using var media = ExamineAnswer("9 0 101", "a=rtpmap:101 telephone-event/8000\r\n");
        Assert.Equal((AudioCodec.G722, (byte)9), (media.Codec, media.PayloadType));
        Assert.Equal<OfferedCodec>([new OfferedCodec(AudioCodec.G722, 9), OfferedCodec.Pcmu], media.Receive);
        Assert.Equal((byte)101, media.TelephoneEvent);
    }

    [Fact]
    [Trait("RFC", "3264 §5.1")]
    public void Where_the_answer_has_another_payload_type_we_send_with_that_and_hear_both()
    {
        using var media = ExamineAnswer("96", "a=rtpmap:96 opus/48000/2\r\n");
        Assert.Equal((byte)96, media.PayloadType);
        Assert.Equal<OfferedCodec>([new OfferedCodec(AudioCodec.Opus, 107), new OfferedCodec(AudioCodec.Opus, 96)], media.Receive);
        var leg = media.ToLegMedia(new ParticipantId("p"), 1, MasterKey.Generate(SrtpProfile.All[0], Mki.None, b => b.Fill(7)));
        Assert.Equal(media.Receive, leg.Receive);
        leg.Dispose();
    }

    [Fact]
    public void An_answer_with_a_codec_that_was_not_offered_is_none()
    {
        using var offer = Offer();
        using var answer = Read("18", "");
        Assert.Equal(305, Assert.IsType<OfferVerdict.Refused>(OfferAnswer.ExamineAnswer(offer, answer, Plain)).WarningCode);
    }

    private static SessionDescription Offer() => OfferAnswer.CreateOffer(new OfferPlan(SdpOrigin.Of(1, 1, Here), Here, Here, [])
    {
        Codecs = [.. Plain.Codecs.Select(OfferedCodec.Of)],
    });

    private static AcceptedMedia Examine(string formats, string maps)
    {
        using var offer = Read(formats, maps);
        return Assert.IsType<OfferVerdict.Acceptable>(OfferAnswer.Examine(offer, Plain)).Media;
    }

    private static AcceptedMedia ExamineAnswer(string formats, string maps)
    {
        using var offer = Offer();
        using var answer = Read(formats, maps);
        return Assert.IsType<OfferVerdict.Acceptable>(OfferAnswer.ExamineAnswer(offer, answer, Plain)).Media;
    }

    private static SessionDescription Read(string formats, string maps)
    {
        var text = $"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 5000 RTP/AVP {formats}\r\n{maps}";
        Assert.True(SdpReader.TryRead(Encoding.UTF8.GetBytes(text), out var session, out _));
        return session!;
    }
}
