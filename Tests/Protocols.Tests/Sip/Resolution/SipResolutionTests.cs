using System.Collections.Immutable;
using System.Net;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Parsing;
using ConfCluster.Protocols.Sip.Resolution;
using Xunit;

namespace ConfCluster.Protocols.Tests.Sip.Resolution;

/// <summary>The tables of RFC 3263 §4 against a small DNS.</summary>
public sealed class SipResolutionTests
{
    /// <summary>The example of RFC 3263 §4.1, and domains that lack one thing or the other.</summary>
    private static readonly Dictionary<string, DnsRecord[]> Zone = new()
    {
        ["Naptr example.com"] =
        [
            new DnsRecord.Naptr(50, 50, "s", "SIPS+D2T", "_sips._tcp.example.com."),
            new DnsRecord.Naptr(90, 50, "s", "SIP+D2T", "_sip._tcp.example.com."),
            new DnsRecord.Naptr(100, 50, "s", "SIP+D2U", "_sip._udp.example.com."),
        ],
        ["Srv _sip._tcp.example.com"] = [new DnsRecord.Srv(1, 1, 5060, "server2.example.com."), new DnsRecord.Srv(0, 1, 5060, "server1.example.com.")],
        ["Srv _sips._tcp.example.com"] = [new DnsRecord.Srv(0, 1, 5061, "server1.example.com.")],
        ["Srv _sip._udp.example.com"] = [new DnsRecord.Srv(0, 1, 5066, "server1.example.com.")],
        ["A server1.example.com"] = [Ip("192.0.2.1"), Ip("192.0.2.11")],
        ["A server2.example.com"] = [Ip("192.0.2.2")],
        ["A example.com"] = [Ip("192.0.2.9")],
        ["Srv _sip._tcp.srv.example"] = [new DnsRecord.Srv(0, 0, 5070, "server1.example.com")],
        ["A bare.example"] = [Ip("192.0.2.20")],
        ["Aaaa bare.example"] = [Ip("2001:db8::20")],
        ["Naptr other.example"] =
        [
            new DnsRecord.Naptr(1, 1, "s", "SIP+D2S", "_sip._sctp.other.example"), new DnsRecord.Naptr(2, 1, "u", "E2U+sip", ""),
            new DnsRecord.Naptr(3, 1, "s", "SIP+D2U", "_udp.elsewhere.example"),
        ],
        ["Srv _udp.elsewhere.example"] = [new DnsRecord.Srv(0, 0, 5080, "bare.example")],
        ["Srv _sips._tcp.gone.example"] = [new DnsRecord.Srv(0, 0, 0, ".")],
        ["Srv _sip._tcp.gone.example"] = [new DnsRecord.Srv(0, 0, 0, ".")],
        ["Srv _sip._udp.gone.example"] = [new DnsRecord.Srv(0, 0, 0, ".")],
        ["A gone.example"] = [Ip("192.0.2.66")],
    };

    [Theory]
    [Trait("RFC", "3263 §4.1")]
    [InlineData("sip:example.com", "Tls 192.0.2.1:5061, Tls 192.0.2.11:5061")]
    [InlineData("sips:example.com", "Tls 192.0.2.1:5061, Tls 192.0.2.11:5061")]
    [InlineData("sip:example.com;transport=tcp", "Tcp 192.0.2.1:5060, Tcp 192.0.2.11:5060, Tcp 192.0.2.2:5060")]
    [InlineData("sip:example.com;transport=udp", "Udp 192.0.2.1:5066, Udp 192.0.2.11:5066")]
    [InlineData("sips:example.com;transport=tcp", "Tls 192.0.2.1:5061, Tls 192.0.2.11:5061")]
    [InlineData("sip:example.com;transport=tls", "Tls 192.0.2.1:5061, Tls 192.0.2.11:5061")]
    [InlineData("sip:srv.example", "Tcp 192.0.2.1:5070, Tcp 192.0.2.11:5070")]
    [InlineData("sip:other.example", "Udp [2001:db8::20]:5080, Udp 192.0.2.20:5080")]
    [InlineData("sip:bare.example", "Udp [2001:db8::20]:5060, Udp 192.0.2.20:5060")]
    [InlineData("sips:bare.example", "Tls [2001:db8::20]:5061, Tls 192.0.2.20:5061")]
    [InlineData("sip:bare.example;transport=tcp", "Tcp [2001:db8::20]:5060, Tcp 192.0.2.20:5060")]
    public void The_transport_and_the_servers_of_a_domain_are_found(string uri, string expected) => Assert.Equal(expected, Locate(uri));

    [Theory]
    [Trait("RFC", "3263 §4.2")]
    [InlineData("sip:192.0.2.5", "Udp 192.0.2.5:5060")]
    [InlineData("sips:192.0.2.5", "Tls 192.0.2.5:5061")]
    [InlineData("sip:192.0.2.5;transport=tcp", "Tcp 192.0.2.5:5060")]
    [InlineData("sip:192.0.2.5:7000", "Udp 192.0.2.5:7000")]
    [InlineData("sip:[2001:db8::5]:7000;transport=tcp", "Tcp [2001:db8::5]:7000")]
    [InlineData("sip:example.com:7000", "Udp 192.0.2.9:7000")]
    [InlineData("sips:example.com:7000", "Tls 192.0.2.9:7000")]
    [InlineData("sip:nowhere.example;maddr=192.0.2.7", "Udp 192.0.2.7:5060")]
    [InlineData("sip:alice@localhost:5080", "Udp 127.0.0.1:5080, Udp [::1]:5080")]
    public void An_address_or_a_port_in_the_URI_leaves_nothing_to_ask(string uri, string expected)
    {
        var asked = new List<DnsQuestion>();
        Assert.Equal(expected, Locate(uri, asked));
        Assert.DoesNotContain(asked, q => q.Type is DnsType.Naptr or DnsType.Srv);
    }

