using Xunit;

namespace ConfCluster.Interop.Tests;

/// <summary>Calls through Kamailio: it stays in the route set, changes the transport, and forwards what both ends send in the dialog.</summary>
public sealed class ProxyTests(NodeUnderTest node) : IClassFixture<NodeUnderTest>
{
    [SkippableTheory]
    [InlineData("u1", "udp")]
    [InlineData("u1", "tcp")]
    [InlineData("t1", "udp")]
    [InlineData("t1", "tcp")]
    public async Task A_call_with_re_INVITE_and_UPDATE_goes_through_a_record_routing_proxy(string phone, string transport)
    {
        using var kamailio = await Kamailio.StartAsync(node, transport);
        using var sipp = Sipp.StartThrough(kamailio.Target, node, "proxy-call.xml", $"proxy-{phone}-{transport}", "-t", phone);
        await sipp.EndsWellAsync();
        await node.UntilParticipants($"proxy-{phone}-{transport}", 0);
    }

    [SkippableTheory]
    [InlineData("u1", "udp", "proxy-ended.xml")]
    [InlineData("u1", "tcp", "proxy-two-transports.xml")]
    [InlineData("t1", "udp", "proxy-two-transports.xml")]
    [InlineData("t1", "tcp", "proxy-ended.xml")]
    public async Task A_conference_that_is_ended_hangs_up_through_the_route_set(string phone, string transport, string scenario)
    {
        using var kamailio = await Kamailio.StartAsync(node, transport);
        await Sipp.RunUntilEndedAsync(node, scenario, $"proxy-ended-{phone}-{transport}", kamailio.Target, "-t", phone);
    }

    [SkippableFact]
    public Task Loose_routers_get_our_requests_in_the_order_of_the_route_set() => Sipp.RunUntilEndedAsync(node, "loose-route.xml", "loose-route");

    [SkippableFact]
    public Task A_strict_router_gets_its_own_URI_as_Request_URI() => Sipp.RunUntilEndedAsync(node, "strict-route.xml", "strict-route");
}
