using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.Sip.Parsing;
using Xunit;

namespace ConfCluster.Protocols.Tests.Focus;

public sealed class OutboundPolicyTests
{
    [Theory]
    [InlineData("*@127.0.0.1", "sip:alice@127.0.0.1:5080;transport=tcp", true)]
    [InlineData("*@127.0.0.1", "sip:127.0.0.1", true)]
    [InlineData("*@127.0.0.1", "sip:alice@127.0.0.12", false)]
    [InlineData("*@[::1]", "sip:alice@[::1]:5080", true)]
    [InlineData("+49*@telco.example", "sip:+4930123@TELCO.example", true)]
    [InlineData("+49*@telco.example", "sip:+1900555@telco.example", false)]
    [InlineData("*@*.example.com", "sips:a@b.example.com", true)]
    [InlineData("*@*.example.com", "sip:a@example.com.evil.example", false)]
    [InlineData("*@good.example", "sip:x%40good.example@evil.example", false)]
    [InlineData("alice@*", "sip:Alice@a.example", false)]
    [InlineData("a*b*c@x", "sip:aXbbYc@x", true)]
    [InlineData("a*b*c@x", "sip:aXbYcd@x", false)]
    public void Whom_a_pattern_allows(string pattern, string uri, bool allowed) => Assert.Equal(allowed, Policy(pattern).Allows(Uri(uri)));

    [Theory]
    [InlineData("sip:a@127.0.0.1;maddr=192.0.2.1")]
    [InlineData("sip:a@127.0.0.1;method=MESSAGE")]
    [InlineData("sip:a@127.0.0.1?Route=%3Csip:evil.example%3E")]
    [InlineData("sip:a:secret@127.0.0.1")]
    [InlineData("tel:+15550100")]
    public void What_could_lead_a_call_elsewhere_is_never_allowed(string uri) => Assert.False(Policy("*@*").Allows(Uri(uri)));

    [Fact]
    public void Without_a_pattern_nobody_is_called() => Assert.False(OutboundPolicy.Nobody.Allows(Uri("sip:a@127.0.0.1")));

    [Theory]
    [InlineData("alice")]
    [InlineData("@host")]
    [InlineData("user@")]
    [InlineData("a b@host")]
    [InlineData("")]
    public void What_is_no_pattern_is_refused(string text) => Assert.False(CalleePattern.TryRead(text, out _));

    private static OutboundPolicy Policy(string pattern)
    {
        Assert.True(CalleePattern.TryRead(pattern, out var read));
        return new OutboundPolicy { Allow = [read!] };
    }

    private static Protocols.Sip.Messages.SipUri Uri(string text)
    {
        Assert.True(SipReader.TryReadUri(text, out var uri));
        return uri!;
    }
}