    [Theory]
    [InlineData("sip:nowhere.example", "no address")]
    [InlineData("sip:gone.example", "says that it has no SIP service")]
    [InlineData("sips:192.0.2.1;transport=udp", "cannot go over UDP")]
    [InlineData("sip:192.0.2.1;transport=sctp", "not known")]
    [InlineData("tel:+15550100", "no SIP URI")]
    public void What_cannot_be_found_says_why(string uri, string reason) => Assert.Contains(reason, Locate(uri), StringComparison.Ordinal);

    [Fact]
    [Trait("RFC", "3263 §4.1")]
    public void A_service_over_a_transport_that_we_lack_is_passed_over() =>
        Assert.Equal("Udp 192.0.2.1:5066, Udp 192.0.2.11:5066", Locate("sip:example.com", SipTransport.Udp));

    [Fact]
    public void A_transport_that_we_lack_is_named()
    {
        Assert.Contains("TLS is not enabled", Locate("sips:192.0.2.1", SipTransport.Udp, SipTransport.Tcp), StringComparison.Ordinal);
        Assert.Contains("no transport of this node will do", Locate("sips:bare.example", SipTransport.Udp), StringComparison.Ordinal);
    }

    [Fact]
    [Trait("RFC", "3261 §26.2.2")]
    public void A_SIPS_request_goes_over_TLS_also_to_a_proxy_named_by_a_SIP_URI()
    {
        var step = SipResolution.Begin(Uri("sip:192.0.2.8;lr"), isSecure: true, Context(All));
        Assert.Equal(SipTransport.Tls, Assert.Single(Assert.IsType<ResolutionEffect.Found>(Assert.Single(step.Effects)).Targets).Transport);
    }

    [Fact]
    [Trait("RFC", "5922 §4")]
    public void The_name_to_verify_is_the_one_that_was_asked_for_and_not_where_DNS_led()
    {
        var found = (ResolutionEffect.Found)Run("sips:example.com", Context(All), []);
        Assert.All(found.Targets, t => Assert.Equal("example.com", t.Name));
    }

    [Fact]
    public void An_answer_that_nobody_asked_for_changes_nothing()
    {
        var context = Context(All);
        var state = SipResolution.Begin(Uri("sip:example.com"), false, context).State;
        var step = SipResolution.Next(state, new DnsAnswer(new DnsQuestion(DnsType.A, "example.com"), [Ip("192.0.2.66")]), context);
        Assert.Same(state, step.State);
        Assert.Empty(step.Effects);
    }

    [Fact]
    public void A_family_without_a_listener_is_not_asked_for()
    {
        var asked = new List<DnsQuestion>();
        var found = Run("sip:bare.example:5060", Context(All) with { UsesIPv6 = false }, asked);
        Assert.Equal("Udp 192.0.2.20:5060", Text(found));
        Assert.DoesNotContain(asked, q => q.Type == DnsType.Aaaa);
    }

    private static readonly SipTransport[] All = [SipTransport.Udp, SipTransport.Tcp, SipTransport.Tls];

    private static string Locate(string uri, params SipTransport[] transports) =>
        Text(Run(uri, Context(transports.Length == 0 ? All : transports), []));

    private static string Locate(string uri, List<DnsQuestion> asked) => Text(Run(uri, Context(All), asked));

    private static string Text(ResolutionEffect end) => end switch
    {
        ResolutionEffect.Found found => string.Join(", ", found.Targets),
        ResolutionEffect.NotFound nowhere => nowhere.Reason,
        _ => "no end",
    };

    private static ResolutionEffect Run(string uri, ResolutionContext context, List<DnsQuestion> asked)
    {
        var step = SipResolution.Begin(Uri(uri), isSecure: false, context);
        var open = new Queue<DnsQuestion>();
        while (true)
        {
            foreach (var ask in step.Effects.OfType<ResolutionEffect.Ask>()) open.Enqueue(ask.Question);
            if (step.Effects.FirstOrDefault(e => e is not ResolutionEffect.Ask) is { } end) return end;
            var question = open.Dequeue();
            asked.Add(question);
            ImmutableArray<DnsRecord> records = Zone.TryGetValue(question.ToString(), out var known) ? [.. known] : [];
            step = SipResolution.Next(step.State, new DnsAnswer(question, records), context);
        }
    }

    private static ResolutionContext Context(SipTransport[] transports) => new(transports.Contains, true, true, _ => 0);

    private static DnsRecord.Address Ip(string text) => new(IPAddress.Parse(text));

    private static SipUri Uri(string text)
    {
        Assert.True(SipReader.TryReadUri(text, out var uri));
        return uri!;
    }
}
