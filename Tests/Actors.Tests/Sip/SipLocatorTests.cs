using System.Net;
using Akka.Actor;
using Akka.TestKit.Xunit2;
using ConfCluster.Actors.Participant;
using ConfCluster.Actors.Settings;
using ConfCluster.Actors.Sip;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Parsing;
using ConfCluster.Support;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace ConfCluster.Actors.Tests.Sip;

/// <summary>The locator with a name server of ours on loopback.</summary>
public sealed class SipLocatorTests : TestKit
{
    private static readonly ParticipantId Alice = new("0123456789abcdef0123456789abcdef");
    private static readonly IPEndPoint Here = new(IPAddress.Loopback, 5060);
    private readonly SmallDnsServer _dns = new(timeToLive: 30);
    private readonly FakeTimeProvider _clock = new();
    private readonly IActorRef _locator;

    public SipLocatorTests()
    {
        var listening = new SipListening(Here, Here, 0, 0);
        var endpoint = Sys.ActorOf(Props.Create(() => new Answering(listening)));
        var lookup = new DnsLookup(new DnsSettings([_dns.Address], TimeSpan.FromMilliseconds(300), 10));
        var regions = new EntityRegions { Participants = TestActor, SipEndpoint = endpoint };
        _locator = Sys.ActorOf(Props.Create(() => new SipLocator(regions, lookup.AskAsync, 10, _clock)));
    }

    [Fact]
    [Trait("RFC", "3263 §4.1")]
    public void Names_are_followed_through_NAPTR_and_SRV_to_addresses()
    {
        _dns.Naptr("example.test", 10, 1, "SIP+D2T", "_sip._tcp.example.test").Naptr("example.test", 20, 1, "SIP+D2U", "_sip._udp.example.test")
            .Srv("_sip._tcp.example.test", 2, 0, 5072, "b.example.test").Srv("_sip._tcp.example.test", 1, 0, 5071, "a.example.test")
            .Host("a.example.test", "192.0.2.1").Host("b.example.test", "192.0.2.2");
        var located = Locate("sip:bob@example.test");
        Assert.Equal(["Tcp 192.0.2.1:5071", "Tcp 192.0.2.2:5072"], located.Hops.Select(h => h.ToString()));
        Assert.All(located.Hops, h => Assert.Equal(Here, h.Local));
    }

    [Fact]
    public void An_answer_is_kept_as_long_as_it_lives()
    {
        _dns.Host("host.test", "192.0.2.1");
        Locate("sip:bob@host.test:5080");
        Assert.Equal(1, _dns.Questions);
        _clock.Advance(TimeSpan.FromSeconds(29));
        Assert.Equal("Udp 192.0.2.1:5080", Assert.Single(Locate("sip:bob@host.test:5080").Hops).ToString());
        Assert.Equal(1, _dns.Questions);
        _clock.Advance(TimeSpan.FromSeconds(1));
        Locate("sip:bob@host.test:5080");
        Assert.Equal(2, _dns.Questions);
    }

    [Fact]
    public void A_name_that_does_not_exist_and_a_server_that_is_silent_lead_nowhere()
    {
        Assert.Contains("no address", Locate("sip:bob@nowhere.test:5080").Reason, StringComparison.Ordinal);
        _dns.IsSilent = true;
        Assert.Contains("no address", Locate("sip:bob@silent.test:5080").Reason, StringComparison.Ordinal);
        _dns.IsSilent = false;
        _dns.Host("silent.test", "192.0.2.3");
        Assert.Single(Locate("sip:bob@silent.test:5080").Hops);
    }

    [Fact]
    public void A_search_that_waits_holds_up_no_other()
    {
        _dns.IsSilent = true;
        _locator.Tell(new LocateServers(Alice, Uri("sip:bob@slow.test:5080"), false));
        _locator.Tell(new LocateServers(Alice, Uri("sip:bob@192.0.2.9"), false));
        Assert.Equal("Udp 192.0.2.9:5060", Assert.Single(ExpectMsg<ServersLocated>().Hops).ToString());
        Assert.Empty(ExpectMsg<ServersLocated>(TimeSpan.FromSeconds(10)).Hops);
    }

    protected override void AfterAll()
    {
        _dns.Dispose();
        base.AfterAll();
    }

    private ServersLocated Locate(string uri)
    {
        _locator.Tell(new LocateServers(Alice, Uri(uri), false));
        return ExpectMsg<ServersLocated>(TimeSpan.FromSeconds(10));
    }

    private static SipUri Uri(string text)
    {
        Assert.True(SipReader.TryReadUri(text, out var uri));
        return uri!;
    }

    private sealed class Answering : ReceiveActor
    {
        public Answering(SipListening listening) => Receive<GetListening>(_ => Sender.Tell(listening));
    }
}
