using System.Collections.Immutable;
using ConfCluster.Protocols.Codecs;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Sdp;
using ConfCluster.Protocols.Srtp;
using Xunit;
using static ConfCluster.Protocols.Tests.Sdp.SdpTexts;

namespace ConfCluster.Protocols.Tests.Sdp;

/// <summary>Making answers and offers, and reading answers.</summary>
public class AnswerTests
{
    private static readonly MediaAddress Rtp = MediaAddress.From(System.Net.IPAddress.Loopback, 40000);
    private static readonly SdpOrigin Origin = SdpOrigin.Of(7, 1, Rtp);

    [Fact]
    [Trait("RFC", "4568 §5.1.2")]
    public void An_answer_has_the_accepted_tag_and_suite_our_key_and_every_other_stream_refused()
    {
        using var offer = Session(
            "m=video 4100 RTP/SAVP 31", "m=audio 4000 RTP/SAVP 0 8 101", "a=rtpmap:101 telephone-event/8000", "a=sendonly", "a=rtcp-mux", Crypto32, "m=audio 4200 RTP/SAVP 0", Crypto80);
        using var media = Accepted(OfferAnswer.Examine(offer, Ours));
        using var key = Key(1, profile: SrtpProfile.AesCm128HmacSha1Tag32);
        using var answer = Read(SdpWriter.ToBytes(OfferAnswer.Answer(media, new LocalMedia(Origin, Rtp, Rtp, [key]))));
        Assert.Equal([0, 40000, 0], answer.Media.Select(m => m.Line.Port));
        Assert.Equal(["video", "audio", "audio"], answer.Media.Select(m => m.Line.Kind));
        var audio = answer.Media[1];
        Assert.Equal<string>(["0", "101"], audio.Line.Formats);
        Assert.Equal((SdpDirection.ReceiveOnly, true), (audio.Direction!.Value, audio.RtcpMux));
        var crypto = Assert.Single(audio.Crypto);
        Assert.Equal((2u, SrtpProfile.AesCm128HmacSha1Tag32), (crypto.Tag, crypto.Profile));
        Assert.True(crypto.Repeats(key));
    }

    [Fact]
    [Trait("RFC", "4568 §6.1")]
    public void An_MKI_of_ours_needs_one_in_the_offer()
    {
        using var without = Session("m=audio 4000 RTP/SAVP 0", Crypto80);
        using var with = Session("m=audio 4000 RTP/SAVP 0", Crypto("AES_CM_128_HMAC_SHA1_80", "|2^31|1:2"));
        using var key = Key(1, new Mki(3, 4));
        var ours = new LocalMedia(Origin, Rtp, Rtp, [key]);
        using var plain = Accepted(OfferAnswer.Examine(without, Ours));
        Assert.Throws<InvalidOperationException>(() => OfferAnswer.Answer(plain, ours));
        using var capable = Accepted(OfferAnswer.Examine(with, Ours));
        using var answer = OfferAnswer.Answer(capable, ours);
        Assert.Equal(new Mki(3, 4), answer.Media[0].Crypto[0].Keys[0].Mki);
    }

    [Fact]
    [Trait("RFC", "4568 §7.1.2")]
    public void An_answer_of_ours_never_repeats_the_offer_s_key()
    {
        using var offer = Session("m=audio 4000 RTP/SAVP 0", Crypto80);
        using var media = Accepted(OfferAnswer.Examine(offer, Ours));
        Assert.Throws<InvalidOperationException>(() => OfferAnswer.Answer(media, new LocalMedia(Origin, Rtp, Rtp, [offer.Media[0].Crypto[0].Keys[0]])));
    }

    [Fact]
    [Trait("RFC", "4568 §7.1.3")]
    public void Our_offer_and_a_good_answer_settle_the_stream()
    {
        using var offer = Offer();
        using var answer = Answer("m=audio 4000 RTP/SAVP 8 0", Crypto("AES_CM_128_HMAC_SHA1_32", tag: 2));
        using var media = Accepted(OfferAnswer.ExamineAnswer(offer, answer, Ours));
        Assert.Equal((2u, AudioCodec.Pcma, (byte)8), (media.CryptoTag, media.Codec, media.PayloadType));
        Assert.Equal(MediaDirection.SendReceive, media.Direction);
    }

