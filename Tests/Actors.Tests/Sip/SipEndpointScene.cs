using System.Net;
using Akka.Actor;
using Akka.TestKit;
using Akka.TestKit.Xunit2;
using ConfCluster.Actors.Participant;
using ConfCluster.Actors.Settings;
using ConfCluster.Actors.Sip;
using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Transactions;
using ConfCluster.Protocols.Wire;
using Microsoft.Extensions.Time.Testing;

namespace ConfCluster.Actors.Tests.Sip;

/// <summary>An endpoint on free loopback ports with a probe for the participants; its clock stands still unless a test moves it.</summary>
public abstract class SipEndpointScene : TestKit
{
    private readonly List<IDisposable> _owned = [];

    protected SipEndpointScene()
    {
        Participants = CreateTestProbe();
        Tags = Own(new LocalTag(SecretBytes.CopyOf("0123456789abcdef0123456789abcdef"u8)));
    }

    protected static SipSettings Settings { get; } = new(
        new IPEndPoint(IPAddress.Loopback, 0), new IPEndPoint(IPAddress.Loopback, 0), null, SipTimings.Default, 65_535, 100, 10,
        TimeSpan.FromMinutes(10), "test");

    protected FakeTimeProvider Clock { get; } = new();

    protected TestProbe Participants { get; }

    protected LocalTag Tags { get; }

    protected EntityRegions Regions() => new() { Participants = Participants };

    protected IActorRef Start(SipSettings? settings = null) => Start(settings, Regions());

    protected IActorRef Start(SipSettings? settings, EntityRegions regions)
    {
        var used = settings ?? Settings;
        return Sys.ActorOf(Props.Create(() => new SipEndpoint(used, Tags, regions, Clock)));
    }

    private protected UdpPeer Udp(IActorRef endpoint) => Own(new UdpPeer(Listening(endpoint).Udp!));

    private protected TcpPeer Tcp(IActorRef endpoint) => Own(new TcpPeer(Listening(endpoint).Tcp!));

    protected SipListening Listening(IActorRef endpoint)
    {
        var asker = CreateTestProbe();
        endpoint.Tell(GetListening.Instance, asker);
        return asker.ExpectMsg<SipListening>();
    }

    /// <summary>Moves the clock when the endpoint has done all that came before, timers included.</summary>
    protected void Advance(IActorRef endpoint, TimeSpan time)
    {
        Listening(endpoint);
        Clock.Advance(time);
    }

    /// <summary>The participant side answers the request it just got.</summary>
    protected static void Answer(SipRequestArrived arrived, int status, string reason) =>
        arrived.Endpoint.Tell(new Respond(arrived.Key, arrived.Request.CreateResponse(status, reason, arrived.Participant.Value)));

    protected void ExpectSilence() => Participants.ExpectNoMsg(TimeSpan.FromMilliseconds(150));

    /// <summary>A request in the dialog of the participant, as it would build it.</summary>
    protected static SipRequest InDialog(SipRequestArrived arrived, SipMethod method) => Protocols.Sip.Dialogs.Dialog
        .FromRequest(arrived.Request, arrived.Participant.Value).NewRequest(method).Request;

    protected T Own<T>(T thing)
        where T : IDisposable
    {
        _owned.Add(thing);
        return thing;
    }

    protected override void AfterAll()
    {
        base.AfterAll();
        foreach (var thing in _owned) thing.Dispose();
    }
}
