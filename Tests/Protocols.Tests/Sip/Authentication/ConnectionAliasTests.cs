using ConfCluster.Protocols.Sip.Authentication;
using ConfCluster.Protocols.Sip.Messages;
using Xunit;

namespace ConfCluster.Protocols.Tests.Sip.Authentication;

public sealed class ConnectionAliasTests
{
    private static readonly TlsPeer Proxy = new(["sip:example.com"], [], "CN=proxy");
    private static readonly SipFlow Tls = SipTexts.Tcp with { Transport = SipTransport.Tls };

    [Theory]
    [Trait("RFC", "5923 §8.2")]
    [InlineData("SIP/2.0/TLS proxy.example.com:5071;alias;branch=z9hG4bKa", "192.0.2.7:5071")]
    [InlineData("SIP/2.0/TLS 203.0.113.9;alias;branch=z9hG4bKa", "192.0.2.7:5061")]
    [InlineData("SIP/2.0/TLS proxy.example.com:5071;branch=z9hG4bKa", null)]
    public void An_alias_stands_for_the_source_address_at_the_port_of_sent_by(string via, string? alias) =>
        Assert.Equal(alias, ConnectionAlias.Of(Request(via), Tls, Proxy)?.ToString());

    [Fact]
    [Trait("RFC", "5923 §9.2")]
    public void Who_proved_nothing_gets_no_alias() => Assert.Null(ConnectionAlias.Of(Request("SIP/2.0/TLS a;alias;branch=z9hG4bKa"), Tls, null));

    [Fact]
    [Trait("RFC", "5923 §9.3")]
    public void There_is_no_alias_over_TCP() => Assert.Null(ConnectionAlias.Of(Request("SIP/2.0/TCP a;alias;branch=z9hG4bKa"), SipTexts.Tcp, Proxy));

    [Theory]
    [Trait("RFC", "5923 §8.1")]
    [InlineData("example.com", "", false, true)]
    [InlineData("example.com", "", true, true)]
    [InlineData("example.org", "", true, false)]
    [InlineData("192.0.2.7", "", true, false)]
    [InlineData("192.0.2.7", ";tag=1", true, true)]
    [InlineData("192.0.2.7", ";tag=1", false, false)]
    [InlineData("example.org", ";tag=1", true, false)]
    public void A_connection_carries_what_is_for_a_proven_name_and_its_own_dialogs(string host, string tag, bool isOurs, bool carries)
    {
        var request = new SipRequest(SipMethod.Bye, SipUri.Sip("a", host)) { Headers = SipHeaders.Empty.Append("To", $"<sip:a@{host}>{tag}") };
        Assert.Equal(carries, ConnectionAlias.MayCarry(request, new CertificateNames(["sip:example.com"], [], []), isOurs));
        Assert.False(ConnectionAlias.MayCarry(request, null, isOurs));
    }

    private static SipRequest Request(string via) =>
        new(SipMethod.Options, SipUri.Sip(null, "example.org")) { Headers = SipHeaders.Empty.Append("Via", via) };
}
