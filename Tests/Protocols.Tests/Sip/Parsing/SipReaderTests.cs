using System.Text;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Parsing;
using ConfCluster.Support;
using Xunit;

namespace ConfCluster.Protocols.Tests.Sip.Parsing;

public sealed class SipReaderTests
{
    private const string Head =
        "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: x@y\r\nCSeq: 1 OPTIONS\r\n";

    private static byte[] Options(string more = "", string body = "", string head = Head) =>
        Encoding.UTF8.GetBytes($"OPTIONS sip:c@d SIP/2.0\r\n{head}{more}\r\n{body}");

    private static SipMessage Read(byte[] bytes)
    {
        Assert.True(SipReader.TryRead(bytes, out var message, out var error), error.Detail);
        return message!;
    }

    private static SipError Refused(byte[] bytes)
    {
        Assert.False(SipReader.TryRead(bytes, out _, out var error));
        return error;
    }

    [Theory]
    [InlineData("Via: SIP/2.0/UDP a;branch=*:\r\n", "Via")]
    [InlineData("Via: SIP/2.0/UDP a;b=1;B=2\r\n", "Via")]
    [InlineData("Via: SIP/2.0/UDP [::1\r\n", "Via")]
    [InlineData("Contact: *, <sip:a@b>\r\n", "Contact")]
    [InlineData("Contact: <sip:a@b>\r\nm: *\r\n", "Contact")]
    [InlineData("Contact: \"a\\\u00e9\" <sip:a@b>\r\n", "Contact")]
    [InlineData("Route: sip:a@b;lr\r\n", "Route")]
    [InlineData("Record-Route: <sip:a@b>,\r\n", "Record-Route")]
    [InlineData("Max-Forwards: -1\r\n", "Max-Forwards")]
    [InlineData("Max-Forwards: 256\r\n", "Max-Forwards")]
    [InlineData("Content-Type: application\r\n", "Content-Type")]
    [InlineData("Require: a,,b\r\n", "Require")]
    [InlineData("Require:\r\n", "Require")]
    [InlineData("k: a b\r\n", "Supported")]
    [InlineData("Content-Length: five\r\n", "Content-Length")]
    [InlineData("t: <sip:other@d>\r\n", "To")]
    [InlineData("no colon\r\n", "Header field")]
    [InlineData("X-Own: a\nb\r\n", "Bare CR or LF")]
    [Trait("RFC", "3261 §7.3.1")]
    public void A_malformed_field_is_refused_by_name_and_can_be_answered(string field, string named)
    {
        Assert.False(SipReader.TryRead(Options(field), out var message, out var error));
        Assert.StartsWith(named, error.Detail, StringComparison.Ordinal);
        var response = Assert.IsType<SipRequest>(message).CreateResponse(400, error.Detail, "tag");
        Assert.Equal("<sip:c@d>;tag=tag", response.Headers.First("To"));
        Assert.NotEmpty(SipWriter.ToBytes(response));
    }

    [Theory]
    [InlineData("Via")]
    [InlineData("From")]
    [InlineData("To")]
    [InlineData("Call-ID")]
    [InlineData("CSeq")]
    [Trait("RFC", "3261 §8.1.1")]
    public void A_message_without_a_mandatory_field_is_refused_by_name(string name)
    {
        var head = string.Concat(Head.Split("\r\n").Where(l => l.Length > 0 && !l.StartsWith(name + ":", StringComparison.Ordinal)).Select(l => l + "\r\n"));
        var error = Refused(Options(head: head));
        Assert.Equal(new SipError(SipErrorKind.MissingHeader, $"{name} missing (RFC 3261 §8.1.1)"), error);
    }

    [Theory]
    [InlineData("2147483647", true)]
    [InlineData("2147483648", false)]
    [InlineData("00000000000000000001", true)]
    [Trait("RFC", "3261 §8.1.1.5")]
    public void CSeq_is_below_2_to_the_31(string number, bool read) =>
        Assert.Equal(read, SipReader.TryRead(Options(head: Head.Replace("CSeq: 1", $"CSeq: {number}", StringComparison.Ordinal)), out _, out _));

    [Theory]
    [InlineData("", 5)]
    [InlineData("l: 3\r\n", 3)]
    [InlineData("Content-Length :\r\n 0\r\n", 0)]
    [Trait("RFC", "3261 §18.3")]
    public void The_body_of_a_datagram_is_as_long_as_Content_Length_or_the_rest(string field, int length) =>
        Assert.Equal(length, Read(Options(field, "12345")).Body.Length);