    [Theory]
    [InlineData("tag and suite", "m=audio 4000 RTP/SAVP 0", "crypto80:2")]
    [InlineData("tag and suite", "m=audio 4000 RTP/SAVP 0", "crypto80:3")]
    [InlineData("exactly one", "m=audio 4000 RTP/SAVP 0")]
    [InlineData("exactly one", "m=audio 4000 RTP/SAVP 0", "crypto80:1", "crypto32:2")]
    [InlineData("switches protection off", "m=audio 4000 RTP/SAVP 0", "crypto80:1 UNENCRYPTED_SRTP")]
    [InlineData("lifetime", "m=audio 4000 RTP/SAVP 0", "crypto80:1|0")]
    [InlineData("key-mgmt", "m=audio 4000 RTP/SAVP 0", "crypto80:1", "a=key-mgmt:mikey AAAA")]
    [InlineData("rejected", "m=audio 0 RTP/SAVP 0")]
    [InlineData("transport", "m=audio 4000 RTP/AVP 0")]
    [InlineData("codec", "m=audio 4000 RTP/SAVP 9", "crypto80:1")]
    [InlineData("number of m= lines", "m=audio 4000 RTP/SAVP 0", "crypto80:1", "m=video 0 RTP/AVP 31")]
    [Trait("RFC", "4568 §5.1.3")]
    public void An_answer_that_does_not_fit_the_offer_is_none(string reason, params string[] lines)
    {
        using var offer = Offer();
        using var answer = Answer([.. lines.Select(Line)]);
        Assert.Contains(reason, Refused(OfferAnswer.ExamineAnswer(offer, answer, Ours)).Text, StringComparison.Ordinal);

        // "crypto80:TAG tail" stands for a key line of the vector file.
        static string Line(string line)
        {
            if (!line.StartsWith("crypto", StringComparison.Ordinal)) return line;
            return Crypto($"AES_CM_128_HMAC_SHA1_{line[6..8]}", line[10..], uint.Parse(line[9..10], null));
        }
    }

    [Fact]
    [Trait("RFC", "4568 §7.1.2")]
    public void An_answer_that_repeats_a_key_of_the_offer_is_none()
    {
        using var offer = Offer();
        var echoed = offer with { Media = [offer.Media[0] with { Crypto = [offer.Media[0].Crypto[0]] }] };
        Assert.Contains("repeats", Refused(OfferAnswer.ExamineAnswer(offer, echoed, Ours)).Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a=sendrecv", false, true)]
    [InlineData("a=sendonly", false, true)]
    [InlineData("a=inactive", false, false)]
    [Trait("RFC", "3264 §6.1")]
    public void An_answer_cannot_give_more_than_the_offer_asked(string line, bool send, bool receive)
    {
        using var offer = Offer(direction: MediaDirection.ReceiveOnly);
        using var answer = Answer("m=audio 4000 RTP/SAVP 0", line, Crypto80);
        using var media = Accepted(OfferAnswer.ExamineAnswer(offer, answer, Ours));
        Assert.Equal(new MediaDirection(send, receive), media.Direction);
    }

    [Fact]
    [Trait("RFC", "3264 §8")]
    public void A_later_offer_keeps_the_number_order_and_transport_of_the_streams()
    {
        ImmutableArray<MediaLine> lines = [new("video", 0, "RTP/AVP", ["31"]), new("audio", 4000, "RTP/SAVPF", ["8"])];
        using var key = Key(1);
        using var offer = OfferAnswer.CreateOffer(new OfferPlan(Origin, Rtp, Rtp, [new OfferedCrypto(1, [key])]) { Lines = lines, Index = 1 });
        Assert.Equal(["video 0 RTP/AVP", "audio 40000 RTP/SAVPF"], offer.Lines.Select(l => $"{l.Kind} {l.Port} {l.Protocol}"));
    }

    [Fact]
    [Trait("RFC", "3264 §8")]
    public void The_version_grows_when_anything_changed_the_key_included_and_only_then()
    {
        using var first = Offer();
        using var same = Offer();
        using var otherKey = Offer(fill: 50);
        Assert.Equal(first.Origin, OfferAnswer.Numbered(first, same).Origin);
        Assert.Equal(first.Origin.Next, OfferAnswer.Numbered(first, otherKey).Origin);
        Assert.Equal(first.Origin.Next, OfferAnswer.Numbered(first, Offer(direction: MediaDirection.SendOnly)).Origin);
    }

    [Fact]
    [Trait("RFC", "3264 §8")]
    public void An_origin_says_whether_anything_changed()
    {
        Assert.Equal(OriginChange.Unchanged, OfferAnswer.Compare(Origin, Origin with { }));
        Assert.Equal(OriginChange.Changed, OfferAnswer.Compare(Origin, Origin.Next));
        Assert.Equal(OriginChange.Violation, OfferAnswer.Compare(Origin.Next, Origin));
        Assert.Equal(OriginChange.Violation, OfferAnswer.Compare(Origin, Origin.Next with { SessionId = "8" }));
    }

    private static SessionDescription Answer(params string[] media) => Session(media);

    private static SessionDescription Offer(byte fill = 100, MediaDirection? direction = null)
    {
        using var first = Key(fill);
        using var second = Key((byte)(fill + 1), profile: SrtpProfile.AesCm128HmacSha1Tag32);
        var plan = new OfferPlan(Origin, Rtp, Rtp, [new OfferedCrypto(1, [first]), new OfferedCrypto(2, [second])]);
        return OfferAnswer.CreateOffer(plan with { Direction = direction ?? MediaDirection.SendReceive });
    }
}
