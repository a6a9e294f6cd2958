using System.Text;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Parsing;
using ConfCluster.Support;
using Xunit;

namespace ConfCluster.Protocols.Tests.Sip.Torture;

/// <summary>What the reader makes of the messages that it lets through.</summary>
public sealed class TortureReadingVectors
{
    public static TheoryData<string> LetThrough() => TortureManifest.Files(r => r.IsRead);

    private static byte[] Message(string name) => TortureManifest.Of(name).Bytes;

    private static SipMessage Read(string name) => TortureManifest.Of(name).Read();

    [Theory]
    [MemberData(nameof(LetThrough))]
    public void Every_typed_header_of_a_message_that_was_let_through_can_be_read(string name)
    {
        var read = Read(name).Headers;
        var again = new SipHeaders(read.Fields);
        Assert.Equal<Via>(again.Vias, read.Vias);
        Assert.Equal(again.From, read.From);
        Assert.Equal(again.To, read.To);
        Assert.Equal(again.CSeq, read.CSeq);
        Assert.Equal<NameAddr>(again.Contacts, read.Contacts);
        Assert.Equal<NameAddr>(again.Routes, read.Routes);
        Assert.Equal<NameAddr>(again.RecordRoutes, read.RecordRoutes);
        Assert.NotEmpty(read.CallId);
        Assert.InRange(read.MaxForwards ?? 70, 0, 255);
        Assert.True(read.ContentType is null || read.ContentType.Contains('/', StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(LetThrough))]
    public void What_was_let_through_is_the_same_after_it_was_written_and_read_again(string name)
    {
        var first = SipWriter.ToBytes(Read(name));
        Assert.True(SipReader.TryRead(first, out var again, out var error), error.Detail);
        Assert.Equal(first, SipWriter.ToBytes(again!));
        Assert.Equal(Parts(Read(name)), Parts(again!));
    }

    [Theory]
    [MemberData(nameof(LetThrough))]
    public void No_prefix_of_a_message_without_its_empty_line_is_read(string name)
    {
        var whole = Message(name);
        var head = whole.AsSpan().IndexOf("\r\n\r\n"u8) + 4;
        foreach (var cut in Fragments.CutAtEveryLength(whole[..head]))
            Assert.False(SipReader.TryRead(cut, out _, out _));
    }

    private static string Parts(SipMessage message) =>
        $"{message} {string.Join('\n', message.Headers.Fields)} {message.Headers.From} {Convert.ToHexString(message.Body.Span)}";

    [Theory]
    [InlineData("sip:a@[2001:db8:::192.0.2.1]", "[2001:db8::192.0.2.1]")]
    [InlineData("sip:a@[:::192.0.2.1]:5070", "[::192.0.2.1]")]
    [InlineData("sip:a@[2001:db8:::1]", null)]
    [InlineData("sip:a@[2001:::db8:::192.0.2.1]", null)]
    [InlineData("sip:a@2001:db8:::192.0.2.1", null)]
    [InlineData("sip:a@[2001:db8::::192.0.2.1]", null)]
    [InlineData("sip:a@[2001:db8:::192.0.2.256]", null)]
    [Trait("RFC", "5118 §4.10")]
    public void A_third_colon_is_taken_off_before_an_IPv4_part_and_nowhere_else(string text, string? host)
    {
        Assert.Equal(host is not null, SipReader.TryReadUri(text, out var uri));
        Assert.Equal(host, uri?.Host);
    }

    [Fact]
    [Trait("RFC", "4475 §3.1.1.1")]
    public void Folding_and_space_around_separators_change_nothing()
    {
        var request = Assert.IsType<SipRequest>(Read("wsinv"));
        Assert.Equal("J Rosenberg \\\"", request.Headers.From.DisplayName);
        Assert.Equal("98asjd8", request.Headers.From.Tag);
        Assert.Equal("1918181833n", request.Headers.To.Tag);
        Assert.Equal(new CSeq(9, SipMethod.Invite), request.Headers.CSeq);
        Assert.Equal(68, request.Headers.MaxForwards);
        Assert.Equal(["192.0.2.2", "spindle.example.com", "192.168.255.111"], request.Headers.Vias.Select(v => v.Host));
        Assert.Equal("TCP", request.Headers.Vias[1].Transport);
        Assert.Equal("z9hG4bK30239", request.Headers.Vias[2].Branch);
        Assert.Equal(";;,,;;,;", request.Headers.First("UnknownHeaderWithUnusualValue"));
        Assert.Equal("newfangled value continued newfangled value", request.Headers.First("NewFangledHeader"));
        Assert.Equal("", request.Headers.First("Subject"));
        var contact = Assert.Single(request.Headers.Contacts);
        Assert.Equal("Quoted string \"\"", contact.DisplayName);
        Assert.Equal("newvalue", contact.Parameters["newparam"]);
        Assert.True(contact.Parameters.Has("secondparam"));
        Assert.True(Assert.Single(request.Headers.Routes).Uri.IsLooseRouter);
        Assert.Equal(150, request.Body.Length);
    }

    [Fact]
    [Trait("RFC", "4475 §3.1.1.2")]
    public void Unusual_but_legal_characters_are_kept()
    {
        var request = Assert.IsType<SipRequest>(Read("intmeth"));
        Assert.Equal("!interesting-Method0123456789_*+`.%indeed'~", request.Method.Name);
        Assert.Equal("1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*", request.RequestUri.User);
        Assert.Equal("&it+has=1,weird!*pas$wo~d_too.(doesn't-it)", request.RequestUri.Password);
        Assert.Equal("BEL:\a NUL:\0 DEL:\x7f", request.Headers.To.DisplayName);
        Assert.Equal("token1~` token2'+_ token3*%!.-", request.Headers.From.DisplayName);
        Assert.Equal(Encoding.UTF8.GetString(Convert.FromHexString("D180D0B0D0B1D0BED182D0B0D18ED189D0B8D0B9")),
            request.Headers.From.Parameters["fromParam''~+*_!.-%"]);
    }

    [Fact]
    [Trait("RFC", "4475 §3.1.1.3")]
    public void Escapes_are_taken_off_once_and_only_in_URIs()
    {
        var request = Assert.IsType<SipRequest>(Read("esc01"));
        Assert.Equal("sips:user@example.com", request.RequestUri.User);
        Assert.Equal("user", request.Headers.To.Uri.User);
        Assert.Equal("I have spaces", request.Headers.From.Uri.User);
        var contact = Assert.Single(request.Headers.Contacts).Uri;
        Assert.True(contact.IsLooseRouter);
        Assert.Equal("value%41", contact.Parameters["name"]);

        Assert.Equal("\0", Read("escnull").Headers.Contacts[0].Uri.User);
        Assert.Equal("\0\0", Read("escnull").Headers.Contacts[1].Uri.User);
        Assert.Equal("RE%47IST%45R", Assert.IsType<SipRequest>(Read("esc02")).Method.Name);
        Assert.Equal("%Z%45", Read("esc02").Headers.To.DisplayName);
        Assert.Equal(2, Read("esc02").Headers.Contacts.Length);
    }

    [Fact]
    public void Other_details_that_the_RFC_points_out()
    {
        Assert.Equal("caller", Read("lwsdisp").Headers.From.DisplayName);
        Assert.Equal(34, Read("longreq").Headers.Vias.Length);
        Assert.Equal(0, Read("dblreq").Body.Length);
        Assert.Equal("user;par=u@example.net", Assert.IsType<SipRequest>(Read("semiuri")).RequestUri.User);
        Assert.Equal(["UDP", "SCTP", "TLS", "UNKNOWN", "TCP"], Read("transports").Headers.Vias.Select(v => v.Transport));
        Assert.Equal(553, Read("mpart01").Body.Length);
        Assert.Equal("", Assert.IsType<SipResponse>(Read("noreason")).Reason);
        Assert.StartsWith("= 2**3 * 5**2 ", Assert.IsType<SipResponse>(Read("unreason")).Reason, StringComparison.Ordinal);
        Assert.Equal("totallyopaquecontent", Assert.IsType<SipRequest>(Read("unkscm")).RequestUri.Opaque);
        Assert.True(Assert.Single(Read("cparam01").Headers.Contacts).Parameters.Has("unknownparam"));
        Assert.True(Assert.Single(Read("cparam02").Headers.Contacts).Uri.Parameters.Has("unknownparam"));
        Assert.Equal("<sip:sip.example.com>", Assert.Single(Assert.Single(Read("regescrt").Headers.Contacts).Uri.Headers).Value);
        Assert.False(Read("inv2543").Body.IsEmpty);
    }
}