    [Fact]
    [Trait("RFC", "3261 §18.3")]
    public void A_body_that_is_cut_is_refused() =>
        Assert.Equal(SipErrorKind.BodyTruncated, Refused(Options("Content-Length: 6\r\n", "12345")).Kind);

    [Fact]
    public void Every_form_of_name_has_one_spelling()
    {
        var message = Read(Encoding.UTF8.GetBytes(
            "sip/2.0 200 OK\r\nv: SIP/2.0/UDP [2001:db8::9]:5061;received=2001:db8::1\r\nF:sip:a@b;tag=\"q\\\"\"\r\nt : \"Jos\u00e9\" <sip:c@d>\r\n" +
            "I: x\r\ncSEQ: 1 OPTIONS\r\nk: timer , 100rel\r\nK: gruu\r\nx: 90\r\nX-Own: 1\r\n\r\n"));
        Assert.Equal(["Via", "From", "To", "Call-ID", "CSeq", "Supported", "Supported", "Session-Expires", "X-Own"],
            message.Headers.Fields.Select(f => f.Name));
        Assert.Equal(new Via("UDP", "[2001:db8::9]", 5061, SipParameters.Empty.With("received", "2001:db8::1")), message.Headers.TopVia);
        Assert.Equal("q\"", message.Headers.From.Tag);
        Assert.Equal("Jos\u00e9", message.Headers.To.DisplayName);
        Assert.Equal<string>(["timer", "100rel", "gruu"], message.Headers.List("Supported"));
    }

    [Fact]
    public void Limits_hold()
    {
        Assert.Equal(SipErrorKind.TooManyHeaders, Refused(Options(string.Concat(Enumerable.Repeat("X-Own: 1\r\n", SipLimits.HeaderFields)))).Kind);
        Assert.Equal(SipErrorKind.TooLong, Refused(Options($"X-Own: {new string('x', SipLimits.LineBytes)}\r\n")).Kind);
        Assert.Equal(SipErrorKind.TooLong, Refused(Options(body: new string('x', SipLimits.MessageBytes))).Kind);
        Assert.Equal(SipErrorKind.BadHeader, Refused(Options($"m: <sip:a@b>{string.Concat(Enumerable.Range(0, 65).Select(i => $";p{i}"))}\r\n")).Kind);
    }

    [Theory]
    [InlineData("")]
    [InlineData("\r\n\r\n")]
    [InlineData("\0\x01\0\0")]
    [InlineData("GET / HTTP/1.1\r\n\r\n")]
    [InlineData("hello\r\n\r\n")]
    public void What_is_not_SIP_gets_no_answer(string text)
    {
        Assert.False(SipReader.TryRead(Encoding.Latin1.GetBytes(text), out var message, out var error));
        Assert.Equal(SipErrorKind.NotSip, error.Kind);
        Assert.Null(message);
    }

    [Fact]
    public void Bytes_that_are_no_UTF8_are_refused_with_an_answer()
    {
        var bytes = Options("Subject: \u00e9\r\n");
        bytes[bytes.AsSpan().IndexOf((byte)0xC3)] = 0xFF;
        Assert.False(SipReader.TryRead(bytes, out var message, out var error));
        Assert.Equal(SipErrorKind.BadHeader, error.Kind);
        Assert.NotNull(message);
    }

    [Fact]
    public void A_message_inside_a_larger_buffer_is_the_same_and_one_that_is_cut_is_refused()
    {
        var whole = Options("Content-Length: 5\r\n", "12345");
        var inside = Fragments.InsideALargerBuffer(whole);
        Assert.True(SipReader.TryRead(inside.Span, out var message, out _));
        Assert.Equal(SipWriter.ToBytes(Read(whole)), SipWriter.ToBytes(message!));
        foreach (var cut in Fragments.CutAtEveryLength(whole)) Assert.False(SipReader.TryRead(cut, out _, out _));
    }

    [Fact]
    public void Any_byte_may_change_and_the_reader_only_says_yes_or_no()
    {
        foreach (var change in (byte[])[0x01, 0x80, 0xFF])
            foreach (var bytes in Fragments.WithEveryByteChanged(Options("m: \"a\" <sip:a@[::1]:1;lr>;q=0.5\r\n"), b => (byte)(b ^ change)))
                if (!SipReader.TryRead(bytes, out _, out var error))
                    Assert.NotEqual(SipErrorKind.None, error.Kind);
    }
}
