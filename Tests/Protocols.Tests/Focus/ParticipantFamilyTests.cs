using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Sdp;
using Xunit;
using static ConfCluster.Protocols.Focus.ParticipantEffect;
using static ConfCluster.Protocols.Tests.Focus.ParticipantScene;

namespace ConfCluster.Protocols.Tests.Focus;

/// <summary>A call stays with the family of addresses that it began with.</summary>
public sealed class ParticipantFamilyTests
{
    /// <summary>The ports of a call are of the family that it began with; whoever has moved to the other one calls again.</summary>
    [Theory]
    [InlineData("INVITE")]
    [InlineData("UPDATE")]
    [Trait("RFC", "3261 §20.43")]
    public void An_offer_that_changes_the_address_family_is_refused_and_the_call_goes_on(string method)
    {
        var scene = Confirmed();
        var before = scene.State;
        scene.Receive(Later(method, 2, Offer(2, key: 9, address: "::1").Replace("c=IN IP4", "c=IN IP6", StringComparison.Ordinal)));

        Assert.Equal(488, scene.Response.StatusCode);
        Assert.StartsWith("301 ", scene.Response.Headers.First("Warning"), StringComparison.Ordinal);
        scene.None<SetLegMedia>();
        scene.None<OpenLeg>();
        scene.None<CloseLeg>();
        scene.None<Leave>();
        SameLeg(before, scene.State);

        // The version of the refused offer may be used again, and the keys of the call are those of before.
        scene.Receive(Later(method, 3, Offer(2, direction: "sendonly")));
        Assert.Equal(200, scene.Response.StatusCode);
        using var held = scene.Only<SetLegMedia>().Media;
        Assert.Equal((MediaDirection.ReceiveOnly, false), (held.Direction, held.Remote.IsIPv6));
        Assert.Equal(Key(1), Convert.ToBase64String(UplinkOf(held)));
    }

    [Fact]
    public void A_call_over_IPv6_is_not_taken_to_IPv4_either()
    {
        var scene = Opening(Six(Offer()));
        Assert.Equal(System.Net.Sockets.AddressFamily.InterNetworkV6, Assert.Single(scene.All.OfType<OpenLeg>()).Family);
        var ports = MediaAddress.From(System.Net.IPAddress.IPv6Loopback, 40000);
        scene.Do(new ParticipantInput.LegOpened(Mixer, ports, ports.WithPort(40001)));
        scene.Ack();
        var before = scene.State;
        scene.Receive(Later("INVITE", 2, Offer(2)));
        Assert.Equal(488, scene.Response.StatusCode);
        SameLeg(before, scene.State);
        scene.Receive(Later("UPDATE", 3, Six(Offer(3, port: 50100))));
        Assert.Equal(200, scene.Response.StatusCode);
        using var media = scene.Only<SetLegMedia>().Media;
        Assert.Equal((true, 50100), (media.Remote.IsIPv6, (int)media.Remote.Port));

        static string Six(string sdp) => sdp.Replace("c=IN IP4 127.0.0.1", "c=IN IP6 ::1", StringComparison.Ordinal);
    }

    private static void SameLeg(ParticipantState before, ParticipantState after) =>
        Assert.Same(((ParticipantState.Confirmed)before).Participation.Leg, ((ParticipantState.Confirmed)after).Participation.Leg);
}
