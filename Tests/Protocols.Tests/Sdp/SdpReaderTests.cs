using System.Text;
using ConfCluster.Protocols.Sdp;
using ConfCluster.Support;
using Xunit;

namespace ConfCluster.Protocols.Tests.Sdp;

public class SdpReaderTests
{
    [Fact]
    [Trait("RFC", "4568 §7.1.5")]
    public void The_example_of_SDES_is_read()
    {
        using var offer = SdpTexts.Read(SdpTexts.Vector("rfc4568-offer"));
        Assert.Equal(new SdpOrigin("sam", "2890844526", 2890842807, "IP4", "10.47.16.5"), offer.Origin);
        Assert.Equal(("SRTP Discussion", "2873397496 2873404696"), (offer.Name, offer.Timing));
        Assert.Equal(new SdpConnection("IP4", "168.2.17.12"), offer.Connection);
        Assert.Equal(["i", "u", "e"], offer.Other.Select(o => o.Type.ToString()));
        var media = Assert.Single(offer.Media);
        Assert.Equal(new MediaLine("audio", 49170, "RTP/SAVP", ["0"]), media.Line);
        Assert.Equal([CryptoError.None, CryptoError.UnsupportedSuite], media.Crypto.Select(c => c.Error));
    }

    [Fact]
    [Trait("RFC", "4566 §5.14")]
    public void The_attributes_of_a_stream_are_read()
    {
        using var session = SdpTexts.Session(
            "m=audio 4000/2 RTP/SAVPF 0 101", "c=IN IP6 2001:db8::1", "a=rtpmap:101 telephone-event/8000", "a=fmtp:101 0-15", "a=ptime:40",
            "a=maxptime:60", "a=rtcp:4005 IN IP6 2001:db8::2", "a=rtcp-mux", "a=recvonly", "a=label:x", "b=AS:64");
        var media = session.Media[0];
        Assert.Equal((4000, "RTP/SAVPF"), (media.Line.Port, media.Line.Protocol));
        Assert.Equal(new RtpMap(101, "telephone-event", 8000), media.MapOf(101));
        Assert.Equal(new FormatParameters("101", "0-15"), Assert.Single(media.FormatParameters));
        Assert.Equal((40, 60, true, SdpDirection.ReceiveOnly), (media.PacketTime!.Value, media.MaxPacketTime!.Value, media.RtcpMux, media.Direction!.Value));
        Assert.Equal(new RtcpAttribute(4005, new SdpConnection("IP6", "2001:db8::2")), media.Rtcp);
        Assert.Equal<SdpLine>([new SdpLine('a', "label:x"), new SdpLine('b', "AS:64")], media.Other);
    }

    [Theory]
    [InlineData(SdpError.WrongOrder, "o=- 1 1 IN IP4 h", "v=0", "s=-", "t=0 0")]
    [InlineData(SdpError.WrongOrder, "v=0", "o=- 1 1 IN IP4 h", "s=-", "t=0 0", "v=0")]
    [InlineData(SdpError.WrongOrder, "v=0", "o=- 1 1 IN IP4 h", "s=-", "t=0 0", "m=audio 1 RTP/AVP 0", "t=0 0")]
    [InlineData(SdpError.BadVersion, "v=1", "o=- 1 1 IN IP4 h", "s=-", "t=0 0")]
    [InlineData(SdpError.BadOrigin, "v=0", "o=- x 1 IN IP4 h", "s=-", "t=0 0")]
    [InlineData(SdpError.BadOrigin, "v=0", "o=- 1 18446744073709551616 IN IP4 h", "s=-", "t=0 0")]
    [InlineData(SdpError.MissingLine, "v=0", "o=- 1 1 IN IP4 h", "s=-")]
    [InlineData(SdpError.MissingLine)]
    [InlineData(SdpError.BadLine, "v=0", "o=- 1 1 IN IP4 h", "s=-", "t=0 0", "hello")]
    [InlineData(SdpError.BadLine, "v=0", "o=- 1 1 IN IP4 h", "s=-", "", "t=0 0")]
    [InlineData(SdpError.BadLine, "v=0", "o=- 1 1 IN IP4 h", "s=-", "t=0\00")]
    [InlineData(SdpError.UnknownType, "v=0", "o=- 1 1 IN IP4 h", "s=-", "t=0 0", "x=1")]
    [InlineData(SdpError.BadConnection, "v=0", "o=- 1 1 IN IP4 h", "s=-", "c=IN IP5 h", "t=0 0")]
    [InlineData(SdpError.BadMedia, "v=0", "o=- 1 1 IN IP4 h", "s=-", "t=0 0", "m=audio 65536 RTP/AVP 0")]
    [InlineData(SdpError.BadMedia, "v=0", "o=- 1 1 IN IP4 h", "s=-", "t=0 0", "m=audio 1 RTP/AVP")]
    [InlineData(SdpError.BadMedia, "v=0", "o=- 1 1 IN IP4 h", "s=-", "t=0 0", "m=audio 1 RTP/\"AVP 0")]
    [InlineData(SdpError.BadAttribute, "v=0", "o=- 1 1 IN IP4 h", "s=-", "t=0 0", "m=audio 1 RTP/AVP 0", "a=rtpmap:128 X/1")]
    [InlineData(SdpError.BadAttribute, "v=0", "o=- 1 1 IN IP4 h", "s=-", "t=0 0", "m=audio 1 RTP/AVP 0", "a=rtcp:0")]
    [Trait("RFC", "4566 §9")]
    public void What_is_no_description_is_refused_with_its_reason(SdpError expected, params string[] lines) =>
        Assert.Equal(expected, SdpTexts.ErrorOf(lines));

