using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Parsing;
using ConfCluster.Support;
using Xunit;

namespace ConfCluster.Protocols.Tests.Sip.Messages;

public sealed class SipUriVectors
{
    public static TheoryData<string> Pairs() => [.. VectorFile.Lines("sip/uri-comparison.txt")];

    [Theory]
    [MemberData(nameof(Pairs))]
    [Trait("RFC", "3261 §19.1.4")]
    public void URIs_are_equivalent_exactly_where_the_RFC_says_so(string line)
    {
        var words = line.TrimStart('!').Split(' ', StringSplitOptions.RemoveEmptyEntries);
        Assert.True(SipReader.TryReadUri(words[0], out var a));
        Assert.True(SipReader.TryReadUri(words[1], out var b));
        Assert.Equal(!line.StartsWith('!'), a!.IsEquivalentTo(b!));
        Assert.Equal(!line.StartsWith('!'), b!.IsEquivalentTo(a));
    }

    [Theory]
    [InlineData("sip:alice")]
    [InlineData("sip:[2001:db8::1]:5060;lr")]
    [InlineData("sips:a%20b:p%3Aw@example.com:5061;x=%25?Subject=hi%26ho")]
    [InlineData("tel:+1-201-555-0123;phone-context=example.com")]
    public void A_URI_is_written_as_it_was_read(string text)
    {
        Assert.True(SipReader.TryReadUri(text, out var uri));
        Assert.True(SipReader.TryReadUri(uri!.ToString(), out var again));
        Assert.Equal(uri, again);
    }

    [Theory]
    [InlineData("")]
    [InlineData("alice@example.com")]
    [InlineData("sip:")]
    [InlineData("sip:@example.com")]
    [InlineData("sip:a@b@example.com")]
    [InlineData("sip:a b@example.com")]
    [InlineData("sip:a%4@example.com")]
    [InlineData("sip:a%zz@example.com")]
    [InlineData("sip:a%FF@example.com")]
    [InlineData("sip:a@256.1.1.1")]
    [InlineData("sip:a@[::1")]
    [InlineData("sip:a@[fe80::1%eth0]")]
    [InlineData("sip:a@example..com")]
    [InlineData("sip:a@example.com:")]
    [InlineData("sip:a@example.com:65536")]
    [InlineData("sip:a@example.com;")]
    [InlineData("sip:a@example.com;x=1;X=2")]
    [InlineData("sip:a@example.com?x")]
    [InlineData("sip:é@example.com")]
    [InlineData("tel:")]
    [InlineData("http://a b")]
    [Trait("RFC", "3261 §19.1.1")]
    public void What_is_no_URI_is_refused(string text) => Assert.False(SipReader.TryReadUri(text, out _));

    [Fact]
    public void Equal_parts_make_equal_URIs() =>
        Assert.Equal(
            new SipUri("sip", "a", null, "h", null, SipParameters.Empty, [new("x", "y")]),
            new SipUri("sip", "a", null, "h", null, SipParameters.Empty, [new("x", "y")]));
}
