using System.Net;
using ConfCluster.Protocols.Phone;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Support;
using Xunit;

namespace ConfCluster.Protocols.Tests.Phone;

/// <summary>The server of a call is gone, and the phone goes on at another that knows its dialog.</summary>
public sealed class PhoneReconnectTests
{
    private static readonly IPEndPoint Server = new(IPAddress.Parse("10.0.0.2"), 5060);
    private static readonly IPEndPoint Dead = new(IPAddress.Parse("10.0.0.3"), 5060);
    private static readonly IPEndPoint Other = new(IPAddress.Parse("10.0.0.4"), 5060);
    private readonly SimulatedNetwork _network = new(1, NetworkConditions.Clean);

    /// <summary>The peer's datagrams come and go by another address from then on, as a cluster's do; the first that is tried is dead as well.</summary>
    [Fact]
    [Trait("RFC", "3261 §12.2")]
    public void A_server_that_answers_no_OPTIONS_is_left_for_one_that_takes_the_dialog()
    {
        using var phone = Phone(TimeSpan.FromSeconds(1));
        using var peer = new SimulatedPhone(_network, "10.0.0.2", phone.Sip, 880, 2);
        phone.Also.Enqueue(Dead);
        phone.Also.Enqueue(Other);
        phone.Dial(peer);
        Run(5);
        Assert.True(phone.Sent.Count(m => m is SipRequest { Method.Name: "OPTIONS" }) >= 4);
        Assert.DoesNotContain(phone.Events, e => e is PhoneEvent.Rerouted);

        _network.Drops = (from, to, _) => to.Equals(Server) || to.Equals(Dead) || from.Equals(Server) && to.Port == 5060;
        var at = _network.Now;
        _network.Attach(Other, (from, bytes) => peer.ReceiveAt(Other, from, bytes));
        while (!phone.Events.Any(e => e is PhoneEvent.Rerouted)) Run(0.1);
        // Two questions without an answer, and two seconds for the server that is dead as well.
        Assert.InRange((_network.Now - at).TotalSeconds, 2, 5);

        // Where this peer says it is has not changed, so that is where BYE goes.
        _network.Drops = (_, _, _) => false;
        phone.HangUp();
        Run(1);
        Assert.Equal((CallEnd.Us, 200), (phone.End!.How, phone.End.Status));
        Assert.Equal(CallEnd.Peer, peer.End!.How);
    }

    [Fact]
    public void Without_another_server_the_call_goes_on_as_it_is()
    {
        using var phone = Phone(TimeSpan.FromSeconds(1));
        using var peer = new SimulatedPhone(_network, "10.0.0.2", phone.Sip, 880, 2);
        phone.Dial(peer);
        Run(2);
        _network.Drops = (from, to, _) => to.Equals(Server) || from.Equals(Server);
        Run(10);
        _network.Drops = (_, _, _) => false;
        Run(2);
        Assert.Null(phone.End);
        phone.HangUp();
        Run(1);
        Assert.Equal((CallEnd.Us, 200), (phone.End!.How, phone.End.Status));
    }

    private SimulatedPhone Phone(TimeSpan probe) => new(_network, "10.0.0.1", Server, 440, 1, PhoneSettings.Default with { ProbeEvery = probe });

    private void Run(double seconds) => _network.RunFor(TimeSpan.FromSeconds(seconds));
}
