using System.Net;
using ConfCluster.Protocols.Sip.Authentication;
using ConfCluster.Protocols.Sip.Messages;
using Xunit;

namespace ConfCluster.Protocols.Tests.Sip.Authentication;

public sealed class DomainIdentityTests
{
    [Theory]
    [Trait("RFC", "5922 §7.1")]
    [InlineData("sip:example.com", "example.com")]
    [InlineData("SIP:example.com;transport=tls", "example.com")]
    [InlineData("sip:alice@example.com", "other.example.com")]
    [InlineData("sips:example.com", "other.example.com")]
    [InlineData("https://example.com", "other.example.com")]
    [InlineData("not a URI", "other.example.com")]
    public void A_sip_URI_without_a_user_is_a_domain_and_hides_the_DNS_names(string uri, string domain) =>
        Assert.Equal([domain], DomainIdentity.Of([uri], ["other.example.com"]).ToArray());

    [Theory]
    [Trait("RFC", "5922 §7.2")]
    [InlineData("conf.example.com", "conf.example.com", true)]
    [InlineData("Conf.Example.COM", "conf.example.com", true)]
    [InlineData("conf.example.com.", "conf.example.com", true)]
    [InlineData("foo.example.com", "example.com", false)]
    [InlineData("example.com", "foo.example.com", false)]
    [InlineData("*.example.com", "foo.example.com", false)]
    [InlineData(".example.com", "foo.example.com", false)]
    [InlineData("xn--bcher-kva.example", "bücher.example", true)]
    [InlineData("example.com", "", false)]
    public void Names_are_compared_whole_and_without_case(string inCertificate, string host, bool same) =>
        Assert.Equal(same, DomainIdentity.Authenticates(Dns(inCertificate), host));

    [Theory]
    [Trait("RFC", "5922 §7.3")]
    [InlineData("192.0.2.1", true)]
    [InlineData("192.0.2.2", false)]
    [InlineData("[2001:db8::1]", true)]
    [InlineData("2001:0db8::0001", true)]
    public void A_numeric_host_needs_its_address_in_the_certificate(string host, bool same)
    {
        var names = new CertificateNames([], [host], [IPAddress.Parse("192.0.2.1"), IPAddress.Parse("2001:db8::1")]);
        Assert.Equal(same, DomainIdentity.Authenticates(names, host));
    }

    [Fact]
    public void A_certificate_without_names_stands_for_nobody() => Assert.False(DomainIdentity.Authenticates(CertificateNames.None, "example.com"));

    [Theory]
    [Trait("RFC", "3261 §8.1.2")]
    [InlineData("", "target.example.com")]
    [InlineData("<sip:proxy.example.com;lr>", "proxy.example.com")]
    [InlineData("<sip:strict.example.com>", "target.example.com")]
    public void The_next_hop_of_a_request_is_its_loose_route_or_its_target(string route, string name)
    {
        var headers = route.Length > 0 ? SipHeaders.Empty.Append("Route", route) : SipHeaders.Empty;
        var request = new SipRequest(SipMethod.Invite, SipUri.Sip("room", "target.example.com")) { Headers = headers };
        Assert.Equal(name, DomainIdentity.OfNextHop(request));
    }

    [Fact]
    [Trait("RFC", "3261 §18.2.2")]
    public void The_next_hop_of_a_response_is_who_stands_in_its_Via()
    {
        var headers = SipHeaders.Empty.Append("Via", "SIP/2.0/TLS phone.example.com:5071;branch=z9hG4bKa");
        Assert.Equal("phone.example.com", DomainIdentity.OfNextHop(new SipResponse(200, "OK") { Headers = headers }));
    }

    private static CertificateNames Dns(string name) => new([], [name], []);
}