    [Fact]
    public void Limits_are_kept()
    {
        string[] head = ["v=0", "o=- 1 1 IN IP4 h", "s=-", "t=0 0"];
        Assert.Equal(SdpError.TooManyMedia, SdpTexts.ErrorOf([.. head, .. Enumerable.Repeat("m=audio 1 RTP/AVP 0", SdpReader.MaxMedia + 1)]));
        Assert.Equal(SdpError.TooManyLines, SdpTexts.ErrorOf([.. head, .. Enumerable.Repeat("a=x", SdpReader.MaxLines)]));
        Assert.Equal(SdpError.TooLong, SdpTexts.ErrorOf([.. head, "a=" + new string('x', SdpReader.MaxLength)]));
    }

    [Theory]
    [InlineData("rfc4568-offer")]
    [InlineData("rfc4568-answer")]
    public void A_description_is_the_same_in_a_larger_buffer_with_bare_line_feeds_and_with_an_empty_last_line(string name)
    {
        var whole = SdpTexts.Vector(name);
        var expected = Written(whole);
        Assert.Equal(expected, Written(Fragments.InsideALargerBuffer(whole).Span));
        Assert.Equal(expected, Written(Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(whole).Replace("\r\n", "\n", StringComparison.Ordinal))));
        Assert.Equal(expected, Written([.. whole, .. "\r\n"u8]));
    }

    [Theory]
    [InlineData("rfc4568-offer")]
    [InlineData("rfc4568-answer")]
    public void A_description_that_is_cut_or_damaged_never_throws(string name)
    {
        var whole = SdpTexts.Vector(name);
        foreach (var cut in Fragments.CutAtEveryLength(whole).Concat(Fragments.WithEveryByteChanged(whole, b => (byte)(b ^ 0x15))))
        {
            var read = SdpReader.TryRead(cut, out var session, out var error);
            Assert.Equal(read, error == SdpError.None);
            Assert.Equal(read, session is not null);
            session?.Dispose();
        }
    }

    [Fact]
    [Trait("RFC", "4568 §8.3")]
    public void No_line_that_may_hold_a_key_becomes_text_wherever_it_stands()
    {
        var inline = SdpTexts.Crypto80[SdpTexts.Crypto80.IndexOf("inline:", StringComparison.Ordinal)..];
        var secret = inline["inline:".Length..];
        using var session = SdpTexts.Session(
            $"i=note {inline}", $"a=crypto:1 X {inline}", $"k=base64:{secret}", $"a=key-mgmt:mikey {secret}", "m=audio 1 RTP/SAVP 0", SdpTexts.Crypto80, $"k=clear:{secret}",
            $"a=Crypto:1 X {inline}", $"a=key-mgmt:mikey {secret}", $"a=x-note {inline}", $"a=crypto:9 SUITE_OF_TOMORROW {inline}", "m=video 0 RTP/AVP 31");
        Assert.Empty(session.Other);
        Assert.Empty(session.Media[0].Other);
        Assert.True(session.Media[0].HasKeyManagement);
        Assert.True(session.HasKeyManagement);
        var printed = string.Concat([session.ToString(), .. session.Media.Select(m => m.ToString()), .. session.Media[0].Crypto.Select(c => $"{c} {c.Suite} {string.Concat(c.Keys)}")]);
        Assert.DoesNotContain(secret, printed, StringComparison.Ordinal);
        Assert.DoesNotContain("AAEC", printed, StringComparison.Ordinal);
    }

    [Fact]
    public void Disposing_a_description_zeroes_its_keys()
    {
        var session = SdpTexts.Session("m=audio 1 RTP/SAVP 0", SdpTexts.Crypto80);
        var key = session.Media[0].Crypto[0].Keys[0];
        session.Dispose();
        Assert.Throws<ObjectDisposedException>(() => key.RevealKey().Length);
    }

    [Fact]
    [Trait("RFC", "4568 §4.1")]
    public void A_tag_that_comes_twice_makes_the_second_line_unusable()
    {
        using var session = SdpTexts.Session("m=audio 1 RTP/SAVP 0", SdpTexts.Crypto80, SdpTexts.Crypto("AES_CM_128_HMAC_SHA1_32"));
        Assert.Equal([CryptoError.None, CryptoError.DuplicateTag], session.Media[0].Crypto.Select(c => c.Error));
    }

    private static string Written(ReadOnlySpan<byte> text)
    {
        Assert.True(SdpReader.TryRead(text, out var session, out _));
        using (session) return Convert.ToBase64String(SdpWriter.ToBytes(session!));
    }
}
