using ConfCluster.Support.Audio;
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
    public async Task A_phone_behind_the_proxy_talks_and_is_heard()
    {
        var directory = Directory.CreateTempSubdirectory("confcluster-proxied-").FullName;
        double[] tones = [440, 770];
        try
        {
            using var kamailio = await Kamailio.StartAsync(node, "udp");
            using var phone = Baresip.Start(directory, "behind", NodeUnderTest.FreePort(), NodeUnderTest.FreePort(), 31700, tones[0]);
            await phone.CommandAsync("dial", $"sip:talk@{kamailio.Target};transport=tcp");
            using var softphone = NodeUnderTest.Call(
                [$"sip:talk@{kamailio.Target}", "--tone", $"{tones[1]}", "--record", "soft.wav", "--for", "60s"], directory);
            await node.UntilParticipants("talk", 2);
            await Task.Delay(TimeSpan.FromSeconds(4));
            await node.EndAsync("talk");
            await softphone.WaitAsync(TimeSpan.FromSeconds(20));
            await node.Until(() => Task.FromResult(phone.Output.Contains("session closed", StringComparison.OrdinalIgnoreCase)), "baresip to be hung up on");

            var behind = ToneAnalysis.Of(phone.Heard, tones);
            Assert.True(behind.SteadyTones() is [770.0], $"baresip heard {behind}\n{phone.Output}\n{node.Log}");
            var soft = ToneAnalysis.Of(Path.Combine(directory, "soft.wav"), tones);
            Assert.True(soft.SteadyTones() is [440.0], $"the softphone heard {soft}\n{softphone.Output}\n{node.Log}");
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    [SkippableFact]
    public Task Loose_routers_get_our_requests_in_the_order_of_the_route_set() => Sipp.RunUntilEndedAsync(node, "loose-route.xml", "loose-route");

    [SkippableFact]
    public Task A_strict_router_gets_its_own_URI_as_Request_URI() => Sipp.RunUntilEndedAsync(node, "strict-route.xml", "strict-route");
}
